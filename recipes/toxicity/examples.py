"""What the model of toxicity learns from and is measured on: tweets, ordinary texts, and sentences made of parts.

Knows files, cleaning and splits. Knows nothing of models. Of every set, a tenth by the hash of its text is only measured on,
and no text of it is a near-duplicate of one that is learnt; some sets are only measured on.
"""

from __future__ import annotations

import hashlib
import html
import itertools
import re
import tomllib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from adaptline.core.rows import texts as texts_of
from adaptline.data.matchers.minhash import minhash, sketch
from adaptline.data.reading import read_table
from adaptline.data.schemas import Columns

DAVIDSON = "tox_davidson/labeled_data.csv.gz"
ORDINARY: dict[str, tuple[str, Columns]] = {
    "web reviews, answers, mails": ("web_ud_ewt/docs.jsonl.gz", Columns(text="text")),
    "web pages": ("web_c4_wiki/c4_demo.jsonl.gz", Columns(text="text")),
    "Wikipedia": ("neardup_wikisplit/validation.tsv.gz", Columns(text="0")),
    "text messages": ("clf_sms_spam/sms.tsv", Columns(text="1")),
    "voice commands": ("clf_clinc150/data_full.json.gz", Columns(text="0")),
    "banking queries": ("clf_banking77/train.csv", Columns(text="text")),
    "Shakespeare": ("text_tinyshakespeare/input.txt.gz", Columns()),
    "GSM8K": ("instruct_gsm8k/train.jsonl.gz", Columns(prompt="question", completion="answer")),
    "role play": ("instruct_gpteacher/roleplay-simple-deduped-roleplay-instruct.json.gz", Columns()),
    "instructions": ("instruct_gpteacher/toolformer-dedupe-only-dataset.json.gz", Columns()),
    "short sentences": ("par_tatoeba_en_sv/swe.txt.gz", Columns(text="0")),
}
UNSEEN: dict[str, tuple[str, Columns]] = {
    "assistant chats": ("chat_oasst/en_100_message.jsonl.gz", Columns(text="text")),
    "news and Wikipedia sentences": ("par_pud/pud_parallel.tsv.gz", Columns(text="en")),
    "restaurant descriptions": ("nlg_e2e/devset.csv.gz", Columns(text="ref")),
    "commonsense questions": ("instruct_flan_cot/strategyqa_train.tsv.gz", Columns(text="0")),
    "abstracts": ("sum_scitldr/dev.jsonl.gz", Columns(text="title")),
    "other short sentences": ("par_tatoeba_en_ga/tatoeba.tsv.gz", Columns(text="1")),
}
STRONG = ("fuck", "shit", "bitch", "cunt", "nigg", "fag", "whore", "hoe", "pussy", "asshole", "dick", "slut", "retard")
_MOST = 4_000  # texts of one ordinary set
_LINK, _NAME, _AGAIN = re.compile(r"https?://\S+"), re.compile(r"@\w+:?"), re.compile(r"\bRT\b")
_LETTERS = {"a": "4@", "e": "3", "i": "1!", "o": "0", "s": "5$", "u": "*", "c": "*"}
_PART = re.compile(r"\{(\w+)\}")
_PARTS = 10
_TABS = "swe.txt.gz"  # its name does not tell that fields stand between tabs


@dataclass(frozen=True)
class Set:
    """Texts with one label, those that are learnt and those that are only measured on."""

    name: str
    toxic: bool
    learnt: list[str]
    measured: list[str]


def draw(*meaning: object) -> int:
    """A number of 63 bits that only its meaning decides."""
    return int.from_bytes(hashlib.blake2b(repr(meaning).encode(), digest_size=8).digest(), "big") >> 1


