"""The report in a real browser: whether it fits, can be read, stays inert and needs nothing."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from browsers import OVERFLOW, POOR_CONTRAST, REACHING_OUT, watched

from adaptline.web.report import render
from adaptline.web.view import Head, ReportView

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from playwright.sync_api import Browser
    from playwright.sync_api import Page as BrowserPage

    Plant = Callable[[ReportView, str], ReportView]
    Open = Callable[..., "BrowserPage"]

WIDTHS = (320, 380, 768, 1056, 1400)
UNBROKEN = "w" * 5000

OPEN_EVERYTHING = "document.querySelectorAll('details').forEach(details => { details.open = true })"


@pytest.fixture
def show(browser: Browser, tmp_path: Path) -> Iterator[Open]:
    """Opens a page's source, with all that can be opened in it open."""
    file = tmp_path / "report.html"
    with watched(browser, file.as_uri()) as new_page:

        def open_page(source: str, *, width: int = 1400, scheme: Any = "light", allow: Any = ()) -> BrowserPage:
            file.write_text(source, "utf-8")
            page = new_page(width, allow=allow, color_scheme=scheme)
            page.goto(file.as_uri())
            page.evaluate(OPEN_EVERYTHING)
            return page

        yield open_page


@pytest.mark.parametrize("width", WIDTHS)
def test_it_fits_every_width(sample: ReportView, show: Open, width: int) -> None:
    page = show(render(sample), width=width)
    assert page.evaluate(OVERFLOW) == 0
    assert page.evaluate(REACHING_OUT) == []


@pytest.mark.parametrize("width", [380, 1400])
@pytest.mark.parametrize(
    "text", [UNBROKEN, "\u0645\u0631\u062d\u0628\u0627 " * 60, "👩\u200d👩\u200d👧" * 400, "e" + "\u0301" * 3000]
)
def test_it_fits_whatever_the_texts_are(sample: ReportView, planted: Plant, show: Open, width: int, text: str) -> None:
    page = show(render(planted(sample, text)), width=width)
    assert page.evaluate(OVERFLOW) == 0
    assert page.evaluate(REACHING_OUT) == []


@pytest.mark.parametrize("width", [380, 1400])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_text_can_be_read(sample: ReportView, show: Open, scheme: str, width: int) -> None:
    page = show(render(sample), scheme=scheme, width=width)
    assert page.evaluate(POOR_CONTRAST) == []


def test_it_follows_the_readers_colour_scheme(sample: ReportView, show: Open) -> None:
    grounds = {
        scheme: show(render(sample), scheme=scheme).evaluate("getComputedStyle(document.body).backgroundColor")
        for scheme in ("light", "dark")
    }
    assert grounds == {"light": "rgb(251, 251, 249)", "dark": "rgb(20, 23, 27)"}


@pytest.mark.parametrize(
    "text",
    [
        "<script>alert(1)</script>",
        '"><img src=x onerror=alert(1)>',
        "</style><script>alert(1)</script>",
        "{{7*7}}",
        "javascript:alert(1)",
        "'><svg onload=alert(1)><style>*{display:none}</style>",
    ],
)
def test_hostile_texts_are_inert(sample: ReportView, planted: Plant, show: Open, text: str) -> None:
    page = show(render(planted(sample, text)))
    assert page.evaluate("document.querySelectorAll('script, img, iframe, svg style, main style').length") == 0
    assert page.evaluate("document.styleSheets.length") == 1
    assert text in page.inner_text("h1")


def test_were_a_text_ever_not_escaped_the_policy_would_still_stop_it(sample: ReportView, show: Open) -> None:
    hole = (
        "<script>document.title = 'taken'</script><img src='data:,' onerror=\"document.title = 'taken'\">"
        "<style>h1 { color: rgb(255, 0, 0) }</style><p id='styled' style='color: rgb(255, 0, 0)'>x</p>"
        "<form action='https://example.invalid/'><button id='send'>send</button></form>"
    )
    page = show(render(sample).replace("</main>", hole + "</main>"), allow=("Content Security Policy",))
    page.evaluate("document.querySelector('#send').click()")
    assert page.evaluate("document.querySelector('title').textContent") == "restaurant-support · adaptline report"
    for selector in ("h1", "#styled"):
        assert page.evaluate(f"getComputedStyle(document.querySelector('{selector}')).color") != "rgb(255, 0, 0)"
    assert page.url.startswith("file:")


