from __future__ import annotations

import base64
import hashlib
import html
import math
import re
import subprocess
import sys
import time
from dataclasses import replace
from datetime import datetime, timedelta
from html.parser import HTMLParser
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from adaptline.web.report import render, sections
from adaptline.web.view import Fact, Head, ReportView, Verdict
from adaptline.web.view_evidence import Candidate, CandidateCurves, Comparison, SeedCurve, SeedScore, Training
from adaptline.web.view_rows import Audit, Curation, Intake, Stage
from adaptline.web.view_scores import Histogram, LabelChart

if TYPE_CHECKING:
    from collections.abc import Callable

    Plant = Callable[[ReportView, str], ReportView]
    Change = Callable[[str, Any], Any]
    WithFields = Callable[[ReportView, Change], ReportView]

HOSTILE = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "'><svg onload=alert(1)>",
    "</style><script>alert(1)</script>",
    "</title></main><iframe src=//evil.example>",
    "{{7*7}}{% raw %}{{ view.head }}",
    "javascript:alert(1)",
    "--><!--<a href=javascript:alert(1)>",
    "\x00\u202e\ud800<b>\r\n&lt;script&gt;",
    "style='color:red' onmouseover=alert(1) x",
    "\U000e0041" * 3 + "a" * 5000,
)
MINUS = "\u2212"
MINIMAL = ReportView(Head("nothing", "recipe.toml", None))


class Page(HTMLParser):
    """The elements, attributes and text of a page."""

    def __init__(self, source: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.words: list[str] = [""]
        self.style = ""
        self._open: list[str] = []
        self.feed(source)
        self.close()

    def _apart(self, tag: str) -> None:
        if tag not in ("strong", "mark", "code", "bdi", "em"):
            self.words.append("")

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, {name: value or "" for name, value in attrs}))
        self._apart(tag)
        if tag not in ("meta", "link"):
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag
        self._apart(tag)

    def handle_data(self, data: str) -> None:
        if self._open and self._open[-1] == "style":
            self.style += data
        else:
            self.words[-1] += data

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())

    def all(self, tag: str) -> list[dict[str, str]]:
        return [attributes for name, attributes in self.elements if name == tag]

    @property
    def shape(self) -> set[tuple[str, str]]:
        """Which attributes occur on which elements."""
        return {(tag, name) for tag, attributes in self.elements for name in ("", *attributes)}


@pytest.fixture(scope="module")
def page(sample: ReportView) -> Page:
    return Page(render(sample))


def text_of(view: ReportView) -> str:
    return Page(render(view)).text.replace("\u202f", " ")


