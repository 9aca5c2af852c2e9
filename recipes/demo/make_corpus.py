"""Makes the demo's corpus: `python make_corpus.py [OUT]`, by default the folder `corpus` beside this script.

Three raw files of messages with planted dirt, their clean test rows, the truth about the dirt (planted.jsonl), and the
guide's texts with their test items. All of it is invented, and the same bytes come out on every machine. Knows files and
their layout; what is in them comes from rows.py, planting.py and guide.py.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from containers import broken_csv_record, broken_json_line, csv_record, gzipped, json_line
from draws import Draws
from guide import texts
from planting import Planter
from rows import Desk, Row, clean_rows, test_rows

HERE = Path(__file__).resolve().parent
SEED = 0
START = datetime(2025, 1, 6, 7, 0, tzinfo=UTC)
FIELDS = ("text", "intent", "conversation_id", "user_id", "received")
CSV_FIELDS = ("conversation_id", "user_id", "received", "intent", "text")
Record = dict[str, str]


@dataclass(frozen=True)
class Raw:
    """A raw file: its name, and how its bytes come from records; of the broken ones, the number says what breaks."""

    name: str
    head: bytes
    sound: Callable[[Record], bytes]
    broken: Callable[[Record, int], tuple[bytes, str]]
    wrap: Callable[[bytes], bytes]


def _as_csv(record: Record) -> list[str]:
    return [record[field] for field in CSV_FIELDS]


RAW_FILES = (
    Raw("messages-1.jsonl", b"", json_line, broken_json_line, bytes),
    Raw(
        "messages-2.csv",
        csv_record(CSV_FIELDS) + b"\n",
        lambda record: csv_record(_as_csv(record)),
        lambda record, number: broken_csv_record(_as_csv(record), number),
        bytes,
    ),
    Raw("messages-3.jsonl.gz", b"", json_line, broken_json_line, gzipped),
)


def version() -> str:
    """The digest of the scripts and phrases: what a corpus was made by."""
    world = HERE.parent / "world"
    found = [*HERE.glob("*.py"), *HERE.glob("phrases/*.toml"), *world.glob("*.py"), *world.glob("*.toml")]
    sources = sorted(found, key=lambda path: (path.parent.name, path.name))
    return hashlib.sha256(b"\0".join(path.read_bytes() for path in sources)).hexdigest()


def _records(rows: list[Row]) -> list[Record]:
    """The rows as records, with the minute at which each message came in."""
    draws, now, records, numbers = Draws(SEED, "received"), START, list[Record](), dict[int, int]()
    for row in rows:
        now += timedelta(minutes=draws.between(1, 90))
        number = numbers.setdefault(row.conversation, len(numbers) + 1)
        values = (row.text, row.intent, f"conv-{number:05}", row.user, now.isoformat())
        records.append(dict(zip(FIELDS, values, strict=True)))
    return records


def _truth(rows: list[Row], where: list[dict[str, Any]], faults: dict[int, str]) -> list[dict[str, Any]]:
    """What was planted and where it lies, in reading order."""
    place = {id(row): position for row, position in zip(rows, where, strict=True)}
    truth = []
    for at, row in enumerate(rows):
        if row.planted is None:
            continue
        entry = {"kind": row.planted["kind"], **where[at], **row.planted}
        if row.of is not None:
            entry["of"] = place[id(row.of)]
        if at in faults:
            entry["fault"] = faults[at]
        truth.append(entry)
    return truth


def corpus() -> tuple[dict[str, bytes], str]:
    """The files of the corpus by name, and a line about them."""
    desk = Desk(SEED)
    test = test_rows(desk, SEED)
    clean = clean_rows(desk, SEED)
    planted = list(Planter(SEED, desk, clean, test).rows())
    rows = sorted([*clean, *planted], key=lambda row: row.place)
    records = _records(rows)
    files: dict[str, bytes] = {}
    where: list[dict[str, Any]] = []
    faults: dict[int, str] = {}
    for number, raw in enumerate(RAW_FILES):
        start, end = (len(rows) * part // len(RAW_FILES) for part in (number, number + 1))
        lines, broken = [], 0
        for at in range(start, end):
            where.append({"file": raw.name, "row": at - start + 1})
            if (rows[at].planted or {}).get("kind") == "unreadable":
                line, faults[at] = raw.broken(records[at], broken)
                broken += 1
            else:
                line = raw.sound(records[at])
            lines.append(line + b"\n")
        files[raw.name] = raw.wrap(raw.head + b"".join(lines))
    files["test.jsonl"] = b"".join(json_line(row) + b"\n" for row in test)
    files["planted.jsonl"] = b"".join(json_line(entry) + b"\n" for entry in _truth(rows, where, faults))
    guide, testing = texts(SEED)
    files["guide.jsonl"] = b"".join(json_line(text) + b"\n" for text in guide)
    for task, items in testing.items():
        files[f"{task}.jsonl"] = b"".join(json_line(item) + b"\n" for item in items)
    share = 100 * len(planted) / len(rows)
    return files, f"{len(rows)} rows ({len(planted)} planted, {share:.1f} %), {len(test)} test rows; {len(guide)} texts"


def write(out: Path) -> str:
    """Makes the corpus in a folder that then takes the place of `out`; returns a line about it.

    Raises:
        FileExistsError: `out` is something that this script did not make.
    """
    out = out.resolve()
    stamp = out / "VERSION"
    if stamp.is_file() and stamp.read_text("utf-8").strip() == version():
        return f"{out}: up to date"
    if out.exists() and not stamp.is_file():
        raise FileExistsError(f"{out} exists and is not a corpus of this script: name another folder, or move it away")
    files, line = corpus()
    part, old = (out.with_name(f".{out.name}.{os.getpid()}.{role}") for role in ("part", "old"))
    shutil.rmtree(part, ignore_errors=True)  # left by a process of the same number that was killed
    part.mkdir(parents=True)
    try:
        for name, data in files.items():
            (part / name).write_bytes(data)
        (part / "VERSION").write_text(f"{version()}\n", "utf-8")
        if out.exists():
            out.rename(old)
        part.rename(out)
    finally:
        shutil.rmtree(part, ignore_errors=True)
        shutil.rmtree(old, ignore_errors=True)
    return f"{out}: {line}"


def main(arguments: list[str]) -> int:
    """The command line: one optional folder."""
    if len(arguments) > 1 or any(argument.startswith("-") for argument in arguments):
        sys.stderr.write("usage: python make_corpus.py [OUT_FOLDER]\n")
        return 2
    try:
        line = write(Path(arguments[0]) if arguments else HERE / "corpus")
    except FileExistsError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    sys.stdout.write(f"{line}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
