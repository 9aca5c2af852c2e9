"""However large a source is, reading it takes no more than 500 MB of memory of the whole process tree.

Sources are of 1 GB, or of as many bytes as ADAPTLINE_SOURCE_BYTES says.
"""

from __future__ import annotations

import gzip
import json
import os
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import private_memory
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

pytestmark = pytest.mark.slow

MOST = 500 << 20  # bytes, private
SIZE = int(os.environ.get("ADAPTLINE_SOURCE_BYTES", "1000000000"))  # ten times as much takes no more memory
_TEXT = " ".join(f"word{n * 7919 % 10007}" for n in range(150))


def rows() -> Iterator[str]:
    """Texts of about 1.3 KB, each another one, SIZE bytes of them."""
    for n in range(SIZE // (len(_TEXT) + 30)):
        at = n * 31 % len(_TEXT)
        yield f"{n} {_TEXT[at:]} {_TEXT[:at]}"


def write_lines(path: Path, line: Callable[[str], str], head: str = "", end: str = "") -> None:
    with gzip.open(path, "wt", compresslevel=1) if path.suffix == ".gz" else path.open("w") as file:
        file.write(head)
        file.writelines(map(line, rows()))
        file.write(end)


def write_arrow(path: Path) -> None:
    """One batch alone: nothing in the file says where to cut."""
    batch = pa.record_batch({"text": pa.array(rows(), pa.large_string())})
    with pa.ipc.new_file(str(path), batch.schema) as writer:
        writer.write_batch(batch)


def write_parquet(path: Path) -> None:
    """One row group alone."""
    table = pa.table({"text": pa.array(rows(), pa.large_string())})
    pq.write_table(table, path, row_group_size=table.num_rows, use_dictionary=False)


IN_MEMORY = ("a.arrow", "a.parquet")  # a single batch is made in memory by whoever writes it
WRITERS: dict[str, Callable[[Path], None]] = {
    "a.jsonl": lambda path: write_lines(path, lambda text: f'{{"text": "{text}"}}\n'),
    "a.jsonl.gz": lambda path: write_lines(path, lambda text: f'{{"text": "{text}"}}\n'),
    "a.json": lambda path: write_lines(path, lambda text: f'{{"text": "{text}"}},\n', "[", '{"text": "last"}]'),
    "a.csv": lambda path: write_lines(path, lambda text: f'"{text}",x\n', "text,label\n"),
    "a.xml": lambda path: write_lines(path, lambda text: f"<r><text>{text}</text></r>\n", "<rows>\n", "</rows>\n"),
    "a.yaml": lambda path: write_lines(path, lambda text: f"- text: {text}\n"),
    "a.arrow": write_arrow,
    "a.parquet": write_parquet,
}


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """A folder with space for a source and its store, gone after the test."""
    if shutil.disk_usage(tmp_path).free < 2.5 * SIZE:
        pytest.skip("too little space on the disk")
    yield tmp_path
    shutil.rmtree(tmp_path)


def ingest(folder: Path, name: str) -> tuple[str, int]:
    """What the run says, and its peak."""
    (folder / "recipe.toml").write_text(f'[raw]\nstep = "ingest"\nfiles = "{name}"\ntext = "text"\n')
    done, peak = private_memory.run(["run", "recipe.toml"], folder, timeout=max(900, SIZE / 1e6))
    return done.stdout + done.stderr, peak


@pytest.mark.parametrize("name", WRITERS)
def test_a_large_file_is_read_in_little_memory(name: str, folder: Path) -> None:
    if name in IN_MEMORY and SIZE > 1 << 30:
        pytest.skip("whoever writes the file would need too much memory")
    WRITERS[name](folder / name)
    started = time.monotonic()
    said, peak = ingest(folder, name)
    print(f"{name}: {peak >> 20} MB, {time.monotonic() - started:.0f} s")
    assert f"{sum(1 for _ in rows()) + (name == 'a.json'):,} rows" in said
    assert peak < MOST


@pytest.mark.parametrize("name", ["a.jsonl", "a.csv", "a.txt", "a.tsv", "a.xml", "a.yaml", "a.json", "a.jsonl.gz"])
def test_a_billion_characters_without_an_end_take_little_memory(name: str, folder: Path) -> None:
    heads = {"a.xml": b"<rows><r><text>", "a.json": b'["', "a.yaml": b"- text: "}
    path = folder / name
    with gzip.open(path, "wb", compresslevel=1) if name.endswith(".gz") else path.open("wb") as file:  # packed, a bomb
        file.write(heads.get(name, b'{"text": "') if "json" in name or name in heads else b"text\n")
        for _ in range(1000):
            file.write(b"x" * 1_000_000)
    said, peak = ingest(folder, name)
    print(f"{name}: {peak >> 20} MB, {said}")
    assert "unreadable" in said or "no row can be read" in said or "MiB" in said
    assert peak < 3 * MOST  # a row may be 256 MiB


def test_a_row_of_200_megabytes_is_a_row(folder: Path) -> None:
    with (folder / "a.jsonl").open("w") as file:
        for text in ("short", "x" * 200_000_000, "short"):
            file.write(json.dumps({"text": text}) + "\n")
    said, peak = ingest(folder, "a.jsonl")
    print(f"{peak >> 20} MB")
    assert "3 rows" in said
    assert peak < 4 * MOST
