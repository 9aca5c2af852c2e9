"""Texts that are the same: the first stays. Knows fingerprints; nothing of texts that are merely alike."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa

from adaptline.core.registry import matcher
from adaptline.data import matching, text


def sketch(texts: pa.StringArray, *, normalise: bool = True) -> pa.Table:
    """A fingerprint of 128 bits per text: column `fingerprint`, null for a null text.

    Args:
        texts: the texts of one shard.
        normalise: compares texts without case, compatibility variants and runs of white space (`text.fold`).
    """
    prepare = text.fold if normalise else str
    prints = [None if given is None else text.fingerprint(prepare(given)) for given in texts.to_pylist()]
    return pa.table({"fingerprint": pa.array(prints, pa.binary(text.FINGERPRINT_BYTES))})


@matcher(version=2, sketch=sketch, finds=("exact_duplicate",))
def exact(shards: Sequence[pa.Table], alive: Sequence[matching.Mask]) -> pa.Table:
    """Drops every text that was there before. A null text matches nothing; the score is 1.0.

    Args:
        shards: sketches, in order.
        alive: per shard, which rows take part.

    Returns:
        One line per row to drop, in (shard, row) order: shard, row, of_shard, of_row, score.
    """
    positions = matching.living(shards, alive, "fingerprint")
    prints = [
        matching.fixed_bytes(shard["fingerprint"]).view(np.uint64)[rows]
        for shard, rows in zip(shards, positions, strict=True)
    ]
    high, low = np.concatenate([*prints, np.empty((0, 2), np.uint64)]).T
    order = np.lexsort((low, high))  # stable: equal fingerprints stay in row order
    repeats = np.zeros(len(order), np.bool_)
    repeats[1:] = (high[order][1:] == high[order][:-1]) & (low[order][1:] == low[order][:-1])
    firsts = order[~repeats][np.cumsum(~repeats) - 1]
    return matching.drops(positions, order[repeats], firsts[repeats], np.ones(int(repeats.sum())))
