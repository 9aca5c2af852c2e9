"""Rows picked at random and traced both ways, each answer held against files that are read without this package."""

from __future__ import annotations

import csv
import difflib
import json
import random
import re
import unicodedata
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import mixed_sources
import pyarrow.parquet as pq
import pytest

import adaptline as al
from adaptline import library

LEAST, MOST, UPPER, ALIKE, WORDS = 20, 260, 0.3, 0.8, 19
RECIPE = f"""
[raw]
step  = "ingest"
files = ["data/*.jsonl", "data/*.csv", "data/*.parquet"]
text  = "text"
label = "label"

[parts]
step  = "split"
from  = "raw"
share = {{ train = 0.9, validation = 0.1 }}

[clean]
step = "curate"
from = "parts"
do   = ["unicode", {{ use = "length", min = {LEAST}, max = {MOST} }}, {{ use = "share", of = "upper", max = {UPPER} }},
        "exact", {{ use = "minhash", threshold = {ALIKE} }}]

[more]
step = "augment"
from = "clean"
do   = [{{ use = "noise", share = 0.3 }}]

[last]
step = "curate"
from = "more"
do   = [{{ use = "length", unit = "words", min = {WORDS} }}, "exact"]
"""
PICKED = 60
SURELY_FOUND = 0.9  # the similarity from which 21 bands of 6 miss one pair in eight million
# What careless pipelines do to a text and what the text was, as somebody who mends it by hand would write it down.
MENDED = {"Ã©": "é", "Ã¼": "ü", "&amp;": "&", "\u200b": ""}


@dataclass(frozen=True)
class Record:
    """A record of a source file, read by hand: its text as it should come out of the transforms, None if it has none."""

    file: str
    row: int
    raw: str | None
    text: str | None
    label: str | None

    @property
    def address(self) -> str:
        return f"{self.file}:{self.row}"


def record(file: str, row: int, raw: Any, label: Any) -> Record:
    text = raw if isinstance(raw, str) else None
    mended = text
    for damaged, sound in MENDED.items():
        mended = mended.replace(damaged, sound) if mended is not None else None
    return Record(file, row, text, None if mended is None else unicodedata.normalize("NFC", mended), label)


def by_hand(folder: Path) -> Iterator[Record]:
    """All records of all files in their order, those that cannot be read with no text."""
    for row, line in enumerate((folder / "a.jsonl").read_text("utf-8").splitlines(), 1):
        try:
            found = json.loads(line)
        except ValueError:
            found = None
        fields = found if isinstance(found, dict) else {}
        yield record("data/a.jsonl", row, fields.get("text"), fields.get("label"))
    with (folder / "b.csv").open(encoding="utf-8", newline="") as file:
        names, *rows = csv.reader(file)
    for row, fields_ in enumerate(rows, 1):
        whole = dict(zip(names, fields_, strict=True)) if len(fields_) == len(names) else {}
        yield record("data/b.csv", row, whole.get("text"), whole.get("label"))
    for row, fields in enumerate(pq.read_table(folder / "c.parquet").to_pylist(), 1):
        yield record("data/c.parquet", row, fields["text"], fields["label"])


def folded(text: str) -> str:
    return " ".join(unicodedata.normalize("NFKC", text).lower().split())


def upper_share(text: str) -> float:
    return sum(unicodedata.category(one) == "Lu" for one in text) / len(text)


def word_count(text: str) -> int:
    return len(re.findall(r"\w+(?:['\u2019]\w+)*", text))


@cache
def grams(text: str) -> frozenset[str]:
    """Runs of five characters of the folded text."""
    said = folded(text)
    return frozenset(said[at : at + 5] for at in range(len(said) - 4))


def similarity(one: str, other: str) -> float:
    """Jaccard."""
    return len(grams(one) & grams(other)) / len(grams(one) | grams(other))


def first_fate(records: list[Record]) -> dict[str, str | None]:
    """Per record which of the rules before minhash it falls to, or None; judged by hand, in order."""
    seen, fates = set[str](), dict[str, str | None]()
    for one in records:
        if one.text is None:
            fate: str | None = "unreadable"
        elif not LEAST <= len(one.text) <= MOST:
            fate = "length"
        elif upper_share(one.text) > UPPER:
            fate = "share"
        else:
            fate = "exact" if folded(one.text) in seen else None
            seen.add(folded(one.text))
        fates[one.address] = fate
    return fates


