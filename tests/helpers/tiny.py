"""A tiny random BERT with a real tokenizer, labelled rows that it can learn, and what a step gets: shared by tests of training.

Nothing here is mocked: the base is written and read as any base is, and rows are shards as ingest and curate make them.
"""

from __future__ import annotations

import hashlib
import random
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import torch
from tokenizers import Tokenizer
from tokenizers.models import WordPiece
from tokenizers.normalizers import Lowercase
from tokenizers.pre_tokenizers import Whitespace
from tokenizers.processors import TemplateProcessing
from transformers import BertConfig, BertForSequenceClassification, BertModel, PreTrainedTokenizerFast

from adaptline.core import keys, registry, rows
from adaptline.core.artifacts import Desk, Read, Use
from adaptline.core.rows import Ref, Rows, Shard
from adaptline.core.sources import Folder, find_folder
from adaptline.models.runtime import quiet

SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]")
TELLING = {
    "book": ("table", "reserve", "seats"),
    "cancel": ("cancel", "refund", "off"),
    "food": ("soup", "bread", "salad"),
}
FILLER = ("please", "the", "a", "for", "me", "today", "we", "and", "would", "like", "ing", "##s", "##ing")


def write_base(folder: Path, *, dropout: float = 0.1, positions: int = 32) -> Path:
    """A BERT of two layers and 32 dimensions, with random weights, and a WordPiece tokenizer."""
    words = [*SPECIAL, *sorted({word for group in TELLING.values() for word in group} | set(FILLER))]
    tokenizer = Tokenizer(WordPiece({word: number for number, word in enumerate(words)}, unk_token="[UNK]"))
    tokenizer.normalizer = Lowercase()
    tokenizer.pre_tokenizer = Whitespace()
    tokenizer.post_processor = TemplateProcessing(single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)])
    wrapped = PreTrainedTokenizerFast(  # type: ignore[no-untyped-call]
        tokenizer_object=tokenizer,
        pad_token="[PAD]",
        unk_token="[UNK]",
        cls_token="[CLS]",
        sep_token="[SEP]",
        model_max_length=positions,
    )
    config = BertConfig(
        vocab_size=len(words),
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=64,
        max_position_embeddings=positions,
        hidden_dropout_prob=dropout,
        attention_probs_dropout_prob=dropout,
        initializer_range=0.2,
    )
    with torch.random.fork_rng(devices=[]), quiet():
        torch.manual_seed(7)
        BertModel(config).save_pretrained(folder)
        wrapped.save_pretrained(folder)
    return folder


def write_classifier(folder: Path, labels: list[str], **config: Any) -> Folder:
    """The same BERT with a random head that tells labels apart, as a model that was trained to classify."""
    write_base(folder)
    told = {"id2label": dict(enumerate(labels)), "label2id": {label: number for number, label in enumerate(labels)}}
    settings = BertConfig(**{**BertConfig.from_pretrained(folder).to_dict(), **told, **config})
    with torch.random.fork_rng(devices=[]), quiet():
        torch.manual_seed(0)
        model = BertForSequenceClassification(settings)
        with torch.no_grad():
            model.classifier.weight.mul_(3)
        model.save_pretrained(folder)
    return find_folder(str(folder), folder.parent)


def records(count: int = 96, seed: int = 0) -> list[dict[str, Any]]:
    """Rows of three labels: one telling word among fillers. One in four validates, one in eight tests, the rest trains."""
    chance = random.Random(seed)  # noqa: S311 - not for secrets
    found = []
    for number in range(count):
        label = chance.choice(sorted(TELLING))
        words = [chance.choice(TELLING[label]), *chance.choices(FILLER[:-2], k=chance.randint(2, 8))]
        chance.shuffle(words)
        split = "test" if number % 8 == 7 else "validation" if number % 4 == 3 else "train"
        found.append({"text": " ".join(words), "label": label, "split": split})
    return found


class Shards:
    """Shards in memory, with the references that an artifact of rows holds; `read` is what a step gets."""

    def __init__(self) -> None:
        self.tables: dict[str, pa.Table] = {}

    def add(self, table: pa.Table) -> Ref:
        digest = hashlib.blake2b(str(table.to_pylist()).encode()).hexdigest()[:64]
        self.tables[digest] = table
        return Ref(keys.key("unit", digest), digest, table.num_rows)

    def read(self, ref: Ref, columns: list[str] | None = None) -> pa.Table:
        table = self.tables[ref.digest]
        return table if columns is None else table.select(columns)

    def rows(self, found: Sequence[dict[str, Any]], per_shard: int = 40) -> Rows:
        """Records with text (or messages, or prompt and completion), label, split, and if wanted line, unreadable,
        `new_split` and `keep`, as an artifact.
        """
        starts = range(0, len(found), per_shard)
        return Rows(tuple(self._shard(found[start : start + per_shard], start) for start in starts))

    def _shard(self, part: Sequence[dict[str, Any]], start: int) -> Shard:
        columns = {
            "messages": [_messages(record) for record in part],
            "label": [record.get("label") for record in part],
            "split": [record.get("split") for record in part],
            "unreadable": [record.get("unreadable") for record in part],
            "file": ["desk.jsonl"] * len(part),
            "row": [start + number + 1 for number in range(len(part))],
            "line": [record.get("line", start + number + 1) for number, record in enumerate(part)],
        }
        text = self.add(rows.table(columns, len(part)))
        split = keep = None
        if any("new_split" in record for record in part):
            new = pa.array([record.get("new_split") for record in part], pa.string())
            split = self.add(pa.table({"split": new, "group": pa.nulls(len(part), pa.string())}))
        if any("keep" in record for record in part):
            keep = self.add(pa.table({"keep": pa.array([record.get("keep", True) for record in part])}))
        return Shard(text, split, keep)


def _messages(record: dict[str, Any]) -> list[dict[str, str]] | None:
    if "prompt" in record:
        return [
            {"role": "user", "content": record["prompt"]},
            {"role": "assistant", "content": record["completion"]},
        ]
    text = record.get("text")
    found: list[dict[str, str]] | None = record.get("messages")
    return found if text is None else [{"role": "text", "content": text}]


def use(name: str, beside: Path | None = None, **parameters: Any) -> Use:
    """An adapter as a recipe uses it."""
    method = registry.load("adapter", name, beside)
    return Use(name, "adapter", parameters, {}, method.identity, beside or Path())


def base_folder(path: Path) -> Folder:
    """The base as a recipe beside it names it."""
    return find_folder(path.name, path.parent)


def make_desk(folder: Path, read: Read, progress: Callable[[int, int, str], None] = lambda *_: None) -> Desk:
    """A place to work: an empty output, and a scratch that may be there already."""
    output, scratch = folder / "output", folder / "scratch"
    output.mkdir(parents=True)
    scratch.mkdir(exist_ok=True)
    return Desk(output, scratch, read, progress)


def payload(folder: Path) -> dict[str, str]:
    """File name -> digest of every file of an artifact's folder."""
    return {
        path.relative_to(folder).as_posix(): keys.file_digest(path)
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }
