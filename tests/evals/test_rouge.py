from __future__ import annotations

import gzip
import json
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rouge_score.rouge_scorer import RougeScorer

from adaptline.errors import UserError
from adaptline.evals import rouge
from adaptline.evals.metrics.rouge1 import rouge1
from adaptline.evals.metrics.rouge2 import rouge2
from adaptline.evals.metrics.rougeL import rougeL
from adaptline.evals.metrics.rougeLsum import rougeLsum

RealData = Callable[[str], Path]
Metric = Callable[..., list[float]]
METRICS: dict[str, Metric] = {"rouge1": rouge1, "rouge2": rouge2, "rougeL": rougeL, "rougeLsum": rougeLsum}

# Few words, so that they repeat and several subsequences are equally long; lines, empty ones too; what is no word.
pieces = st.sampled_from(["a", "b", "c", "d", "Cat", "42", "\n", "\n\n", ".", "-", "caf\u00e9", "_", "\t"])
texts = st.lists(pieces, max_size=25).map(" ".join)
anything = st.text(st.characters(codec="utf-8", categories=["L", "N", "P", "Z", "M"]), max_size=30)


def theirs(name: str, prediction: str, references: list[str]) -> float:
    return float(RougeScorer([name]).score_multi(references, prediction)[name].fmeasure)


def score(metric: Metric, prediction: str, *references: str, **given: str) -> float:
    return metric([prediction], [list(references)], **given)[0]


@pytest.mark.parametrize("name", METRICS)
@settings(max_examples=150)
@given(texts, st.lists(texts, min_size=1, max_size=3))
def test_scores_are_those_of_rouge_score(name: str, prediction: str, references: list[str]) -> None:
    found = score(METRICS[name], prediction, *references)
    assert found == pytest.approx(theirs(name, prediction, references), abs=1e-12)


@settings(max_examples=100)
@given(anything)
def test_googles_tokens(text: str) -> None:
    from rouge_score.tokenize import tokenize  # noqa: PLC0415 - its name is a parameter's here

    assert rouge.tokens(text, "google") == tokenize(text, None)


@pytest.mark.parametrize("name", METRICS)
def test_real_summaries(name: str, real_data: RealData) -> None:
    """Titles against the summaries, and the abstracts, a sentence a line, against each other."""
    with gzip.open(real_data("sum_scitldr") / "test.jsonl.gz", "rt", encoding="utf-8") as file:
        rows = [json.loads(line) for line in file]
    assert len(rows) == 618
    rows = rows[::6]
    titles, targets = [row["title"] for row in rows], [row["target"] for row in rows]
    abstracts = ["\n".join(row["source"]) for row in rows]
    for said, accepted in (
        (titles, targets),
        (abstracts, targets),
        (abstracts[1:], [[text] for text in abstracts[:-1]]),
    ):
        found = METRICS[name](said, accepted)
        assert found == pytest.approx([theirs(name, *pair) for pair in zip(said, accepted, strict=True)], abs=1e-12)
        assert sum(found) > 0


@pytest.mark.parametrize("metric", [rougeL, rougeLsum])
def test_six_hundred_abstracts_take_seconds(metric: Metric) -> None:
    lines = [[f"w{(start * step) % 97}" for step in range(25)] for start in range(60)]
    abstracts = ["\n".join(" ".join(lines[(number + line) % 60]) for line in range(8)) for number in range(600)]
    start = time.process_time()
    metric(abstracts, [[other] for other in reversed(abstracts)])
    assert time.process_time() - start < 20