class TestContent:
    def test_the_head_says_who_won_and_at_what_cost(self, page: Page) -> None:
        text = page.text.replace("\u202f", " ")
        assert "lora r=16 answers best: 91.4 % of intents right" in text
        assert "a difference was shown" in text
        assert "31 min 14 s in all steps together, 56 min 30 s of CPU time" in text
        assert "23 November 2026, 14:44 UTC" in text
        assert "2 warnings" in text

    def test_every_section_has_a_place_in_the_contents(self, page: Page) -> None:
        targets = [link["href"] for link in page.all("a")]
        names = ["rows", "scores", "planted", "training", "comparison", "costs", "commands"]
        assert targets == ["#main", *(f"#{name}" for name in names)]

    def test_the_funnel_tells_what_every_method_did(self, page: Page) -> None:
        assert f"minhash {MINUS}2,140 dropped 0 changed 20,144 left" in page.text
        assert "unicode 0 dropped 1,312 changed 24,789 left" in page.text
        assert "repetition" in page.text
        assert "It dropped nothing: every row that reached it lies within the bounds." in page.text

    def test_a_near_duplicate_stands_beside_the_row_that_was_kept(self, page: Page) -> None:
        assert "data/tickets.jsonl:5311" in page.text.replace(" :", ":")
        assert "kept instead data/tickets.jsonl:208" in page.text.replace(" :", ":")
        assert "kept instead" in page.text

    def test_a_leaked_item_says_where_it_leaked_from(self, page: Page) -> None:
        assert "score 17 > max 12 because of tasks/intent.toml: test.jsonl:117" in page.text

    def test_rows_that_could_not_be_judged_are_counted(self, page: Page) -> None:
        assert '134 rows could not be judged; the recipe says unjudged = "keep"' in page.text

    def test_a_kind_that_nobody_looks_for_says_so(self, page: Page) -> None:
        assert "wrong_label 250 6 \u2013 244 \u2013 not looked for" in page.text

    def test_verdicts_are_in_words(self, page: Page) -> None:
        text = page.text.replace("\u202f", " ")
        assert f"full {MINUS}0.2 {MINUS}1.2 to +0.7 0.610 ○ no difference shown" in text
        assert f"head {MINUS}6.1 {MINUS}7.8 to {MINUS}4.4 < 0.001 ● worse than the leader" in text

    def test_an_axis_is_written_in_the_unit_of_its_metric(self, sample: ReportView) -> None:
        assert sample.comparisons
        quick, slow = (Candidate(name, at, at - 1, at + 1) for name, at in (("head", 20.0), ("full", 60.0)))
        latency = replace(sample.comparisons[0], unit="seconds", candidates=(quick, slow))
        text = text_of(replace(sample, comparisons=(latency,)))
        assert "20 s 19 s to 21 s" in text
        assert "40 s 50 s 60 s" in text

    def test_the_peak_of_memory_is_said_to_be_that_of_the_process(self, page: Page) -> None:
        assert "CPU time process peak examples / s" in page.text
        assert "peak memory" not in page.text

    def test_what_a_method_says_of_itself_is_told(self, sample: ReportView) -> None:
        assert sample.curations
        (curation,) = sample.curations
        stage = replace(curation.stages[0], told=("learnt from 3 texts", "most telling: <b>"))
        page = render(replace(sample, curations=(replace(curation, stages=(stage,)),)))
        assert "<p>learnt from 3 texts</p>" in page
        assert "<p>most telling: &lt;b&gt;</p>" in page

    def test_rows_compared_in_part_are_told(self, sample: ReportView) -> None:
        words = "were compared with a part of their candidates: a few near-duplicates may be missed."
        assert sample.curations
        (curation,) = sample.curations
        stages = {count: replace(curation.stages[0], compared_in_part=count) for count in (0, 3)}
        pages = {
            count: text_of(replace(sample, curations=(replace(curation, stages=(stage,)),)))
            for count, stage in stages.items()
        }
        assert f"3 rows {words}" in pages[3]
        assert words not in pages[0]

    def test_every_audit_is_shown(self, sample: ReportView) -> None:
        assert sample.audits
        second = replace(sample.audits[0], source="other.jsonl", note="the second")
        text = text_of(replace(sample, audits=(*sample.audits, second)))
        assert "data/planted.json lists them" in text
        assert "other.jsonl lists them" in text

    def test_every_field_of_the_view_is_shown(self, sample: ReportView, with_fields: WithFields) -> None:
        """Whatever a field is changed to, wherever the sample has it: some change of each field changes the page."""
        assert sample.trainings
        curves = replace(sample.trainings[0], curves=sample.trainings[0].curves[:1])
        view = replace(sample, trainings=(curves,), costs=sample.costs[2:4])  # many alike would only take longer
        before = render(view)
        seen, silent = set(), set()
        for name, number in places(view, with_fields):
            if name in seen:
                continue
            if render(with_fields(view, altering(name, number))) == before:
                silent.add(name)
            else:
                seen.add(name)
        assert silent - seen == set()

    def test_the_same_view_gives_the_same_page(self, sample: ReportView) -> None:
        assert render(sample) == render(sample)


def places(view: ReportView, with_fields: WithFields) -> list[tuple[str, int]]:
    """Every field of the view that can be altered: its name, and which of those of that name it is."""
    found: list[tuple[str, int]] = []

    def note(name: str, value: Any) -> Any:
        if altered(value) is not value:
            found.append((name, sum(other == name for other, _ in found)))
        return value

    with_fields(view, note)
    return found