@dataclass(frozen=True)
class Line:
    """A line that ran, and its sources as they are read by hand."""

    path: Path
    records: dict[str, Record]  # by address, in order
    fates: dict[str, str | None]
    written: list[dict[str, Any]]  # what the last step's kept rows are as JSON lines

    def step(self, name: str) -> dict[str, Any]:
        """What `show` says of a step."""
        (shown,) = al.show(self.path, name)
        return shown

    def told(self, address: str, step: str = "clean") -> dict[str, Any]:
        """What `trace` says that a step did with a row."""
        return next(one for one in al.trace(self.path, address)["steps"] if one["step"] == step)


@pytest.fixture(scope="module")
def line(tmp_path_factory: pytest.TempPathFactory) -> Line:
    folder = tmp_path_factory.mktemp("traced")
    mixed_sources.write(folder / "data")
    path = folder / "recipe.toml"
    path.write_text(RECIPE)
    al.run(path, workers=1)
    library.export(path, "last", folder / "last.jsonl")
    records = list(by_hand(folder / "data"))
    written = [json.loads(one) for one in (folder / "last.jsonl").read_text("utf-8").splitlines()]
    return Line(path, {one.address: one for one in records}, first_fate(records), written)


@pytest.fixture(scope="module")
def picked(line: Line) -> list[Record]:
    """Rows at random, and a few of each fate besides, so that none goes unseen."""
    chance = random.Random(11)  # noqa: S311 - not for secrets
    some = chance.sample(list(line.records.values()), PICKED)
    for fate in ("unreadable", "length", "share", "exact"):
        some += chance.sample([one for one in line.records.values() if line.fates[one.address] == fate], 4)
    return some


def test_every_record_of_every_file_is_accounted_for(line: Line) -> None:
    fates, shown = Counter(line.fates.values()), line.step("clean")
    assert line.step("raw")["rows"] == shown["rows"] == len(line.records) == 2106
    assert sum(line.step("raw")["unreadable"].values()) == fates["unreadable"] == 8
    dropped = {one["use"]: one["dropped"] for one in shown["methods"]}
    assert {use: dropped[use] for use in ("unicode", "length", "share", "exact")} == {
        "unicode": 0,
        "length": fates["length"],
        "share": fates["share"],
        "exact": fates["exact"],
    }
    assert dropped["minhash"] > 50
    kept = sum(shown["splits"].values())
    assert kept + sum(dropped.values()) + fates["unreadable"] == len(line.records)
    (told,) = line.step("more")["augmenters"]
    assert told["made"] + sum(told["refused"].values()) == told["asked"]
    last = line.step("last")
    assert last["rows"] == len(line.records) + told["made"]
    gone = sum(one["dropped"] for one in last["methods"])
    assert sum(last["splits"].values()) == len(line.written) == kept + told["made"] - gone
    assert gone > 5


def test_a_record_is_found_with_its_place_and_text(line: Line, picked: list[Record]) -> None:
    shards = set()
    for one in picked:
        origin = al.trace(line.path, one.address)["origin"]
        assert (origin["file"], origin["row"], origin["text"]) == (one.file, one.row, one.raw)
        assert origin["label"] == (None if one.raw is None else one.label)
        shards.add(origin["shard"])
        if one.file.endswith("jsonl"):
            assert origin["line"] == one.row
    assert len(shards) >= 4


def test_a_record_that_could_not_be_read_says_why(line: Line, picked: list[Record]) -> None:
    found = [one for one in picked if one.text is None]
    assert len(found) >= 4
    for one in found:
        reason = al.trace(line.path, one.address)["origin"]["unreadable"]
        assert re.search(r"not JSON|no field 'text'|'text' is null|4 fields, where the header has 3", reason)
        assert line.told(one.address)["did"] == "dropped before this step"


