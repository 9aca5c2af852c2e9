"""Any bytes at all: a reader gives rows or says why not, loses none in silence, and cuts its file anywhere alike.

The parsers that are written by hand here (records between quotes, elements of JSON and XML, entries of YAML, paragraphs,
damaged gzip) are fuzzed with what means something to them; `make test-slow` does so for longer.
"""

from __future__ import annotations

import gzip
import io
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import zstandard
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from adaptline.data import cutting
from adaptline.data.opening import blocks_of, open_source
from adaptline.data.reading import read_table
from adaptline.data.schemas import UNNAMED, Columns
from adaptline.data.writing import write_rows
from adaptline.errors import UserError

TOKENS: dict[str, list[bytes]] = {
    "csv": [b'"', b",", b"\n", b"\r\n", b"text", b"a", b'""', b" ", b"\xff", "ä".encode(), b"\0"],
    "tsv": [b'"', b"\t", b"\n", b"\r", b"text", b"a", b"\xff", "ä".encode()],
    "json": [b"[", b"]", b"{", b"}", b'"text"', b'"', b":", b",", b"1", b"null", b"\n", b"\\ud800", b"\xff", b'{"text":"a"}', b'{"train":[', b'"\\ud800"'],
    "jsonl": [b'{"text":"a"}', b"\n", b"{", b'"', b"[1]", b"\xff", b"\r\n", b"\\ud800", b"\xef\xbb\xbf", b"NaN", b"1" * 5000],
    "txt": [b"a", b"\n", b"\r\n", b" ", b"\xff", b"\x0c", "ä".encode(), b"\0"],
    "xml": [b"<rows>", b"</rows>", b"<r>", b"</r>", b"<text>", b"</text>", b"a", b"&", b"<!--", b"-->", b"\n", b"\xff", b"<r/>"],
    "yaml": [b"- ", b"text: a", b"\n", b"---\n", b"  ", b"#", b"'", b'"', b"[", b"&a ", b"*a", b"!!x ", b"|\n", b"\xff", b"\t"],
}  # fmt: skip
SEEDS = {
    "csv": b"text,n\na,1\n",
    "tsv": b"text\tn\na\t1\n",
    "json": b'[{"text":"a"},',
    "jsonl": b'{"text":"a"}\n',
    "txt": b"a\n",
    "xml": b"<rows><r><text>a</text></r>",
    "yaml": b"- text: a\n",
}
CONTENT = st.sampled_from(sorted(TOKENS)).flatmap(
    lambda kind: st.tuples(
        st.just(kind),
        st.builds(
            lambda seed, parts: seed + b"".join(parts),
            st.sampled_from([SEEDS[kind], b""]),
            st.lists(st.sampled_from(TOKENS[kind]) | st.binary(max_size=3), max_size=40),
        ),
    )
)
TEXT_COLUMN = Columns(text="text")
WAYS = st.sampled_from([TEXT_COLUMN, UNNAMED]), st.sampled_from([None, "utf-8", "cp1252", "shift_jis", "utf-16", "utf-16-le"])  # fmt: skip
FEW = settings(max_examples=150, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
MANY = settings(max_examples=3_000, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])


@contextmanager
def small_blocks() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(cutting, "FIRST", 3)
        patch.setattr(cutting, "SMALLEST", 7)
        patch.setattr("adaptline.data.formats.json.SMALLEST", 7)
        yield


def read(path: Path, columns: Columns = TEXT_COLUMN, encoding: str | None = None) -> pa.Table | None:
    """The rows, or None where the file is refused with a reason."""
    with suppress(UserError):
        return read_table(path, columns=columns, encoding=encoding)
    return None


def check(folder: Path, kind: str, content: bytes, columns: Columns, encoding: str | None) -> None:
    path = folder / f"a.{kind}"
    path.write_bytes(content)
    whole = read(path, columns, encoding)
    if whole is None:
        return
    assert whole["row"].to_pylist() == list(range(1, whole.num_rows + 1))
    assert all((why is None) != (row is None) for why, row in zip(*(whole[c].to_pylist() for c in ("unreadable", "messages")), strict=True))  # fmt: skip
    lines = whole["line"].to_pylist()
    assert lines == sorted(lines)
    if encoding != "utf-16-le":
        assert lines[-1] <= len(content.replace(b"\r", b"\n").split(b"\n"))
    with small_blocks():
        source = open_source(path, path.name, columns=columns, encoding=encoding)
        counted = [block.rows for block in blocks_of(source)]
        cut = read(path, columns, encoding)
    assert None in counted or sum(filter(None, counted)) == whole.num_rows
    assert cut is not None
    assert told(cut) == told(whole)


