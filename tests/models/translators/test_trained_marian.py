"""Two small Marian models learn Tatoeba's short English-Swedish pairs, and say sentences anew that they never saw."""

from __future__ import annotations

import gzip
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import lines
import pytest
import tiny_translator

from adaptline.core import recipe as recipes
from adaptline.core.rows import Ref
from adaptline.core.run import run
from adaptline.core.store import Store
from adaptline.data import text as texts
from adaptline.data.gates import similarity
from adaptline.models.translators.marian import Marian

MOST_WORDS, LEAST_USES, EPOCHS = (5, 6), 25, 16  # English and Swedish; of a word in all sentences
Pairs = list[tuple[str, str]]


def pairs(file: Path) -> Pairs:
    """Pairs of short sentences whose words are all frequent: what a minute's training can be enough for."""
    with gzip.open(file, "rt", encoding="utf-8") as opened:
        found: Pairs = [(line.split("\t")[0], line.split("\t")[1]) for line in opened]
    short = [
        pair for pair in dict.fromkeys(found) if all(len(pair[side].split()) <= MOST_WORDS[side] for side in (0, 1))
    ]
    uses = [Counter(word for pair in short for word in words(pair[side])) for side in (0, 1)]
    return [
        pair for pair in short if all(uses[side][word] >= LEAST_USES for side in (0, 1) for word in words(pair[side]))
    ]


def words(text: str) -> list[str]:
    return texts.words(texts.fold(text))


@pytest.mark.slow
def test_unseen_sentences_go_to_swedish_and_back(real_data: Callable[[str], Path], tmp_path: Path) -> None:
    """Measured: 31 % of 87 held-out sentences become one of their Swedish references, 23 % come back as they were."""
    known = pairs(real_data("par_tatoeba_en_sv/swe.txt.gz"))
    held = list(dict.fromkeys(english for english, _ in known))[::25]
    learnt = [pair for pair in known if pair[0] not in set(held)]
    assert (len(learnt) > 2000, len(held) > 70) == (True, True)
    both = [side for pair in learnt for side in pair]
    for name, given, source, target in (
        ("en-sv", learnt, "en", "sv"),
        ("sv-en", [(swedish, english) for english, swedish in learnt], "sv", "en"),
    ):
        folder = tmp_path / name
        tiny_translator.write_model(
            folder, both, source=source, target=target, vocabulary=1000, width=128, layers=2, spread=0.09
        )
        tiny_translator.train(folder, given, epochs=EPOCHS)

    marian = Marian({("en", "sv"): tmp_path / "en-sv", ("sv", "en"): tmp_path / "sv-en"})
    away = [said or "" for said in marian.translate(held, "en", "sv")]
    home = [said or "" for said in marian.translate(away, "sv", "en")]
    right = [
        words(said) in [words(sv) for en, sv in known if en == text] for text, said in zip(held, away, strict=True)
    ]
    same = [words(text) == words(said) for text, said in zip(held, home, strict=True)]
    alike = [similarity(text, said) for text, said in zip(held, home, strict=True)]
    assert sum(right) / len(held) > 0.2
    assert sum(same) / len(held) > 0.12
    assert sum(alike) / len(held) > 0.5

    story, children = augmented(held, tmp_path)
    assert story["asked"] == len(held)
    assert story["made"] == len(children) == len(held) - sum(story["refused"].values())
    assert story["made"] > 0.35 * len(held)
    assert story["refused"]["copy"] >= 0.8 * sum(same)
    assert story["refused"]["similarity"] > 0
    assert set(children) <= set(home)


def augmented(held: list[str], folder: Path) -> tuple[dict[str, Any], list[str]]:
    """What a recipe makes of the sentences: what the step tells, and the children's texts."""
    lines.write(folder / "held.jsonl", [{"text": text} for text in held])
    use = {"use": "back_translate", "via": "sv", "by": "marian", "there": "en-sv", "back": "sv-en", "share": 1.0}
    tables = {
        "raw": {"step": "ingest", "files": "held.jsonl"},
        "more": {"step": "augment", "from": "raw", "do": [use]},
    }
    artifact = run(recipes.from_tables(tables, "more", folder), store=folder / "store")[-1]
    store = Store.open(folder / "store")
    manifest = store.manifest(artifact.key)
    assert manifest is not None
    rows = [row for shard in manifest["shards"] for row in store.read(Ref(*shard["text"])).to_pylist()]
    made = [row["messages"][0]["content"] for row in rows if row["parent_shard"]]
    (story,) = manifest["detail"]["augmenters"]
    return story, made
