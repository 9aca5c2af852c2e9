"""How well a base model foretells a text: perplexity under a causal language model.

Knows texts and a base. Knows nothing of bounds: which perplexity is too high depends on the model and the kind of text. Lies
here and not beside the other filters because they may know no models.
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import TYPE_CHECKING, Annotated

from adaptline.core.demands import at_least, needs
from adaptline.core.registry import filter
from adaptline.core.sources import Folder
from adaptline.errors import UserError
from adaptline.models import bases, runtime

if TYPE_CHECKING:
    from adaptline.models.writer import Writer

_TWO = 2  # the fewest tokens that a window can have: one is foretold from one


def _check(*, base: Folder, max_tokens: int | None = None, stride: int | None = None, **_: object) -> None:
    needs("torch", "transformers", extra="train")
    if bases.kind_of(base.path) != "writer":
        do = "Name a causal language model; its config.json says so in architectures."
        raise UserError(f"a base that reads only, and foretells nothing: {base.name}", do=do)
    most = bases.positions_of(base.path)
    if most is not None and max_tokens is not None and max_tokens > most:
        raise UserError(f"max_tokens = {max_tokens}, and the base takes at most {most}", do=f"Set max_tokens = {most}.")
    room = max_tokens or most
    if stride is not None and room is not None:
        _refuse_gaps(stride, room)


def _refuse_gaps(stride: int, room: int) -> None:
    """Raises UserError for windows that do not overlap: the first token of each would have nothing to go by."""
    if stride >= room:
        raise UserError(
            f"stride = {stride} of {room} tokens that are read at once",
            do=f"Set stride = {room // 2}, or less than {room}.",
        )


@filter(version=2, cost="high", finds=("gibberish",), check=_check)
def perplexity(
    texts: list[str],
    *,
    base: Folder,
    max_tokens: Annotated[int, at_least(_TWO)] | None = None,
    stride: Annotated[int, at_least(1)] | None = None,
) -> list[float | None]:
    """The perplexity of each text under a base model: e to the mean negative log-likelihood of its tokens. Bound it with max.

    A low bound beside it (`min`) takes out what the base knows by heart: templates, repetitions, famous texts. Bounds are
    found by looking at scores: they differ by model, language and kind of text.

    The mean is over all tokens of a text, also where it is longer than the model reads at once: then in windows that overlap.
    The tokenizer's sign of a beginning (else of an end) stands before the text; a model without either does not score the
    first token. Computed in float32 on the CPU and rounded to six digits, which float32 can carry. Scores only what the
    methods before it kept; each worker loads the base.

    Args:
        texts: the texts.
        base: a folder with a causal language model in safetensors and its tokenizer, package:NAME or hub:ORG/NAME.
        max_tokens: that are read at once; as many as the base has positions for, if not given (2,048 where it does not say).
        stride: tokens between the ends of two windows; half of what is read at once, if not given. A smaller one gives
            each token more to go by, at the price of more windows.

    Returns:
        1 or more per text, null for one without tokens to score.

    Raises:
        UserError: the base cannot be loaded, or reads no more than `stride` tokens at once.
    """
    with runtime.deterministic(runtime.thread_count()):
        return _perplexities(texts, _writer(base, max_tokens), stride)


def _perplexities(texts: list[str], writer: Writer, stride: int | None) -> list[float | None]:
    from adaptline.models import likelihood  # noqa: PLC0415 - a recipe is planned with this module, without torch

    room = writer.max_tokens  # known by now: the tokenizer may take fewer tokens than the model has positions for
    if stride is not None:
        _refuse_gaps(stride, room)
    tokenizer = writer.tokenizer
    beginning = [token for token in (tokenizer.bos_token_id, tokenizer.eos_token_id) if token is not None][:1]
    with runtime.quiet():
        cut = tokenizer(texts, add_special_tokens=False, return_attention_mask=False)["input_ids"] if texts else []
    sequences = [[*beginning, *tokens] for tokens in cut]
    stride = stride or max(1, room // 2)
    found = likelihood.surprise(writer.model, sequences, room=room, stride=stride, pad_token=writer.pad_token)
    counts = [len(tokens) - 1 for tokens in sequences]
    return [_perplexity(nats / count) if count > 0 else None for nats, count in zip(found, counts, strict=True)]


def _perplexity(nats: float) -> float:
    return float(f"{math.exp(min(nats, 700.0)):.6g}")  # e^710 is more than a float holds


@lru_cache(maxsize=1)
def _writer(base: Folder, max_tokens: int | None) -> Writer:
    """Loaded once per process, not once per shard."""
    from adaptline.models.writer import load_writer  # noqa: PLC0415 - as above

    return load_writer(base.path, max_tokens)