def told(table: pa.Table) -> list[dict[str, Any]]:
    """The rows, but for the text of those that cannot be read, where it begins and what is wrong: a block may hold less of it."""
    rows: list[dict[str, Any]] = table.to_pylist()
    for row in rows:
        if row["unreadable"]:
            row |= {"extra": None, "line": None, "unreadable": "why"}
    return rows


@FEW
@given(CONTENT, *WAYS)
def test_any_text(tmp_path_factory: pytest.TempPathFactory, content: tuple[str, bytes], columns: Columns, encoding: str | None) -> None:  # fmt: skip
    check(tmp_path_factory.mktemp("any"), *content, columns, encoding)


@pytest.mark.slow
@pytest.mark.parametrize("kind", sorted(TOKENS))
def test_any_text_for_long(tmp_path: Path, kind: str) -> None:
    @MANY
    @given(CONTENT.filter(lambda content: content[0] == kind), *WAYS)
    def fuzz(content: tuple[str, bytes], columns: Columns, encoding: str | None) -> None:
        check(tmp_path, *content, columns, encoding)

    fuzz()


def typed(kind: str) -> bytes:
    table = pa.table(
        {"text": [f"row {n}" for n in range(50)], "n": list(range(50)), "d": [{"x": [n]} for n in range(50)]}
    )
    file = io.BytesIO()
    if kind == "parquet":
        pq.write_table(table, file, row_group_size=20)
    else:
        with (pa.ipc.new_stream if kind == "stream" else pa.ipc.new_file)(file, table.schema) as writer:
            writer.write_table(table, 20)
    return file.getvalue()


@FEW
@given(st.sampled_from(["parquet", "stream", "file"]), st.lists(st.tuples(st.floats(0, 0.999), st.binary(min_size=1, max_size=4)), max_size=3), st.floats(0, 1))  # fmt: skip
def test_any_damage_to_typed_files(
    tmp_path_factory: pytest.TempPathFactory, kind: str, damage: list[tuple[float, bytes]], left: float
) -> None:
    content = bytearray(typed(kind))
    for place, wrong in damage:
        at = int(place * len(content))
        content[at : at + len(wrong)] = wrong
    path = tmp_path_factory.mktemp("typed") / f"a.{'parquet' if kind == 'parquet' else 'arrow'}"
    path.write_bytes(content[: int(left * len(content))] if left < 0.5 else content)
    table = read(path)
    assert table is None or table["row"].to_pylist() == list(range(1, table.num_rows + 1))


@FEW
@given(st.sampled_from(["gz", "zst"]), st.binary(max_size=200), st.integers(0, 300), st.integers(0, 255))
def test_any_damage_to_compressed_files(
    tmp_path_factory: pytest.TempPathFactory, kind: str, content: bytes, place: int, wrong: int
) -> None:
    lines = b"".join(b"%d %s\n" % (n, content.hex().encode()) for n in range(20))
    packed = bytearray(gzip.compress(lines) if kind == "gz" else zstandard.ZstdCompressor(write_checksum=True).compress(lines))  # fmt: skip
    packed[place % len(packed)] = wrong
    path = tmp_path_factory.mktemp("packed") / f"a.txt.{kind}"
    path.write_bytes(packed)
    table = read(path)
    if table is not None and table["unreadable"].null_count == table.num_rows:
        assert [row[0]["content"] for row in table["messages"].to_pylist()] == lines.decode().split("\n")[:-1]


TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\0\r"), max_size=6)
RECORDS = st.lists(st.fixed_dictionaries({"text": TEXT, "label": TEXT, "id": TEXT}), min_size=1, max_size=5)


@FEW
@given(RECORDS, st.sampled_from(["jsonl", "json", "csv", "parquet", "arrow", "csv.gz", "jsonl.zst"]))
def test_what_is_written_is_read_back(
    tmp_path_factory: pytest.TempPathFactory, records: list[dict[str, str]], kind: str
) -> None:
    folder = tmp_path_factory.mktemp("written")
    pq.write_table(pa.Table.from_pylist(records), folder / "in.parquet")
    columns = Columns(text="text", label="label")
    table = read_table(folder / "in.parquet", columns=columns, name="x")
    write_rows([table], folder / f"out.{kind}", columns=columns)
    again = read_table(folder / f"out.{kind}", columns=columns, encoding=None if "p" in kind else "utf-8", name="x")
    assert again.select(["messages", "label"]).equals(table.select(["messages", "label"]))
    write_rows([again], folder / "last.parquet", columns=columns)
    assert pq.read_table(folder / "last.parquet").select(["text", "label", "id"]).to_pylist() == records
