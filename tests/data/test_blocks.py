from __future__ import annotations

import pickle
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from adaptline.core import keys
from adaptline.data.blocks import RAW, Block, Source, printable
from adaptline.data.schemas import Columns
from adaptline.data.streams import Coding
from adaptline.errors import UserError

Put = Callable[[str, bytes | str], Path]


def block_of(path: Path, data: bytes, coding: Coding = Coding(), offset: int = 0) -> Block:  # noqa: B008 - frozen
    return Block(Source(path, path.name, "txt", coding), offset, len(data), 1, 1, 1, keys.digest(data))


def test_reads_its_piece_of_the_file(put: Put) -> None:
    assert block_of(put("a.txt", b"one\ntwo\nthree\n"), b"two\n", offset=4).data() == b"two\n"


def test_positions_begin_after_the_byte_order_mark(put: Put) -> None:
    path = put("a.txt", b"\xef\xbb\xbfone\ntwo\n")
    assert block_of(path, b"two\n", Coding(bom=b"\xef\xbb\xbf"), offset=4).data() == b"two\n"


def test_a_file_that_changed_is_not_read_as_if_it_had_not(put: Put) -> None:
    block = block_of(put("a.txt", b"one\n"), b"one\n")
    put("a.txt", b"two\n")
    with pytest.raises(UserError, match=r"a.txt: changed while it was read"):
        block.data()


def test_a_payload_stands_for_the_file(put: Put) -> None:
    block = replace(block_of(put("a.txt", b"compressed"), b"x"), payload=b"the text")
    assert block.text() == ("the text", False)


def test_carriage_returns_that_end_lines_are_line_feeds(put: Put) -> None:
    assert block_of(put("a.txt", b"one\rtwo\r"), b"one\ntwo\n", Coding(mac=True)).data() == b"one\ntwo\n"


@pytest.mark.parametrize(
    ("data", "encoding", "flaw"),
    [
        (b"good", "utf-8", None),
        ("größer".encode(), "utf-8", None),
        (b"gr\xf6\xdfer", "utf-8", "the byte 0xf6 at character 3 is not utf-8"),
        (b"a\x81b", "cp1252", "the byte 0x81 at character 2 is not cp1252"),
        (b"a\0b", "utf-8", "a zero byte at character 2"),
    ],
)
def test_tells_what_is_wrong_with_a_row(put: Put, data: bytes, encoding: str, flaw: str | None) -> None:
    block = block_of(put("a.txt", data), data, Coding(encoding))
    text, suspect = block.text()
    assert suspect is (flaw is not None)
    assert block.flaw(text) == flaw


def test_what_a_block_means_does_not_depend_on_where_the_files_lie(put: Put) -> None:
    here, there = put("here/a.txt", b"one\n"), put("there/a.txt", b"one\n")
    assert block_of(here, b"one\n").meaning == block_of(there, b"one\n", offset=100).meaning


def test_what_a_block_means_depends_on_all_that_its_rows_depend_on(put: Put) -> None:
    block = block_of(put("a.txt", b"one\n"), b"one\n")
    source = block.source
    others = [
        replace(block, digest=keys.digest(b"two\n")),
        replace(block, first_row=2),
        replace(block, first_line=2),
        replace(block, header=("text",)),
        replace(block, broken="it is"),
        replace(block, cut_off="it is"),
        replace(block, source=replace(source, name="b.txt")),
        replace(block, source=replace(source, part="train")),
        replace(block, source=replace(source, format="jsonl")),
        replace(block, source=replace(source, options={"row_per": "file"})),
        replace(block, source=replace(source, columns=Columns(text="text"))),
        replace(block, source=replace(source, coding=Coding("cp1252"))),
    ]
    every = [keys.key(each.meaning) for each in (block, *others)]
    assert len(set(every)) == len(every)


def test_can_be_sent_to_another_process(put: Put) -> None:
    block = replace(block_of(put("a.txt", b"one\n"), b"one\n"), payload=b"one\n")
    assert pickle.loads(pickle.dumps(block)) == block


def test_raw_rows_can_be_stored_whatever_their_bytes() -> None:
    raw = b"caf\xe9 \xf0\x9f\x98\x80".decode("utf-8", "surrogateescape")
    assert printable(raw) == "caf\\xe9 \U0001f600"
    assert len(printable("x" * (RAW + 1))) == RAW