def altering(name: str, number: int) -> Change:
    """A change of the field of that name and number."""
    met = 0

    def change(other: str, value: Any) -> Any:
        nonlocal met
        if other != name or altered(value) is value:
            return value
        met += 1
        return altered(value) if met - 1 == number else value

    return change


def altered(value: Any) -> Any:
    """Another value of the same type; the value itself where there is none."""
    if isinstance(value, bool):
        return not value
    if isinstance(value, str):
        return "~" + value
    if isinstance(value, int | float):
        return value * 1.7 + 1 if isinstance(value, float) else value * 2 + 1
    if isinstance(value, datetime):
        return value + timedelta(days=1)
    return () if value else value  # a tuple that holds something


class TestHostileTexts:
    @pytest.mark.parametrize("text", HOSTILE)
    def test_a_text_in_any_field_stays_text(self, sample: ReportView, page: Page, planted: Plant, text: str) -> None:
        attacked = Page(render(planted(sample, text)))
        assert attacked.shape <= page.shape | {("mark", ""), ("span", "title")}
        assert not {"script", "img", "iframe", "a:javascript", "object", "link", "form"} & {
            tag for tag, _ in attacked.elements
        }
        for _, attributes in attacked.elements:
            assert not [name for name in attributes if name.startswith("on") or name in ("style", "src", "srcset")]
        assert {link["href"][0] for link in attacked.all("a")} == {"#"}
        assert attacked.style == page.style

    def test_a_template_in_a_text_is_not_run(self, sample: ReportView, planted: Plant) -> None:
        text = text_of(planted(sample, "{{1234321*3}}"))
        assert "{{1234321*3}}" in text
        assert "3702963" not in text

    def test_nothing_hidden_reaches_the_page(self, sample: ReportView, planted: Plant) -> None:
        source = render(planted(sample, "a\x00b\u202ec\ud800"))
        source.encode("utf-8")
        assert not {"\x00", "\u202e", "\ud800"} & set(source)
        assert "a⟨U+0000⟩b⟨U+202E⟩c⟨U+D800⟩" in html.unescape(re.sub("<[^>]*>", "", source))

    def test_huge_texts_are_cut(self, sample: ReportView, planted: Plant) -> None:
        source = render(planted(sample, "word " * 200_000))
        assert len(source) < 600_000
        assert "1,000,000 characters in all" in source

    @settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(text=st.text(st.characters(), max_size=30))
    def test_no_text_at_all_changes_what_the_page_is_made_of(
        self, sample: ReportView, page: Page, planted: Plant, text: str
    ) -> None:
        attacked = Page(render(planted(sample, text)))
        assert attacked.shape <= page.shape | {("mark", ""), ("span", "title")}