class TestKnownAnswers:
    def test_of_the_paper(self) -> None:
        """Lin 2004, section 3.1: "police killed the gunman" against two candidates, and a third for ROUGE-2."""
        reference = "police killed the gunman"
        assert score(rougeL, "police kill the gunman", reference) == pytest.approx(3 / 4)
        assert score(rougeL, "the gunman kill police", reference) == pytest.approx(2 / 4)
        assert score(rouge2, "police kill the gunman", reference) == pytest.approx(1 / 3)
        assert score(rouge2, "the gunman kill police", reference) == pytest.approx(1 / 3)

    def test_of_the_union_over_sentences(self) -> None:
        """Section 3.2: w1 w2 and w1 w3 w5 together have four of the five words w1 to w5."""
        found = score(rougeLsum, "w1 w2 w6 w7 w8\nw1 w3 w8 w9 w5", "w1 w2 w3 w4 w5")
        precision, recall = 4 / 10, 4 / 5
        assert found == pytest.approx(2 * precision * recall / (precision + recall))

    def test_line_ends_count_for_sums_alone(self) -> None:
        said, reference = "b\na", "a\nb"
        assert (score(rougeL, said, reference), score(rougeLsum, said, reference)) == (0.5, 1.0)

    @pytest.mark.parametrize("metric", METRICS.values())
    def test_nothing_shared_and_nothing_said(self, metric: Metric) -> None:
        assert metric(["", "a b", "", "!?"], [["a b"], [""], [""], ["a b"]]) == [0.0] * 4

    @pytest.mark.parametrize("metric", METRICS.values())
    def test_the_best_of_several_references(self, metric: Metric) -> None:
        assert score(metric, "a table for two", "nothing of it", "A table, for two!") == 1.0


class TestUnicode:
    @pytest.mark.parametrize(
        ("text", "tokens"),
        [
            ("Die Tür, STRASSE/Straße 5", ["die", "tür", "strasse", "strasse", "5"]),
            ("Привет, мир!", ["привет", "мир"]),
            ("हिन्दी में", ["हिन्दी", "में"]),
            ("你好 AI。ok", ["你", "好", "ai", "ok"]),
            ("東京タワーへ3回", ["東", "京", "タ", "ワ", "ー", "へ", "3", "回"]),
            ("กินข้าว", ["กิ", "น", "ข้", "า", "ว"]),
            ("한국어 텍스트", ["한국어", "텍스트"]),
            ("cafe\u0301 ﬁve snake_case", ["café", "five", "snake", "case"]),
            ("", []),
            (" ... ", []),
        ],
    )
    def test_tokens(self, text: str, tokens: list[str]) -> None:
        assert rouge.tokens(text, "unicode") == tokens

    @pytest.mark.parametrize("metric", METRICS.values())
    def test_a_text_is_all_like_itself_in_any_script(self, metric: Metric) -> None:
        for text in ("Привет, мир!", "你好。世界", "กินข้าว", "مرحبا بالعالم"):
            assert score(metric, text, text, tokenize="unicode") == pytest.approx(1.0)

    @pytest.mark.parametrize(("name", "metric"), METRICS.items())
    def test_google_refuses_what_it_would_score_zero_throughout(self, name: str, metric: Metric) -> None:
        message = f'{name} with Google.*\n  Write {{ use = "{name}", tokenize = "unicode" }}.'
        for references in ([["Привет, мир 5"]], [["ok"], ["你好。世界。世界"]]):
            with pytest.raises(UserError, match=message):
                metric(["мир"] * len(references), references)
            with pytest.raises(UserError, match=message):
                rouge.signature(name)(references, tokenize="google")

    @pytest.mark.parametrize("metric", METRICS.values())
    def test_google_takes_what_it_mostly_sees(self, metric: Metric) -> None:
        assert metric(["eine schöne tür", "..."], [["Eine schöne Tür", "дверь"], ["!"]]) == pytest.approx([1.0, 0.0])


@pytest.mark.parametrize("metric", METRICS.values())
def test_mistakes(metric: Metric) -> None:
    with pytest.raises(UserError, match="needs items"):
        metric([], [])
    with pytest.raises(UserError, match="item 2 has no reference"):
        metric(["a", "b"], [["a"], []])


def test_signature() -> None:
    says = rouge.signature("rougeL")
    assert says([["a"], ["b"]], tokenize="google") == "rougeL|nrefs:1|of:best F1|stem:no|tok:google"
    assert says([["мир"], ["b", "c"]], tokenize="unicode") == "rougeL|nrefs:var|of:best F1|stem:no|tok:unicode"
