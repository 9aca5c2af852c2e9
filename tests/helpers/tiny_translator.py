"""Small Marian models made from nothing: random ones for tests of form, and ones trained on pairs of sentences."""

from __future__ import annotations

import random
from collections.abc import Sequence
from pathlib import Path

import torch
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers
from transformers import MarianConfig, MarianMTModel, PreTrainedTokenizerFast

from adaptline.models.batches import pad, scoring_batches
from adaptline.models.runtime import deterministic, quiet

Pairs = Sequence[tuple[str, str]]
BATCH = 64


def write_model(
    folder: Path,
    texts: Sequence[str],
    *,
    source: str = "en",
    target: str = "sv",
    codes: Sequence[str] = (),
    vocabulary: int = 300,
    width: int = 32,
    layers: int = 1,
    spread: float = 0.7,
    seed: int = 7,
) -> Path:
    """A Marian model with random weights and a BPE tokenizer learnt from the texts.

    `codes` are tokens like ">>sv<<"; `spread` is of the weights: wide ones write something else for every text, narrow
    ones can learn.
    """
    cut = Tokenizer(models.BPE(unk_token="<unk>"))
    cut.normalizer = normalizers.NFC()
    cut.pre_tokenizer = pre_tokenizers.Metaspace()
    cut.decoder = decoders.Metaspace()
    special = ["</s>", "<unk>", "<pad>", *codes]
    cut.train_from_iterator(
        texts, trainers.BpeTrainer(vocab_size=vocabulary, special_tokens=special, show_progress=False)
    )
    cut.post_processor = processors.TemplateProcessing(single="$A </s>", special_tokens=[("</s>", 0)])
    tokenizer = PreTrainedTokenizerFast(  # type: ignore[no-untyped-call]
        tokenizer_object=cut,
        eos_token="</s>",
        unk_token="<unk>",
        pad_token="<pad>",
        source_lang=source,
        target_lang=target,
        model_max_length=128,
    )
    config = MarianConfig(
        vocab_size=len(tokenizer),
        d_model=width,
        encoder_layers=layers,
        decoder_layers=layers,
        encoder_attention_heads=4,
        decoder_attention_heads=4,
        encoder_ffn_dim=2 * width,
        decoder_ffn_dim=2 * width,
        max_position_embeddings=128,
        pad_token_id=2,
        eos_token_id=0,
        forced_eos_token_id=0,
        decoder_start_token_id=2,
        scale_embedding=True,
        init_std=spread,
        dropout=0.1,
        activation_function="swish",
    )
    with torch.random.fork_rng(devices=[]), quiet():
        torch.manual_seed(seed)
        MarianMTModel(config).save_pretrained(folder)
        tokenizer.save_pretrained(folder)
    return folder


def train(folder: Path, pairs: Pairs, *, epochs: int, peak: float = 1.5e-3, seed: int = 0) -> Path:
    """Teaches the folder's model the pairs: AdamW, a learning rate that rises and falls, batches of like length."""
    with deterministic(1), quiet():
        torch.manual_seed(seed)
        model = MarianMTModel.from_pretrained(folder).train()
        tokenizer = PreTrainedTokenizerFast.from_pretrained(folder)
        sides = [tokenizer([pair[side] for pair in pairs])["input_ids"] for side in (0, 1)]
        batches = scoring_batches([len(one) + len(other) for one, other in zip(*sides, strict=True)], BATCH)
        optimiser = torch.optim.AdamW(model.parameters(), lr=peak, betas=(0.9, 0.98), weight_decay=0.01)
        schedule = torch.optim.lr_scheduler.OneCycleLR(
            optimiser, peak, total_steps=epochs * len(batches), pct_start=0.1
        )
        order = random.Random(seed)  # noqa: S311 - no secret
        for _ in range(epochs):
            order.shuffle(batches)
            for rows in batches:
                given, wanted = (pad([side[row] for row in rows], 2) for side in sides)
                labels = wanted["input_ids"].masked_fill(wanted["attention_mask"] == 0, -100)
                begun = torch.cat([torch.full((len(rows), 1), 2), wanted["input_ids"][:, :-1]], 1)
                logits = model(**given, decoder_input_ids=begun).logits
                loss = torch.nn.functional.cross_entropy(
                    logits.flatten(0, 1), labels.flatten(), label_smoothing=0.1, ignore_index=-100
                )
                loss.backward()  # type: ignore[no-untyped-call]
                torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
                optimiser.step()
                schedule.step()
                optimiser.zero_grad()
        model.save_pretrained(folder)
    return folder