class TestPolicy:
    def test_only_the_pages_own_style_is_allowed_and_nothing_else(self, page: Page) -> None:
        policy = next(
            meta["content"] for meta in page.all("meta") if meta.get("http-equiv") == "Content-Security-Policy"
        )
        digest = base64.b64encode(hashlib.sha256(page.style.encode()).digest()).decode()
        assert policy == (f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'")

    def test_it_fetches_nothing_and_runs_nothing(self, page: Page) -> None:
        assert not {"script", "img", "link", "iframe", "object", "embed"} & {tag for tag, _ in page.elements}
        assert not re.search(r"url\(|@import|https?:", page.style)
        assert not [attributes for _, attributes in page.elements if {"src", "style"} & set(attributes)]

    def test_the_style_sheet_cannot_end_its_element(self, page: Page) -> None:
        assert "<" not in page.style


class TestStructure:
    def test_anchors_are_unique_and_every_link_has_one(self, page: Page) -> None:
        anchors = [attributes["id"] for _, attributes in page.elements if "id" in attributes]
        assert len(anchors) == len(set(anchors))
        assert {link["href"].removeprefix("#") for link in page.all("a")} <= set(anchors)
        labels = [attributes["aria-labelledby"] for _, attributes in page.elements if "aria-labelledby" in attributes]
        assert set(labels) <= set(anchors)

    def test_headings_skip_no_level(self, page: Page) -> None:
        levels = [int(tag[1]) for tag, _ in page.elements if re.fullmatch("h[1-6]", tag)]
        assert levels[0] == 1
        assert levels.count(1) == 1
        assert all(after <= before + 1 for before, after in pairwise(levels))

    def test_drawings_have_a_name_or_are_hidden_from_screen_readers(self, page: Page) -> None:
        for drawing in page.all("svg"):
            inner = drawing.get("class") == "stretched"
            assert inner or drawing.get("aria-hidden") == "true" or (drawing["role"] == "img" and drawing["aria-label"])

    def test_heads_of_tables_have_a_scope(self, page: Page) -> None:
        assert page.all("th")
        assert {head.get("scope") for head in page.all("th")} == {"col", "row"}

    def test_language_landmarks_and_skip_link(self, page: Page) -> None:
        assert page.all("html") == [{"lang": "en"}]
        for landmark in ("header", "nav", "main", "footer"):
            assert len(page.all(landmark)) == 1
        assert page.all("a")[0] == {"class": "skip", "href": "#main"}

    def test_scrolling_boxes_can_be_reached_by_keyboard(self, page: Page) -> None:
        boxes = [attributes for tag, attributes in page.elements if attributes.get("class", "").startswith("scrolling")]
        assert boxes
        for box in boxes:
            assert (box["role"], box["tabindex"]) == ("region", "0")
            assert box["aria-label"]

    def test_foreign_texts_choose_their_own_direction(self, page: Page) -> None:
        shown = [attributes for _, attributes in page.elements if attributes.get("class") == "text"]
        assert len(shown) > 10
        assert {(attributes["dir"], attributes["lang"]) for attributes in shown} == {("auto", "")}


class TestLittle:
    """What a run has not, or not yet."""

    def test_a_view_of_nothing_still_is_a_page(self) -> None:
        assert [section.name for section in sections(MINIMAL)] == ["costs", "commands"]
        text = text_of(MINIMAL)
        assert "No artifact has been computed yet." in text
        assert "run the recipe first" in text

    def test_a_recipe_without_training_has_no_trace_of_it(self, sample: ReportView) -> None:
        view = replace(sample, trainings=None, comparisons=None, audits=None)
        assert [section.name for section in sections(view)] == ["rows", "scores", "costs", "commands"]
        assert "Learning curves" not in render(view)

    def test_what_is_there_but_empty_says_why(self) -> None:
        view = replace(
            MINIMAL,
            curations=(),
            scores=(),
            audits=(Audit("planted.json", ()),),
            trainings=(Training("adapters", "accuracy", "share", ()),),
            comparisons=(),
        )
        text = text_of(view)
        for said in (
            "No curate step has run yet.",
            "No filter of this recipe gave scores.",
            "The audit lists no planted defect.",
            "No learning curves were recorded.",
            "Nothing has been evaluated yet.",
        ):
            assert said in text

    def test_steps_that_did_little_say_what(self) -> None:
        comparison = Comparison("intent", "accuracy", "share", True, "test", 0, 0.95, "", ())
        view = replace(
            MINIMAL,
            intakes=(Intake("raw", 0, 0), Intake("more", 5, 1)),
            curations=(Curation("clean", 0, 0),),
            scores=(Histogram("length", "", (), ()), LabelChart("language", "", ())),
            trainings=(Training("adapters", "accuracy", "share", (CandidateCurves("head", ()),)),),
            comparisons=(comparison,),
        )
        text = text_of(view)
        for said in (
            "0 rows; every one could be read.",
            "5 rows, of which 1 could not be read and lies in quarantine.",
            "No sample was kept.",
            "This step lists no method, so every row passed.",
            "no scores to show",
            "The recipe sets no bound.",
            "No run of this candidate was recorded.",
            "No candidate was evaluated.",
            "There is no second candidate to compare the first with.",
            "No confusion of labels was counted.",
        ):
            assert said in text

    @pytest.mark.parametrize(
        ("outcome", "said"),
        [("winner", "a difference was shown"), ("tie", "no difference shown"), ("none", "nothing was compared")],
    )
    def test_the_outcome_is_told_apart_in_words(self, outcome: Any, said: str) -> None:
        view = ReportView(Head("demo", "recipe.toml", Verdict(outcome, "what came out")))
        assert said in text_of(view)

    @pytest.mark.parametrize(
        ("stage", "said"),
        [
            (Stage("length", "filter", "", 9, 0, 0, 9, bounds=(Fact("min", "2"),)), "lies within the bounds"),
            (Stage("length", "filter", "", 9, 0, 0, 9), "It dropped nothing: the recipe sets no bound."),
            (Stage("exact", "matcher", "", 9, 0, 0, 9), "no row is like enough to an earlier one"),
            (Stage("exact", "matcher", "", 0, 0, 0, 0), "It dropped nothing: no row reached it."),
            (Stage("unicode", "transform", "", 9, 0, 0, 9), "It changed nothing."),
        ],
    )
    def test_a_method_that_did_nothing_says_why(self, stage: Stage, said: str) -> None:
        assert said in text_of(replace(MINIMAL, curations=(Curation("clean", 9, 9, stages=(stage,)),)))

    def test_a_stage_whose_samples_were_not_kept_says_so(self, sample: ReportView, with_fields: WithFields) -> None:
        text = text_of(
            with_fields(sample, lambda name, value: () if name in ("Stage.drops", "Stage.changes") else value)
        )
        assert "No sample of the dropped rows was kept." in text
        assert "No sample of the changed rows was kept." in text

    @pytest.mark.parametrize("missing", [None, math.nan])
    def test_numbers_that_were_not_measured_are_dashes(
        self, sample: ReportView, with_fields: WithFields, missing: float | None
    ) -> None:
        def lose(_: str, value: Any) -> Any:
            if isinstance(value, tuple) and value and isinstance(value[0], float):
                return (missing,) * len(value)
            return missing if isinstance(value, float) else value

        source = render(with_fields(sample, lose))
        assert not re.search(r"\b(nan|None)\b", source)
        assert "no values" in source
        assert "no scores to show" in source


@pytest.fixture(scope="module")
def large(sample: ReportView) -> ReportView:
    values = tuple(1 / (1 + epoch) for epoch in range(1000))
    runs = tuple(SeedCurve(f"seed {seed}", values, values, 900) for seed in range(3))
    names = [f"lora r={rank}" for rank in range(60)]
    scores = tuple(SeedScore(f"seed {seed}", 0.8) for seed in range(3))
    assert sample.comparisons
    return replace(
        sample,
        trainings=(Training("adapters", "accuracy", "share", tuple(CandidateCurves(name, runs) for name in names)),),
        comparisons=(
            replace(sample.comparisons[0], candidates=tuple(Candidate(n, 0.8, 0.7, 0.9, scores) for n in names)),
        ),
        costs=sample.costs * 12,
    )


class TestMuch:
    """Sixty candidates, a thousand epochs, many cells."""

    def test_stays_a_page_that_a_browser_opens_quickly(self, large: ReportView) -> None:
        started = time.process_time()
        source = render(large)
        assert time.process_time() - started < 20
        assert len(source) < 3_000_000

    def test_folds_away_what_would_not_be_looked_at_at_once(self, large: ReportView) -> None:
        text = text_of(large)
        assert "60 candidates, 180 runs" in text
        assert "48 more candidates" in text

    def test_a_long_table_scrolls_inside_its_box(self, large: ReportView, sample: ReportView) -> None:
        assert 'class="scrolling tall"' in render(large)
        assert 'class="scrolling tall"' not in render(sample)

    def test_labels_beyond_the_first_are_summed_up(self, page: Page) -> None:
        assert "And 7 more labels with 42 rows, of which 42 dropped." in page.text


class TestColours:
    """Every pair of colours that meets, in both schemes, computed from the style sheet itself."""

    def test_text_and_shapes_have_the_contrast_of_wcag_aa(self, page: Page) -> None:
        for scheme in schemes(page.style):
            for ground in ("page", "card"):
                for ink, least in (("ink", 4.5), ("soft", 4.5), ("main", 4.5), ("dropped", 4.5), ("changed", 4.5)):
                    assert contrast(scheme[ink], scheme[ground]) >= least, (ink, ground)
                for line in range(6):
                    assert contrast(scheme[f"line-{line}"], scheme[ground]) >= 3, (line, ground)
            for bar in ("main", "dropped"):
                assert contrast(scheme[bar], scheme["track"]) >= 3, bar
            assert contrast(scheme["marked-ink"], scheme["marked"]) >= 4.5
            assert contrast(scheme["soft"], scheme["sunken"]) >= 4.5
            assert contrast(scheme["ink"], scheme["dropped-soft"]) >= 4.5

    def test_what_is_left_dropped_and_changed_stay_apart_for_every_kind_of_colour_vision(self, page: Page) -> None:
        for scheme in schemes(page.style):
            for matrix in COLOUR_VISION.values():
                seen = [lab(times(matrix, linear(scheme[name]))) for name in ("main", "dropped", "changed")]
                apart = [math.dist(seen[first], seen[second]) for first, second in ((0, 1), (1, 2), (0, 2))]
                assert min(apart) > 15, (matrix, apart)


# How linear sRGB is seen without one kind of cone: Machado, Oliveira and Fernandes, "A physiologically-based model
# for simulation of color vision deficiency" (2009), at severity 1.
COLOUR_VISION = {
    "protanopia": ((0.152286, 1.052583, -0.204868), (0.114503, 0.786281, 0.099216), (-0.003882, -0.048116, 1.051998)),
    "deuteranopia": ((0.367322, 0.860646, -0.227968), (0.280085, 0.672501, 0.047413), (-0.011820, 0.042940, 0.968881)),
    "tritanopia": ((1.255528, -0.076749, -0.178779), (-0.078411, 0.930809, 0.147602), (0.004733, 0.691367, 0.303900)),
}
Triple = tuple[float, float, float]


def schemes(style: str) -> list[dict[str, str]]:
    """The colours of the light and of the dark scheme by name."""
    light, dark = (
        dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6});", block))
        for block in re.findall(r":root \{([^}]*#[^}]*)\}", style)
    )
    assert set(dark) == set(light)
    return [light, dark]


