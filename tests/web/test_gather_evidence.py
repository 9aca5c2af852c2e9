"""What a report tells of training and comparison, read from what select found."""

from __future__ import annotations

from typing import Any

from adaptline.web import gather_evidence, view


def selected(name: str, among: int, *, better: bool, seeds: int = 3) -> tuple[dict[str, Any], dict[str, Any]]:
    """A select step's manifest and what it found, as far as the head of the page needs it."""
    winner = {"name": "a", "cell": {"rank": 4}, "because": "the only run", "interval": [0.7, 0.9], "among": among}
    found = {
        "best": "test.accuracy",
        "items": 1000,
        "metrics": {"test.accuracy": 0.8},
        "winner": winner,
        "candidates": [{"mean": 0.8, "runs": [{}] * seeds, "within_limits": True}],
        "differences": [{"better": better}],
        "verdict": f"what {name} says",
        "notes": [],
    }
    return {"name": name}, found


def test_the_winners_figure_says_that_it_was_chosen() -> None:
    (figure,) = gather_evidence.figures(selected("s", 12, better=True)[1])
    assert figure == view.Figure(
        "test.accuracy", 0.8, "share", "70.0 to 90.0 %, corrected for choosing among 12, 1,000 items"
    )
    (alone,) = gather_evidence.figures(selected("s", 1, better=True)[1])
    assert alone.note == "70.0 to 90.0 %, 1,000 items"


def test_every_select_step_is_told_of_in_the_head() -> None:
    found = gather_evidence.verdicts([selected("first", 2, better=True), selected("second", 2, better=False)])
    assert (found.outcome, found.headline) == ("winner", "a wins")
    assert "What first says." in found.explanation
    assert "Decided by [first]. a leads; no difference to the closest was shown. What second says." in found.explanation


def test_with_one_seed_each_nobody_wins() -> None:
    found = gather_evidence.verdict(*selected("s", 3, better=True, seeds=1))
    assert (found.outcome, found.headline) == ("tie", "a leads; with one seed each that may be chance")


def test_what_has_no_chance_in_it_needs_one_seed() -> None:
    """The bare base beside adapters of three seeds: the comparison takes their variation for its own."""
    manifest, found = selected("s", 3, better=True)
    found["candidates"].append({"mean": 0.2, "runs": [{}], "within_limits": True})
    assert gather_evidence.verdict(manifest, found).headline == "a wins"


def test_a_metric_beyond_one_is_no_share() -> None:
    _, found = selected("s", 1, better=True)
    found["candidates"][0]["mean"] = found["metrics"]["test.accuracy"] = 6.6
    found["winner"]["interval"] = [5.0, 8.25]
    (figure,) = gather_evidence.figures(found)
    assert (figure.unit, figure.note) == ("number", "5 to 8.25, 1,000 items")
