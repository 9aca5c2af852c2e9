"""Answers of a writer, batches by length: what follows each prompt, the likeliest token at every step.

Knows tokens. Knows nothing of chats, tasks or where the writer came from.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from transformers import GenerationConfig

from adaptline.errors import UserError
from adaptline.models.batches import Tokens, scoring_batches

if TYPE_CHECKING:
    from adaptline.models.writer import Writer


@dataclass(frozen=True)
class Written:
    """What was written after a prompt: its tokens, without the one that ends it, and whether such a one came."""

    tokens: list[int]
    ended: bool
    cut: bool  # whether the prompt was longer than there was room, and lost its beginning


def write(
    writer: Writer,
    prompts: Tokens,
    *,
    max_new_tokens: int,
    batch_size: int = 64,
    progress: Callable[[int], None] = lambda _: None,
) -> list[Written]:
    """An answer for each prompt, in their order, each of at most max_new_tokens; the model is left in evaluation mode.

    Prompts of like length share a batch. A prompt that leaves no room for max_new_tokens within the writer's max_tokens
    loses its beginning.

    Args:
        writer: the model.
        prompts: token ids.
        max_new_tokens: of an answer.
        batch_size: prompts computed at once.
        progress: called with how many are done.

    Raises:
        UserError: answers of max_new_tokens leave no room for a prompt.
    """
    room = writer.max_tokens - max_new_tokens
    if room < 1:
        raise UserError(
            f"max_new_tokens is {max_new_tokens}, and the model takes {writer.max_tokens} tokens with the prompt",
            do="Set max_new_tokens lower, or train with a higher max_tokens.",
        )
    kept = [prompt[-room:] for prompt in prompts]
    found: dict[int, Written] = {}
    ends = writer.ends
    writer.model.eval()
    for rows in scoring_batches([len(prompt) for prompt in kept], batch_size):
        batch = _left_padded([kept[row] for row in rows], writer.pad_token)
        with torch.inference_mode():
            ids = _generate(writer, batch, max_new_tokens, ends)
        for row, answer in zip(rows, ids[:, batch["input_ids"].shape[1] :].tolist(), strict=True):
            length = next((at for at, token in enumerate(answer) if token in ends), None)
            tokens = answer if length is None else answer[:length]
            found[row] = Written(tokens, length is not None, len(kept[row]) < len(prompts[row]))
        progress(len(found))
    return [found[row] for row in range(len(prompts))]


def _generate(writer: Writer, batch: dict[str, torch.Tensor], most: int, ends: frozenset[int]) -> torch.Tensor:
    model: Any = writer.model
    ids: torch.Tensor = model.generate(
        **batch,
        # Not the base's own settings: a penalty that it brings would make other answers than a gateway gives.
        generation_config=GenerationConfig(  # type: ignore[no-untyped-call]
            max_new_tokens=most, do_sample=False, eos_token_id=sorted(ends) or None, pad_token_id=writer.pad_token
        ),
    )
    return ids


def _left_padded(prompts: Sequence[Sequence[int]], pad_token: int) -> dict[str, torch.Tensor]:
    """`input_ids` and `attention_mask`, both (rows, longest), padded on the left: all answers begin in one column."""
    longest = max(map(len, prompts))
    ids = torch.tensor([[*[pad_token] * (longest - len(row)), *row] for row in prompts])
    mask = torch.tensor([[0] * (longest - len(row)) + [1] * len(row) for row in prompts])
    return {"input_ids": ids, "attention_mask": mask}
