"""Messages of a support desk in files of three formats, with all that a curation is for planted among them."""

from __future__ import annotations

import csv
import json
import random
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

_WHO = ("I", "We", "My sister", "Our office", "A colleague of mine", "Somebody in the family")
_DID = ("ordered", "returned", "paid for", "asked about", "cancelled", "never received", "got the wrong")
_WHAT = (
    "a lamp",
    "two chairs",
    "the café table",
    "a crème brûlée torch",
    "Müsli bowls",
    "a bookshelf",
    "the blue jacket",
)
_WHEN = ("on Monday", "last week", "three days ago", "in early March", "this morning", "before the holidays")
_WHERE = ("in the shop at the station", "through the app", "on your website", "by telephone", "from the catalogue")
_ASKS = (
    "Could you tell me what happens next?",
    "Please send the money back to the same account.",
    "Is there anything that you need from me?",
    "Who can help with this, and when?",
    "The number of the order is {number}, and the parcel weighs {weight} kg.",
    "It cost {weight} euros more than the page had said.",
    "So far nobody has answered my letter of {number} words.",
)
# What a careless pipeline did to a text, beside what it was: UTF-8 read as cp1252, escaped HTML, an invisible character.
_DAMAGE = (("é", "Ã©"), ("ü", "Ã¼"), (" and ", " &amp; "), (" the ", " the\u200b "))
_LABELS = ("delivery", "refund", "question")


def _message(chance: random.Random) -> str:
    asks = [
        ask.format(number=chance.randrange(10_000, 99_999), weight=chance.randrange(1, 60))
        for ask in chance.sample(_ASKS, chance.randint(1, 4))
    ]
    start = " ".join(chance.choice(part) for part in (_WHO, _DID, _WHAT, _WHEN, _WHERE))
    return f"{start}. {' '.join(asks)}"


def _record(chance: random.Random, before: list[str]) -> str:
    """A message: one in four short, loud, damaged, a copy of an earlier one, or nearly one."""
    text, draw = _message(chance), chance.random()
    if draw < 0.04:
        return chance.choice(("ok", "thanks!", "any news?", "call me: 0", "..."))
    if draw < 0.07:
        return text.upper()
    if draw < 0.13:
        for sound, damaged in _DAMAGE:
            text = text.replace(sound, damaged)
        return text
    if before and draw < 0.19:
        return chance.choice((str, str.lower, lambda copy: copy.replace(". ", ".  ")))(chance.choice(before))
    if before and draw < 0.25:
        return chance.choice(before) + chance.choice(("!", " Thanks.", " :)"))
    return text


def write(folder: Path, *, lines: int = 900, table: int = 600, parquet: int = 600, seed: int = 5) -> None:
    """Writes a.jsonl, b.csv and c.parquet, each with a few records that cannot be read."""
    chance, before = random.Random(seed), list[str]()  # noqa: S311 - not for secrets

    def records(count: int) -> list[dict[str, Any]]:
        made = []
        for number in range(count):
            before.append(_record(chance, before))
            made.append({"text": before[-1], "label": chance.choice(_LABELS), "ticket": number})
        return made

    folder.mkdir(parents=True)
    said = [json.dumps(one, ensure_ascii=chance.random() < 0.5) for one in records(lines)]
    for at, broken in ((17, '{"text": "cut in the mid'), (311, '["a list"]'), (640, '{"label": "refund"}')):
        said.insert(at, broken)
    (folder / "a.jsonl").write_text("\n".join(said) + "\n", "utf-8")
    with (folder / "b.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["ticket", "text", "label"])
        for one in records(table):
            text = one["text"].replace(". ", ".\n", 1) if one["ticket"] % 9 == 0 else one["text"]
            writer.writerow([one["ticket"], text, one["label"]])
            if one["ticket"] % 200 == 150:
                writer.writerow([one["ticket"], "one field", "too", "many"])
    rows = records(parquet)
    for at in (5, 412):
        rows[at]["text"] = None
    pq.write_table(pa.Table.from_pylist(rows), folder / "c.parquet", row_group_size=200)
