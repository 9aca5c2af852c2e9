"""Guesses for gaps: what the model's own softmax says, whole words alone, and nothing of what is computed beside a gap."""

from __future__ import annotations

import random
import shutil
from pathlib import Path
from typing import Any

import pytest
import tiny
import tiny_filler
import torch
from safetensors.torch import load_file, save_file
from tokenizers import AddedToken, Tokenizer, decoders
from tokenizers.models import BPE, Unigram
from tokenizers.pre_tokenizers import ByteLevel, Metaspace
from tokenizers.processors import RobertaProcessing
from tokenizers.trainers import BpeTrainer
from transformers import (
    AutoModelForMaskedLM,
    AutoTokenizer,
    PreTrainedTokenizerFast,
    RobertaConfig,
    RobertaForMaskedLM,
)

from adaptline.errors import UserError
from adaptline.models.filling import Filler, Gap, load_filler
from adaptline.models.runtime import quiet

GAPS = [
    Gap("where is my ", "red", " van ?"),
    Gap("The ", "dog", " eats some meat in the garden ."),
    Gap("", "Where", " is my blue truck ? " + "please wash the red van . " * 2),
    Gap("please ", "wash", " it"),
    Gap("", "feed", ""),
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_filler.write_filler(tmp_path_factory.mktemp("bases") / "fills", steps=0)


@pytest.fixture(scope="module")
def filler(folder: Path) -> Filler:
    return load_filler(folder)


def test_guesses_are_the_softmax_of_the_model_without_any_padding(folder: Path, filler: Filler) -> None:
    model: Any = AutoModelForMaskedLM.from_pretrained(folder)  # in evaluation mode
    tokenizer = AutoTokenizer.from_pretrained(folder)
    for gap in GAPS:
        ids = tokenizer(f"{gap.before}[MASK]{gap.after}", return_tensors="pt")["input_ids"]
        with torch.inference_mode():
            likely = model(input_ids=ids).logits[0, ids[0].tolist().index(tokenizer.mask_token_id)].softmax(0)
        wanted = {word: float(likely[tokenizer.vocab[word]]) for word in filler.words if word != gap.word.lower()}
        (found,) = filler.guesses([gap], 1000, 0.0)
        assert dict(found) == pytest.approx(wanted, abs=2e-6)
        assert [p for _, p in found] == sorted(dict(found).values(), reverse=True)


def test_no_bit_of_them_depends_on_what_is_computed_beside_a_gap(filler: Filler) -> None:
    alone = [filler.guesses([gap], 100, 0.0)[0] for gap in GAPS]
    assert filler.guesses(GAPS * 30, 100, 0.0) == alone * 30
    assert filler.guesses(GAPS[::-1], 100, 0.0) == alone[::-1]
    assert len({tuple(found) for found in alone}) == len(GAPS)
    assert filler.guesses([], 1, 0.0) == []


def test_guesses_are_few_likely_and_others_than_the_word(filler: Filler) -> None:
    (whole,) = filler.guesses([GAPS[1]], 1000, 0.0)
    assert "dog" not in dict(whole)
    assert filler.guesses([GAPS[1]], 3, 0.0) == [whole[:3]]
    least = whole[4][1]
    assert filler.guesses([GAPS[1]], 1000, least) == [[guess for guess in whole if guess[1] >= least]]
    without = filler.guesses([GAPS[1]], 1000, 0.0, {whole[0][0], "no word of it"})
    assert without == [whole[1:]]


def test_pieces_of_words_marks_and_digits_are_no_words(filler: Filler) -> None:
    assert set(filler.words) == {*tiny_filler.words(), "ing", "table", "for"} - {".", "?"}


def test_a_mask_that_the_text_itself_names_is_not_the_gap(filler: Filler) -> None:
    found = filler.guesses([Gap("[MASK] dog ", "eats", " [MASK]"), Gap("", "cat", " dog [MASK] [MASK]")], 100, 0.0)
    assert "eats" not in dict(found[0])
    assert "cat" not in dict(found[1])
    assert found[0] != found[1]


def test_a_gap_that_is_not_reached_has_no_guesses(filler: Filler) -> None:
    assert filler.guesses([Gap("the dog " * 40, "eats", "")], 100, 0.0) == [[]]
    assert filler.guesses([Gap("the dog ", "eats", " the dog" * 40)], 100, 0.0)[0]


def test_a_long_text_is_cut_into_stretches_that_are_read_at_once(filler: Filler) -> None:
    parts = ["the", " ", "dog", " ", "x" * 3, "."] * 40
    runs = list(filler.stretches(parts))
    assert [begin for begin, _ in runs] == [0, *(end for _, end in runs[:-1])]
    assert runs[-1][1] == len(parts)
    sizes = [
        len(filler.tokenizer("".join(parts[begin:end]), add_special_tokens=False)["input_ids"]) for begin, end in runs
    ]
    assert max(sizes) <= 30
    assert min(sizes[:-1]) > 26
    huge = ["dog", " ", "dog " * 100, "cat"]
    assert list(filler.stretches(huge)) == [(0, 2), (2, 3), (3, 4)]
    assert list(filler.stretches(["dog"])) == [(0, 1)]


def write_roberta(folder: Path, kind: str) -> Path:
    """A model whose tokenizer marks where words begin, of bytes (RoBERTa) or of SentencePiece's pieces (XLM-R); names have capitals."""
    chance = random.Random(0)  # noqa: S311 - not for secrets
    texts = [tiny_filler.sentence(chance) for _ in range(300)] + ["we visit Anna and Please, please us"] * 50
    special = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]
    if kind == "bytes":
        inner = Tokenizer(BPE())
        inner.pre_tokenizer, inner.decoder = ByteLevel(add_prefix_space=False), decoders.ByteLevel()
        inner.train_from_iterator(texts, BpeTrainer(vocab_size=600, min_frequency=2, special_tokens=special))
    else:
        words = sorted({word for text in texts for word in text.split()})
        pieces = [(piece, -9.0) for piece in ("\u2581", *"abcdefghijklmnopqrstuvwxyzAP.,?")]
        inner = Tokenizer(
            Unigram([(one, 0.0) for one in special] + [(f"\u2581{word}", -4.0) for word in words] + pieces, 3)
        )
        inner.pre_tokenizer, inner.decoder = Metaspace(), decoders.Metaspace()
    inner.post_processor = RobertaProcessing(("</s>", 2), ("<s>", 0), trim_offsets=True, add_prefix_space=False)
    names = dict(zip(("bos_token", "pad_token", "eos_token", "unk_token"), special, strict=False))
    tokenizer = PreTrainedTokenizerFast(  # type: ignore[no-untyped-call]
        tokenizer_object=inner, mask_token=AddedToken("<mask>", lstrip=True), model_max_length=64, **names
    )
    config = RobertaConfig(
        vocab_size=len(tokenizer),
        hidden_size=32,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=64,
        max_position_embeddings=66,
        pad_token_id=1,
        initializer_range=0.3,
    )
    with torch.random.fork_rng(devices=[]), quiet():
        torch.manual_seed(0)
        RobertaForMaskedLM(config).save_pretrained(folder)
        tokenizer.save_pretrained(folder)
    return folder