def linear(colour: str) -> Triple:
    red, green, blue = (int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5))
    return linear_part(red), linear_part(green), linear_part(blue)


def linear_part(part: float) -> float:
    return part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4


def contrast(first: str, second: str) -> float:
    """WCAG 2.2, contrast ratio."""
    lights = sorted(
        sum(w * part for w, part in zip((0.2126, 0.7152, 0.0722), linear(c), strict=True)) for c in (first, second)
    )
    return (lights[1] + 0.05) / (lights[0] + 0.05)


def times(matrix: tuple[Triple, Triple, Triple], colour: Triple) -> Triple:
    first, second, third = (min(1.0, max(0.0, sum(a * b for a, b in zip(row, colour, strict=True)))) for row in matrix)
    return first, second, third


def lab(colour: Triple) -> Triple:
    """CIE L*a*b* (D65) of a linear sRGB colour."""
    to_xyz = ((0.4124, 0.3576, 0.1805), (0.2126, 0.7152, 0.0722), (0.0193, 0.1192, 0.9505))
    x, y, z = (
        bent(sum(a * b for a, b in zip(row, colour, strict=True)) / white)
        for row, white in zip(to_xyz, (0.9505, 1.0, 1.089), strict=True)
    )
    return 116 * y - 16, 500 * (x - y), 200 * (y - z)


def bent(value: float) -> float:
    return value ** (1 / 3) if value > (6 / 29) ** 3 else value / (3 * (6 / 29) ** 2) + 4 / 29


def test_importing_the_view_loads_no_template_engine() -> None:
    code = "import sys, adaptline.web.view; sys.exit('jinja2' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
