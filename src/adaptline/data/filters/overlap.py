"""How much of a chat's answer is its prompt again, and the other way round. Knows n-grams; nothing of what is said."""

from __future__ import annotations

from typing import Annotated, Literal

import numpy as np
import pyarrow as pa

from adaptline.core.demands import at_least
from adaptline.core.registry import filter
from adaptline.core.rows import texts
from adaptline.data import folding, matching
from adaptline.data.loops import overlaps


@filter(version=1, finds=("echo",), gives="number")
def overlap(
    rows: pa.Table,
    *,
    of: Literal["response", "prompt"] = "response",
    ngram: Literal["word", "char"] = "word",
    size: Annotated[int, at_least(1)] = 3,
) -> pa.Array:
    """The share of a response's n-grams that stand in its prompt, 0 to 1. Bound it with max.

    An answer that says nothing of its own has a share near 1. A summary or a correction has a high one rightly, so which
    is too much depends on the task, and there is no default. With `of = "prompt"` it is the share of the prompt's n-grams
    that stand in the response: 1 where the whole prompt is said again, whatever is said beside it.

    Texts are folded (case, compatibility variants, white space). The response is the last message if an assistant wrote it,
    the prompt all before it, with the system's message and earlier turns.

    Args:
        rows: a shard.
        of: whose n-grams are counted, as often as they occur.
        ngram: n-grams of words, or of characters. A letter of a script without spaces counts as a word.
        size: words or characters in one n-gram. A shorter text is one n-gram, so an answer of one or two words that the
            prompt has among others shares nothing.

    Returns:
        float64 per row, null for one without a prompt or a response, or where the counted one is empty.
    """
    prompt, response = texts(rows, "prompt"), texts(rows, "response")
    part, whole = (
        matching.utf8(folding.normalised(one))
        for one in ((response, prompt) if of == "response" else (prompt, response))
    )
    found = overlaps.shares(part, whole, words=ngram == "word", size=size)
    lacking = ~(prompt.is_valid().to_numpy(zero_copy_only=False) & response.is_valid().to_numpy(zero_copy_only=False))
    return pa.array(found, pa.float64(), mask=lacking | np.isnan(found))
