"""How long a text is. Knows characters and words; nothing of tokens, which are a tokenizer's."""

from __future__ import annotations

from typing import Literal

import pyarrow as pa
import pyarrow.compute as pc

from adaptline.core.registry import filter
from adaptline.data import text


@filter(version=1, finds=("empty", "too_short", "too_long"), gives="number")
def length(texts: pa.StringArray, *, unit: Literal["characters", "words"] = "characters") -> pa.Array:
    """Unicode characters per text, or words. Bound it with min and max.

    Args:
        texts: one text per row; a null one stays null.
        unit: words are runs of anything but white space and punctuation, so a script without spaces has few.

    Returns:
        int32 per text.
    """
    if unit == "characters":
        return pc.utf8_length(texts)
    return pa.array([None if given is None else len(text.words(given)) for given in texts.to_pylist()], pa.int32())
