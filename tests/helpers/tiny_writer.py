"""A tiny random Llama with a real tokenizer, and chats that it can learn: shared by tests of what writes."""

from __future__ import annotations

import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

from adaptline.models.runtime import quiet

TURNS = (  # the form of ChatML, which many models have
    "{% for message in messages %}<|im_start|>{{ message['role'] }}\n{{ message['content'] }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
COLOURS = ("red", "green", "blue", "black")
THINGS = ("door", "car", "cat", "hat", "wall")


def write_base(
    folder: Path,
    *,
    template: str | None = None,
    positions: int = 96,
    seed: int = 7,
    turns: Sequence[str] = ("<|im_start|>", "<|im_end|>"),
) -> Path:
    """A Llama of two layers and 32 dimensions, with random weights, and a byte-level BPE tokenizer.

    `turns` are the special tokens that the template sets.
    """
    cut = Tokenizer(models.BPE())
    cut.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    cut.decoder = decoders.ByteLevel()
    special = ["<pad>", "<s>", "</s>", *turns]
    texts = [f"the {colour} {thing} is {colour}\nuser assistant system" for colour in COLOURS for thing in THINGS]
    cut.train_from_iterator(
        texts,
        trainers.BpeTrainer(
            vocab_size=340,
            special_tokens=special,
            initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
            show_progress=False,
        ),
    )
    tokenizer = PreTrainedTokenizerFast(  # type: ignore[no-untyped-call]
        tokenizer_object=cut,
        pad_token="<pad>",
        bos_token="<s>",
        eos_token="</s>",
        additional_special_tokens=list(turns),
        chat_template=template,
    )
    config = LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=positions,
        tie_word_embeddings=True,
        initializer_range=0.2,
        pad_token_id=0,
        bos_token_id=1,
        eos_token_id=2,
    )
    with torch.random.fork_rng(devices=[]), quiet():
        torch.manual_seed(seed)
        LlamaForCausalLM(config).save_pretrained(folder)
        tokenizer.save_pretrained(folder)
    return folder


def chats(count: int = 96, seed: int = 0) -> list[dict[str, Any]]:
    """Prompts with answers that follow from them. One in four validates, one in eight tests, the rest trains."""
    chance = random.Random(seed)  # noqa: S311 - not for secrets
    found = []
    for number in range(count):
        colour, thing = chance.choice(COLOURS), chance.choice(THINGS)
        split = "test" if number % 8 == 7 else "validation" if number % 4 == 3 else "train"
        found.append({"prompt": f"the {colour} {thing}", "completion": f"{thing} is {colour}", "split": split})
    return found