def test_a_dropped_row_names_its_rule_and_a_value_that_crosses_the_bound(line: Line, picked: list[Record]) -> None:
    values = {"length": len, "share": upper_share}
    found = [one for one in picked if line.fates[one.address] in values]
    assert len(found) >= 8
    for one in found:
        told, rule = line.told(one.address), line.fates[one.address]
        method = told["methods"][-1]
        assert one.text is not None
        assert (told["kept"], told["dropped_by"], method["verdict"]) == (False, rule, "dropped")
        assert method["score"] == pytest.approx(values[str(rule)](one.text))
        bounds = method["settings"]
        assert not bounds.get("min", 0) <= method["score"] <= bounds["max"]
        assert method["parameters"] == ({"of": "upper"} if rule == "share" else {})


def test_a_duplicate_names_an_earlier_row_that_is_the_same_and_stayed(line: Line, picked: list[Record]) -> None:
    found = [one for one in picked if line.fates[one.address] == "exact"]
    order = list(line.records)
    assert len(found) >= 4
    for one in found:
        method = line.told(one.address)["methods"][-1]
        other = line.records[method["because"]]
        assert one.text is not None
        assert other.text is not None
        assert method["use"] == "exact"
        assert folded(one.text) == folded(other.text)
        assert order.index(other.address) < order.index(one.address)
        assert line.fates[other.address] is None


def test_a_near_duplicate_names_an_earlier_row_that_is_alike_and_stayed(line: Line) -> None:
    chance, found, order = random.Random(12), 0, list(line.records)  # noqa: S311 - not for secrets
    candidates = [address for address, fate in line.fates.items() if fate is None]
    for address in chance.sample(candidates, 200):
        method = line.told(address)["methods"][-1]
        if method["verdict"] != "dropped":
            continue
        one, other = line.records[address].text, line.records[method["because"]].text
        assert one is not None
        assert other is not None
        assert method["score"] == pytest.approx(similarity(one, other))
        assert method["score"] >= ALIKE
        assert order.index(method["because"]) < order.index(address)
        assert line.told(method["because"])["kept"]
        found += 1
    assert found >= 5


def test_a_kept_row_comes_out_as_it_should_and_once(line: Line, picked: list[Record]) -> None:
    said = Counter((row["text"], row["label"]) for row in line.written)
    kept = [one for one in picked if line.fates[one.address] is None and line.told(one.address)["kept"]]
    real = {one.text for one in line.records.values()} & {row["text"] for row in line.written}
    assert len(kept) > 30
    for one in kept:
        assert one.text is not None
        assert one.label is not None
        changed = line.told(one.address)["methods"][0]
        assert changed.get("text", one.raw) == one.text
        last = line.told(one.address, "last")
        assert last["methods"][0]["score"] == word_count(one.text)
        assert last["kept"] == (word_count(one.text) >= WORDS)
        assert said[one.text, one.label] == last["kept"]
        assert not [other for other in real - {one.text} if other and similarity(one.text, other) >= SURELY_FOUND]


def test_a_row_of_the_end_leads_back_to_the_record_that_gives_it(line: Line) -> None:
    chance = random.Random(13)  # noqa: S311 - not for secrets
    said, children, rows = {row["text"] for row in line.written}, 0, 0
    for position in chance.sample(range(line.step("last")["rows"]), PICKED):
        found = al.trace(line.path, f"last:{position}")
        origin, last = found["origin"], found["steps"][-1]
        one = line.records[f"{origin['file']}:{origin['row']}"]
        assert origin["text"] == one.raw
        born = [step for step in found["steps"] if "parent" in step]
        if not last.get("kept"):
            assert born or one.text not in said or line.fates[one.address] == "exact"
            continue
        assert one.text is not None
        text = born[0]["text"] if born else one.text
        assert text in said
        if born:
            children += 1
            assert text != one.text
            assert difflib.SequenceMatcher(None, one.text, text, autojunk=False).ratio() > 0.8
            parents = al.trace(line.path, one.address)["children"]
            assert [child["text"] for child in parents] == [text]
        rows += 1
    assert rows > 30
    assert children > 3


def test_no_written_row_is_without_a_source(line: Line) -> None:
    texts = {one.text for one in line.records.values()}
    (told,) = line.step("more")["augmenters"]
    children = [row for row in line.written if row["text"] not in texts]
    assert 0 < len(children) <= told["made"]
    assert len({folded(row["text"]) for row in line.written}) == len(line.written)
