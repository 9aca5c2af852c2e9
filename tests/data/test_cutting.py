from __future__ import annotations

import gzip
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path

import pytest

from adaptline.core import keys
from adaptline.data import cutting
from adaptline.data.blocks import Block, Source
from adaptline.data.cutting import FIRST, LARGEST, SMALLEST, Tape, block_size, cut, cut_whole, pack
from adaptline.data.lines import measure_lines
from adaptline.data.streams import CHUNK, Coding
from adaptline.errors import UserError

Put = Callable[[str, bytes | str], Path]
LINES = b"".join(b"row %d of a file that grows and grows\n" % number for number in range(50_000))


def source_of(path: Path, coding: Coding = Coding()) -> Source:  # noqa: B008 - frozen
    return Source(path, path.name, "txt", coding)


def blocks_of(path: Path, coding: Coding = Coding()) -> list[Block]:  # noqa: B008 - frozen
    return list(cut(Tape(source_of(path, coding)), measure_lines))


@pytest.mark.parametrize(
    ("offset", "size"),
    [
        *[(0, FIRST), (FIRST, FIRST), (2 * FIRST, 2 * FIRST), (SMALLEST // 2, SMALLEST // 2)],
        *[(SMALLEST, SMALLEST), (32 * SMALLEST, SMALLEST), (64 * SMALLEST, 2 * SMALLEST), (10 << 30, LARGEST)],
    ],
)
def test_block_sizes_grow_with_their_place(offset: int, size: int) -> None:
    assert block_size(offset) == size


def test_blocks_hold_the_whole_file_in_order(put: Put) -> None:
    blocks = blocks_of(put("a.txt", LINES))
    assert b"".join(block.data() for block in blocks) == LINES
    assert [block.rows for block in blocks] == [block.data().count(b"\n") for block in blocks]
    for before, after in pairwise(blocks):
        assert after.offset == before.offset + before.length
        assert after.first_row == before.first_row + (before.rows or 0)
        assert after.first_line == before.first_line + before.data().count(b"\n")
        assert before.length >= block_size(before.offset)


def test_appending_leaves_all_blocks_but_the_last_as_they_were(put: Put, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cutting, "SMALLEST", FIRST)  # as in a file 16 times as large
    before = blocks_of(put("a.txt", LINES))
    after = blocks_of(put("a.txt", LINES + b"one row more\n" * 500))
    assert len(before) > 20
    assert [block.meaning for block in after[: len(before) - 1]] == [block.meaning for block in before[:-1]]
    assert before[-1].length <= max(FIRST, len(LINES) / 32) + 100


def test_a_compressed_file_is_cut_as_its_content_is(put: Put) -> None:
    plain = blocks_of(put("a.txt", LINES))
    packed = blocks_of(put("a.txt.gz", gzip.compress(LINES)), Coding(compression="gzip"))
    assert [block.digest for block in packed] == [block.digest for block in plain]
    assert [block.payload for block in packed] == [block.data() for block in plain]
    assert all(block.payload is None for block in plain)


def test_cutting_holds_about_one_block_in_memory(put: Put) -> None:
    tape = Tape(source_of(put("a.txt.gz", gzip.compress(LINES * 20, 1)), Coding(compression="gzip")))
    held = [len(tape.data) for _ in cut(tape, measure_lines)]
    assert max(held) <= LARGEST + CHUNK
    assert max(held) < len(LINES * 20) / 8


def test_the_last_row_needs_no_line_end(put: Put) -> None:
    (block,) = blocks_of(put("a.txt", b"one\ntwo"))
    assert (block.data(), block.rows) == (b"one\ntwo", 2)


def test_a_file_of_blank_lines_has_no_rows(put: Put) -> None:
    assert [block.rows for block in blocks_of(put("a.txt", b"\n \n\t\r\n"))] == [0]


def test_a_broken_stream_ends_with_a_row_that_says_so(put: Put) -> None:
    path = put("a.txt.gz", gzip.compress(LINES)[:-20_000])
    *whole, last = blocks_of(path, Coding(compression="gzip"))
    text = b"".join(block.data() for block in whole)
    assert LINES.startswith(text + last.data())
    assert text.endswith(b"\n")
    assert (last.rows, last.first_row) == (1, text.count(b"\n") + 1)
    assert last.broken == "the file breaks off here: the gzip stream ends early"


def test_a_stream_that_breaks_at_a_line_end_says_so_too(put: Put) -> None:
    whole, last = blocks_of(put("a.gz", gzip.compress(b"one\ntwo\n")[:-4]), Coding(compression="gzip"))
    assert (whole.data(), whole.rows, last.data(), last.rows) == (b"one\ntwo\n", 2, b"", 1)


def test_a_row_longer_than_any_may_be_is_one_that_cannot_be_read(put: Put, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cutting, "LONGEST_ROW", 4 << 20)
    data = b"before\n" + b"x" * (9 << 20) + b"\nafter\nlast\n"
    before, long, after = blocks_of(put("a.txt", data))
    assert (before.data(), after.data()) == (b"before\n", b"after\nlast\n")
    assert (long.broken, long.rows) == ("a row longer than 4 MiB", 1)
    assert (long.first_row, long.first_line, after.first_row, after.first_line) == (2, 2, 3, 3)
    assert len(long.payload or b"") < 1 << 20


def test_an_endless_row_is_not_held_in_memory(put: Put, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cutting, "LONGEST_ROW", 2 << 20)
    tape = Tape(source_of(put("a.gz", gzip.compress(b"x" * (32 << 20), 1)), Coding(compression="gzip")))
    (block,) = cut(tape, measure_lines)
    assert block.broken == "a row longer than 2 MiB"
    assert len(tape.data) == 0


def test_a_document_is_one_block(put: Put) -> None:
    block = cut_whole(Tape(source_of(put("a.json", LINES))))
    assert (block.data(), block.rows, block.cut_off) == (LINES, None, "")


def test_a_document_that_breaks_off_is_kept_with_the_reason(put: Put) -> None:
    block = cut_whole(Tape(source_of(put("a.gz", gzip.compress(b"[1, 2")[:-4]), Coding(compression="gzip"))))
    assert (block.data(), block.cut_off) == (b"[1, 2", "the file breaks off here: the gzip stream ends early")


def test_a_document_has_a_largest_size(put: Put, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cutting, "LONGEST_DOCUMENT", 1000)
    with pytest.raises(UserError, match="can only be read whole"):
        cut_whole(Tape(source_of(put("a.json", b" " * 1001))))


def test_parquet_is_no_text(put: Put) -> None:
    with pytest.raises(UserError, match="is a Parquet or Arrow file, not txt"):
        Tape(source_of(put("a.txt", b"PAR1"), Coding("")))


def small(name: str, size: int = 1000, rows: int | None = 1) -> Iterator[Block]:
    yield Block(Source(Path(name), name, "txt"), 0, size, 1, 1, rows, keys.digest(name.encode()))


def named(packs: Iterator[list[Block]]) -> list[list[str]]:
    return [[block.source.name for block in blocks] for blocks in packs]


NAMES = [f"file{number:04d}.txt" for number in range(1000)]


def test_small_files_share_units() -> None:
    packs = named(pack(map(small, NAMES)))
    assert [name for names in packs for name in names] == NAMES
    assert 5 < len(packs) < 40


def test_a_file_that_comes_changes_its_own_pack_only() -> None:
    packs = named(pack(map(small, NAMES)))
    grown = named(pack(map(small, sorted([*NAMES, "file0500b.txt"]))))
    assert sum(names not in packs for names in grown) == 1


def test_a_pack_is_full_at_a_mebibyte() -> None:
    packs = named(pack(small(name, 60_000) for name in NAMES[:60]))
    assert max(map(len, packs)) <= (1 << 20) // 60_000 + 1


def test_larger_files_and_documents_of_unknown_length_stand_alone() -> None:
    files = [small("a.txt"), small("b.txt", SMALLEST + 1), small("c.txt"), small("d.txt", rows=None), small("e.txt")]
    assert named(pack(files)) == [["a.txt"], ["b.txt"], ["c.txt"], ["d.txt"], ["e.txt"]]


def test_the_blocks_of_a_file_are_units_of_their_own(put: Put) -> None:
    path = put("a.txt", LINES)
    packs = named(pack([small("0.txt"), iter(blocks_of(path)), small("1.txt")]))
    assert packs == [["0.txt"], *[["a.txt"]] * len(blocks_of(path)), ["1.txt"]]