def test_the_contents_stay_in_sight_where_there_is_room(sample: ReportView, show: Open) -> None:
    page = show(render(sample))
    page.evaluate("scrollTo(0, document.body.scrollHeight / 2)")
    box = page.locator("nav a").first.bounding_box()
    assert box
    assert 0 <= box["y"] < 900
    narrow = show(render(sample), width=380)
    narrow.evaluate("scrollTo(0, document.body.scrollHeight / 2)")
    box = narrow.locator("nav a").first.bounding_box()
    assert box
    assert box["y"] < 0


def test_a_link_of_the_contents_leads_to_its_section(sample: ReportView, show: Open) -> None:
    page = show(render(sample))
    page.get_by_role("link", name="Comparison").click()
    box = page.locator("#comparison").bounding_box()
    assert box
    assert abs(box["y"]) < 60


def test_the_first_key_stroke_offers_to_skip_to_the_report(sample: ReportView, show: Open) -> None:
    page = show(render(sample))
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to the report"
    box = page.locator(".skip").bounding_box()
    assert box
    assert box["x"] >= 0
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "main"


def test_a_method_opens_by_keyboard_and_shows_its_rows(sample: ReportView, show: Open) -> None:
    page = show(render(sample))
    page.evaluate("document.querySelectorAll('details').forEach(details => { details.open = false })")
    stage = page.locator("details.stage", has=page.locator("summary", has_text="decontaminate"))
    assert not stage.get_by_text("tasks/intent.toml: test.jsonl:117").is_visible()
    stage.locator("summary").focus()
    page.keyboard.press("Enter")
    assert stage.get_by_text("tasks/intent.toml: test.jsonl:117").is_visible()


def test_what_a_screen_reader_is_told(sample: ReportView, show: Open) -> None:
    page = show(render(sample))
    assert page.get_by_role("main").count() == 1
    assert page.get_by_role("navigation", name="Contents").count() == 1
    assert page.get_by_role("region", name="Comparison").count() == 1
    assert page.get_by_role("img", name="Distribution of length over").count() == 1
    assert page.get_by_role("img", name="validation accuracy of lora r=16 over 16 epochs, 3 seeds").count() == 1
    assert page.get_by_role("table", name="accuracy of every candidate").get_by_role("row").count() == 5


def test_a_narrow_screen_folds_the_costs_into_cards(sample: ReportView, show: Open) -> None:
    page = show(render(sample), width=380)
    box = page.locator("#costs .scrolling")
    assert box.evaluate("e => e.scrollWidth - e.clientWidth") == 0
    assert (
        page.locator("#costs td[data-label='process peak']").first.evaluate(
            "e => getComputedStyle(e, '::before').content"
        )
        == '"process peak"'
    )


def test_print_shows_what_is_folded_away_and_leaves_out_the_contents(sample: ReportView, show: Open) -> None:
    page = show(render(sample), scheme="dark")
    page.evaluate("document.querySelectorAll('details').forEach(details => { details.open = false })")
    page.emulate_media(media="print")
    assert page.evaluate("getComputedStyle(document.querySelector('nav')).display") == "none"
    assert page.get_by_text("tasks/intent.toml: test.jsonl:117").bounding_box()
    assert page.evaluate("getComputedStyle(document.documentElement).getPropertyValue('--page')").strip() == "#fbfbf9"
    assert page.pdf(format="A4").startswith(b"%PDF")


@pytest.mark.parametrize("width", [380, 1400])
def test_a_run_that_has_done_nothing_yet_fits_too(show: Open, width: int) -> None:
    page = show(render(ReportView(Head("nothing", "recipe.toml", None))), width=width)
    assert page.evaluate(OVERFLOW) == 0


def test_a_curation_alone_needs_no_other_section(sample: ReportView, show: Open) -> None:
    view = replace(sample, audits=None, trainings=None, comparisons=None)
    page = show(render(view), width=380)
    assert page.evaluate(OVERFLOW) == 0
    assert page.get_by_role("heading", level=2).all_inner_texts() == [
        "Rows",
        "Scores and bounds",
        "Costs",
        "How to go on",
    ]
