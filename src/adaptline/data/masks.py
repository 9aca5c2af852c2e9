"""Which rows of a shard are meant, as a unit's arguments hold it: one bit a row. Knows nothing of why."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Mask = npt.NDArray[np.bool_]


def pack(mask: Mask) -> bytes:
    """Eight rows a byte."""
    return np.packbits(mask).tobytes()


def unpack(mask: bytes, rows: int) -> Mask:
    """The mask of so many rows."""
    return np.unpackbits(np.frombuffer(mask, np.uint8), count=rows).astype(bool)