def sets(data: Path) -> list[Set]:
    """All sets; each text in one of them, once, without near-duplicates (Jaccard 0.8, 5 characters)."""
    tweets = list(_tweets(data / DAVIDSON))
    given = [("tweets, offensive", True, [text for text, toxic in tweets if toxic], True)]
    given += [("tweets, neither", False, [text for text, toxic in tweets if not toxic], True)]
    given += [(name, False, _ordinary(data / file, columns), True) for name, (file, columns) in ORDINARY.items()]
    given += [(name, False, _ordinary(data / file, columns), False) for name, (file, columns) in UNSEEN.items()]
    kept = iter(_without_copies([text for _, _, texts, _ in given for text in texts]))
    found = []
    for name, toxic, texts, learns in given:
        alone = [text for text in texts if next(kept)]
        is_learnt = [learns and draw("part", text) % _PARTS > 0 for text in alone]
        parts = [
            [text for text, is_in in zip(alone, is_learnt, strict=True) if is_in is side] for side in (True, False)
        ]
        found.append(Set(name, toxic, *parts))
    return found


def clean(tweet: str) -> str:
    """A tweet without what tells that it is one: links, names, "RT", and entities in place of signs."""
    text = html.unescape(html.unescape(tweet))
    for pattern in (_LINK, _NAME, _AGAIN):
        text = pattern.sub(" ", text)
    return " ".join(text.split())


def _tweets(file: Path) -> Iterator[tuple[str, bool]]:
    """Each tweet, and whether most of its judges found hate (0) or offence (1), not neither (2)."""
    table = read_table(file, columns=Columns(text="tweet", label="class"))
    for text, label in zip(texts_of(table).to_pylist(), table["label"].to_pylist(), strict=True):
        yield clean(text), label != "2"


def _ordinary(file: Path, columns: Columns) -> list[str]:
    """Texts of a set, at most _MOST of them, by their hash."""
    table = read_table(file, columns=columns, format="tsv" if file.name == _TABS else None)
    found = [text for text in texts_of(table).to_pylist() if text and text.strip()]
    return sorted(dict.fromkeys(found), key=lambda text: draw("choice", text))[:_MOST]


def _without_copies(texts: Sequence[str]) -> Iterator[bool]:
    """Per text, whether none before it is nearly the same."""
    given = pa.array(texts, pa.string())
    kept = np.ones(len(texts), np.bool_)
    dropped = minhash([sketch(given)], [kept.copy()], [given])["row"].to_numpy()
    kept[dropped] = False
    return iter(kept.tolist())


def made(frames: Iterable[str], parts: dict[str, list[str]], each: int) -> list[str]:
    """Sentences of frames, `each` of one frame that has gaps, drawn by its hash."""
    found: dict[str, None] = {}
    for frame, number in itertools.product(frames, range(each)):

        def fill(gap: re.Match[str], frame: str = frame, number: int = number) -> str:
            name = gap[1].removeprefix("a_")
            word = parts[name][draw(frame, number, gap.start()) % len(parts[name])]
            return f"{'an' if word[0] in 'aeiou' else 'a'} {word}" if gap[1].startswith("a_") else word

        found[_PART.sub(fill, frame)] = None
    return list(found)


def phrases() -> dict[str, Any]:
    """phrases.toml."""
    return tomllib.loads(Path(__file__).with_name("phrases.toml").read_text("utf-8"))


def disguised(text: str) -> str | None:
    """The text with one word as people write it to get past a filter: a strong one if there is one. None if it is too short."""
    words = text.split(" ")
    strong = [i for i, word in enumerate(words) if any(stem in word.lower() for stem in STRONG)]
    places = strong or [i for i, word in enumerate(words) if word.isalpha() and len(word) > 2]  # noqa: PLR2004 - "I", "a", "of"
    if not places:
        return None
    at = places[draw("place", text) % len(places)]
    words[at] = _disguise(words[at], draw("disguise", text))
    return " ".join(words)


def _disguise(word: str, number: int) -> str:
    kind, number = number % 4, number >> 2
    if kind == 0:
        return " ".join(word)
    inner = range(1, max(len(word) - 1, 2))
    at = next((i for i in inner if word[i : i + 1].lower() in _LETTERS), 1)
    if kind == 1:
        return word[:at] + "*" * (1 + number % 2) + word[at + 1 + number % 2 :]
    if kind == 2:  # noqa: PLR2004 - one of four kinds
        choice = _LETTERS.get(word[at : at + 1].lower(), "*")
        return word[:at] + choice[number % len(choice)] + word[at + 1 :]
    return word[:at] + word[at : at + 1] * (3 + number % 3) + word[at + 1 :]
