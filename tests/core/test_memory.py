"""Sizes that people write, and what a bound of memory leaves to the parts of a run."""

from __future__ import annotations

from pathlib import Path

import pytest

import adaptline as al
from adaptline.core.memory import LEAST, MAIN, ROW, USUAL, WORKER, Memory, size_of, written
from adaptline.errors import UserError


@pytest.mark.parametrize(
    ("text", "size"),
    [("800", 800), ("2GB", 2 * 10**9), ("1.5 GiB", 3 << 29), ("512 mib", 512 << 20), ("3k", 3000), (" 1TB ", 10**12)],
)
def test_sizes(text: str, size: int) -> None:
    assert size_of(text) == size


@pytest.mark.parametrize("text", ["", "much", "-1GB", "1XB", "1GB2", "GB", "1e9"])
def test_what_is_no_size_is_told(text: str) -> None:
    with pytest.raises(UserError, match="is no size"):
        size_of(text)


def test_sizes_are_written_so_that_they_are_enough() -> None:
    for size in (1, 10**6, 731_400_001):
        assert size_of(written(size)) >= size


def test_without_a_bound_there_is_room_for_all() -> None:
    assert Memory().workers(16) == 16
    assert Memory().for_rows(10**9, 16) == USUAL


def test_workers_fit_in() -> None:
    assert [Memory(MAIN + LEAST + count * WORKER).workers(4) for count in (0, 1, 2, 3, 4, 9)] == [1, 1, 2, 3, 4, 4]
    with pytest.raises(UserError, match="are too little"):
        Memory(MAIN).workers(1)


def test_what_is_left_is_for_rows() -> None:
    rows = 1_000_000
    assert Memory(MAIN + ROW * rows + (80 << 20)).for_rows(rows, 1) == 80 << 20
    assert Memory(MAIN + 2 * WORKER + ROW * rows + (80 << 20)).for_rows(rows, 2) == 80 << 20
    with pytest.raises(UserError, match="too many to be matched") as caught:
        Memory(MAIN + 2 * WORKER + ROW * rows).for_rows(rows, 2)
    enough, alone = (word.rstrip(".,") for word in caught.value.do.split() if word[0].isdigit() and word[1].isdigit())
    assert Memory(size_of(enough)).for_rows(rows, 2) >= LEAST
    assert Memory(size_of(alone)).for_rows(rows, 1) >= LEAST
    with pytest.raises(UserError, match="Give --memory") as caught:
        Memory(MAIN + ROW * rows).for_rows(rows, 1)
    assert "--workers" not in caught.value.do


def test_a_bound_changes_no_row_and_too_small_a_one_is_refused_before_any_work(tmp_path: Path) -> None:
    rows = [f"a text about {number // 2} that is said twice" for number in range(200)]
    (tmp_path / "texts.txt").write_text("\n".join(rows))
    recipe = tmp_path / "recipe.toml"
    recipe.write_text(
        '[raw]\nstep = "ingest"\nfiles = ["texts.txt"]\n'
        '[clean]\nstep = "curate"\nfrom = "raw"\ndo = ["exact", { use = "minhash", threshold = 0.7 }]\n'
    )
    with pytest.raises(UserError, match="too little"):
        al.run(recipe, memory="100MB")
    assert not (tmp_path / ".adaptline").exists()
    bound = al.run(recipe, memory="400MB", store=tmp_path / "one")
    assert [made.digest for made in bound] == [made.digest for made in al.run(recipe, store=tmp_path / "other")]