@pytest.mark.parametrize("kind", ["bytes", "pieces"])
def test_other_kinds_of_tokenizers_have_whole_words_too(tmp_path: Path, kind: str) -> None:
    filler = load_filler(write_roberta(tmp_path / kind, kind))
    assert {"dog", "kitchen", "steals", "visit", "please"} <= set(filler.words)
    assert "anna" not in filler.words  # only with a capital: a name
    assert not {word for word in filler.words if not word.isalpha()}
    alone = [filler.guesses([gap], 100, 0.0)[0] for gap in GAPS]
    assert filler.guesses(GAPS * 20, 100, 0.0) == alone * 20
    assert all(alone)


def test_what_is_no_masked_language_model_is_told(folder: Path, tmp_path: Path) -> None:
    reads = tiny.write_base(tmp_path / "reads")
    with pytest.raises(UserError, match=r"the base lacks weights: cls\.predictions"):
        load_filler(reads)
    shutil.copytree(folder, tmp_path / "less")
    weights = load_file(tmp_path / "less" / "model.safetensors")
    del weights["bert.encoder.layer.0.output.dense.weight"]
    save_file(weights, tmp_path / "less" / "model.safetensors", {"format": "pt"})
    with pytest.raises(UserError, match=r"lacks weights: bert\.encoder\.layer\.0"):
        load_filler(tmp_path / "less")
    shutil.copytree(folder, tmp_path / "other")
    for path in reads.glob("tokenizer*"):
        shutil.copy(path, tmp_path / "other" / path.name)
    with pytest.raises(UserError, match="no fast tokenizer with a mask"):
        load_filler(tmp_path / "other")
    with pytest.raises(UserError, match="max_tokens is 33, and the base takes at most 32"):
        load_filler(folder, 33)
