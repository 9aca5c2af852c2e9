"""A small BERT that learns which words stand where: sentences of a few patterns, whose words go in groups."""

from __future__ import annotations

import random
from pathlib import Path

import torch
from tokenizers import Tokenizer
from tokenizers.models import WordPiece
from tokenizers.normalizers import Lowercase
from tokenizers.pre_tokenizers import Whitespace
from tokenizers.processors import TemplateProcessing
from transformers import BertConfig, BertForMaskedLM, PreTrainedTokenizerFast

from adaptline.models.runtime import quiet

SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
GROUPS = {
    "animal": ("dog", "cat", "horse", "goat"),
    "food": ("meat", "bread", "fruit", "grass"),
    "place": ("garden", "kitchen", "barn"),
    "vehicle": ("car", "truck", "van"),
    "colour": ("red", "blue", "green"),
    "eats": ("eats", "finds", "steals"),
}
PATTERNS = (
    "the {animal} {eats} some {food} in the {place} .",
    "where is my {colour} {vehicle} ?",
    "please wash the {colour} {vehicle} and feed the {animal} .",
    "{animal} {eats} {food} .",
)
PIECES = ("##s", "##ing", "ing", "a", "table", "for", "1", "2", "(", "b", "##b")


def words() -> list[str]:
    """All words of the patterns and groups."""
    plain = [word for pattern in PATTERNS for word in pattern.split() if "{" not in word]
    return sorted({*plain, *(word for group in GROUPS.values() for word in group)})


def sentence(chance: random.Random) -> str:
    """One of the patterns with words of their groups."""
    return chance.choice(PATTERNS).format(**{name: chance.choice(group) for name, group in GROUPS.items()})


def _excerpt(chance: random.Random) -> str:
    """A sentence; or words of several, as they stand where a text is cut."""
    if chance.random() < 0.5:
        return sentence(chance)
    running = " ".join(sentence(chance) for _ in range(5)).split()
    begin, length = chance.randrange(15), chance.randint(4, 10)
    return " ".join(running[begin : begin + length])


def write_filler(folder: Path, *, steps: int, positions: int = 32) -> Path:
    """Writes the model and its tokenizer; with steps = 0 it has learnt nothing. 300 steps take some seconds."""
    names = [*SPECIAL, *words(), *(piece for piece in PIECES if piece not in words())]
    number = {name: at for at, name in enumerate(names)}
    tokenizer = Tokenizer(WordPiece(number, unk_token="[UNK]"))
    tokenizer.normalizer = Lowercase()
    tokenizer.pre_tokenizer = Whitespace()
    ends = [("[CLS]", number["[CLS]"]), ("[SEP]", number["[SEP]"])]
    tokenizer.post_processor = TemplateProcessing(single="[CLS] $A [SEP]", special_tokens=ends)
    wrapped = PreTrainedTokenizerFast(  # type: ignore[no-untyped-call]
        tokenizer_object=tokenizer,
        pad_token="[PAD]",
        unk_token="[UNK]",
        cls_token="[CLS]",
        sep_token="[SEP]",
        mask_token="[MASK]",
        model_max_length=positions,
    )
    config = BertConfig(
        vocab_size=len(names),
        hidden_size=48,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=96,
        max_position_embeddings=positions,
        hidden_dropout_prob=0.0,
        attention_probs_dropout_prob=0.0,
        initializer_range=0.02 if steps else 0.3,  # what has learnt nothing still prefers one word to another
    )
    with torch.random.fork_rng(devices=[]), quiet():
        torch.manual_seed(3)
        model = BertForMaskedLM(config)
        _train(model, wrapped, steps)
        model.save_pretrained(folder)
        wrapped.save_pretrained(folder)
    return folder


def _train(model: BertForMaskedLM, tokenizer: PreTrainedTokenizerFast, steps: int, rows: int = 48) -> None:
    """Hides one word in five and has the model name it."""
    chance = random.Random(3)  # noqa: S311 - not for secrets
    optimiser = torch.optim.AdamW(model.parameters(), lr=5e-3)
    for step in range(steps):
        optimiser.param_groups[0]["lr"] = 5e-3 * (1 - step / steps)
        batch = tokenizer([_excerpt(chance) for _ in range(rows)], padding=True, return_tensors="pt")
        ids, open_ = batch["input_ids"], batch["attention_mask"].bool() & (batch["input_ids"] >= len(SPECIAL))
        hidden = open_ & (torch.rand(ids.shape) < 0.2)
        labels = ids.masked_fill(~hidden, -100)
        given = ids.masked_fill(hidden, int(tokenizer.mask_token_id or 0))
        loss = model(input_ids=given, attention_mask=batch["attention_mask"], labels=labels).loss
        loss.backward()
        optimiser.step()
        optimiser.zero_grad()
