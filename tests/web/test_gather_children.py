"""What a report tells of an augment step: counts, samples and measures, and its page."""

from __future__ import annotations

from pathlib import Path

import lines
import pytest

import adaptline as al
from adaptline.core import recipe as recipes
from adaptline.core.history import History
from adaptline.core.store import Store
from adaptline.web import gather, terminal
from adaptline.web.report import render, sections
from adaptline.web.view import ReportView, Tally

RECIPE = """
[raw]
step = "ingest"
files = "a.jsonl"

[more]
step = "augment"
from = "raw"
do = [{ use = "./mine.py:louder", share = 1.0 }]
each = { augmented = [false, true] }
"""
MINE = '''
from adaptline import Passage, Refused, augmenter


@augmenter(version=1)
def louder(passages: list[Passage]) -> list[str | Refused]:
    """An exclamation mark <b>more</b>."""
    return [
        Refused("tone", passage.text + "?") if "no" in passage.text else passage.text.rstrip(".") + "<i>!</i>"
        for passage in passages
    ]
'''


@pytest.fixture(scope="module")
def recipe(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("children")
    texts = ["one row.", "every row.", "no row", "the last row"]
    lines.write(folder / "a.jsonl", [{"text": text, "label": "ab"[i % 2]} for i, text in enumerate(texts)])
    (folder / "mine.py").write_text(MINE)
    path = folder / "recipe.toml"
    path.write_text(RECIPE)
    al.run(path, workers=1)
    return path


@pytest.fixture(scope="module")
def report(recipe: Path) -> ReportView:
    found = recipes.read(recipe)
    return gather.gather(History.open(Store.open(recipe.parent / ".adaptline"), found.name, ["raw", "more"]))


def test_children_add_up(report: ReportView) -> None:
    assert report.augmentations is not None
    without, made = report.augmentations
    assert (without.rows, without.added, without.augmenters, without.measures) == (4, 0, (), ())
    assert (made.step, made.rows, made.added) == ("more augmented=True", 4, 3)
    (augmenter,) = made.augmenters
    assert (augmenter.asked, augmenter.made, augmenter.refused) == (4, 3, (Tally("tone", 1),))
    assert {(one.before, one.after) for one in augmenter.samples} <= {
        ("one row.", "one row<i>!</i>"),
        ("every row.", "every row<i>!</i>"),
        ("the last row", "the last row<i>!</i>"),
    }
    assert augmenter.samples
    (refused,) = augmenter.refused_samples
    assert (refused.gate, refused.change.before, refused.change.after) == ("tone", "no row", "no row?")


def test_before_and_after_are_measured(report: ReportView) -> None:
    assert report.augmentations is not None
    found = {one.name: (one.before, one.after) for one in report.augmentations[1].measures}
    assert found["rows"] == (4, 7)
    assert found["distinct 1-grams"] == (6, 7)
    assert found["evenness of labels"][0] == 1.0
    assert {one.name: (one.before, one.after) for one in report.augmentations[1].labels} == {
        "a": (0.5, 3 / 7),
        "b": (0.5, 4 / 7),
    }


def test_the_page_shows_it_and_nothing_foreign_is_markup(report: ReportView) -> None:
    page = render(report)
    assert "augmentation" in [section.name for section in sections(report)]
    assert "made 3 of 4 children" in page
    assert "<i>!" not in page
    assert "<b>more" not in page
    assert "to compare with the rows as they were" in page


def test_show_tells_the_same_in_lines(recipe: Path) -> None:
    told = terminal.artifacts(al.show(recipe, "more"), whole=True)
    assert "louder                 3 children of 4 asked for, refused: tone 1" in told
    assert "rows: 4 before, 7 after" in told
    assert "distinct.1:" in told
