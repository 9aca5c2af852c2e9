"""Lengths and languages before and after a curate step, on a sample that is spread over all rows."""

from __future__ import annotations

from pathlib import Path

import lines
import numpy as np
import pytest

from adaptline import library
from adaptline.data import opinions
from adaptline.web import gather_spread, view_rows

ENGLISH = "This is a perfectly ordinary sentence in English, number {}."
GERMAN = "Das hier ist ein ganz gewöhnlicher deutscher Satz mit der Nummer {}."


def spread(folder: Path, texts: list[str]) -> view_rows.Spread | None:
    do = '"unicode", { use = "language", keep = ["en"] }, { use = "length", max = 200 }'
    history = library._history(lines.curated(folder, texts, do), None)
    manifest = history.manifests["clean"][0]
    return gather_spread.spread(history.store, manifest, opinions.fates(history.store, manifest))


def test_all_rows_of_a_small_set_are_looked_at(tmp_path: Path) -> None:
    texts = [ENGLISH.format(i) for i in range(30)] + [GERMAN.format(i) for i in range(10)] + ["word " * 100_000]
    found = spread(tmp_path, texts)
    assert found is not None
    assert (found.sample, found.of) == (41, 41)
    assert (sum(found.before), sum(found.after)) == (41, 30)
    assert found.edges[-1] == len(texts[-1].strip()) + 1 or found.edges[-1] == len(texts[-1]) + 1
    shares = {entry.language: (entry.before, entry.after) for entry in found.languages}
    assert shares["de"] == (10 / 41, 0.0)
    assert shares["en"][1] == 1.0


def test_of_many_rows_a_sample_tells_the_shares(tmp_path: Path) -> None:
    texts = [(GERMAN if i % 4 == 1 else ENGLISH).format(i) for i in range(2 * gather_spread.MOST_ROWS + 300)]
    np.random.default_rng(0).shuffle(texts)
    found = spread(tmp_path, texts)
    assert found is not None
    assert gather_spread.MOST_ROWS * 0.95 <= found.sample <= gather_spread.MOST_ROWS
    assert found.of == len(texts)
    shares = {entry.language: entry.before for entry in found.languages}
    assert shares["de"] == pytest.approx(0.25, abs=0.04)


@pytest.mark.parametrize(("size", "most"), [(0, 5), (3, 5), (5, 5), (1000, 7)])
def test_positions_are_spread_evenly(size: int, most: int) -> None:
    found = gather_spread.evenly(size, most).tolist()
    assert len(found) == min(size, most)
    assert found == sorted(set(found))
    if found:
        assert found[0] == 0
        assert found[-1] >= size - size // most - 1
