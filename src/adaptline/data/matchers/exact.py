"""Texts that are the same: the first stays. Knows fingerprints; nothing of texts that are merely alike."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from adaptline.core.registry import matcher
from adaptline.data import bands, folding, matching
from adaptline.data.loops import fingerprints

_ROW = 96  # bytes: a fingerprint, its copies in order, and the order itself


def sketch(texts: pa.StringArray, *, normalise: bool = True) -> pa.Table:
    """A fingerprint of 128 bits per text: column `fingerprint`, null for a null text.

    Args:
        texts: the texts of one shard.
        normalise: compares texts without case, compatibility variants and runs of white space (`text.fold`).
    """
    data, offsets = matching.utf8(folding.normalised(texts) if normalise else texts)
    prints = fingerprints.fingerprints(data, offsets, folded=normalise)
    column = matching.to_fixed_binary(prints, texts.is_valid().to_numpy(zero_copy_only=False))
    return pa.table({"fingerprint": column})


@matcher(version=3, sketch=sketch, finds=("exact_duplicate",))
def exact(
    shards: Sequence[pa.Table],
    alive: Sequence[matching.Mask],
    start: matching.Start = matching.NOTHING,
) -> pa.Table:
    """Drops every text that was there before. A null text matches nothing; the score is 1.0.

    Args:
        shards: sketches, in order; read one by one.
        alive: per shard, which rows take part.
        start: the verdicts on the first shards, where they are known: only the others are looked at.

    Returns:
        One line per row to drop, in (shard, row) order: shard, row, of_shard, of_row, score.
    """
    positions, prints = _printed(shards, start.without(alive))
    start.room(_ROW * len(prints), len(prints))
    fresh = start.fresh(positions)
    asked = bands.worth_sorting(prints[:, 0], fresh)
    high, low = prints[asked].T
    order = np.lexsort((low, high))  # stable: equal fingerprints stay in row order
    repeats = np.zeros(len(order), np.bool_)
    repeats[1:] = (high[order][1:] == high[order][:-1]) & (low[order][1:] == low[order][:-1])
    dropped, of = order[repeats], order[~repeats][np.cumsum(~repeats) - 1][repeats]
    dropped, of = asked[dropped], asked[of]
    dropped, of = dropped[dropped >= fresh], of[dropped >= fresh]
    return matching.drops(positions, dropped, of, np.ones(len(dropped)))


def _printed(
    shards: Sequence[pa.Table], alive: Sequence[matching.Mask]
) -> tuple[list[matching.Positions], npt.NDArray[np.uint64]]:
    """Per shard the rows that take part; and their fingerprints, of all shards together."""
    positions: list[matching.Positions] = []
    prints = [np.empty((0, 2), np.uint64)]
    for shard, mask in zip(shards, alive, strict=True):  # one sketch in memory at a time
        (rows,) = matching.living([shard], [mask], "fingerprint")
        prints.append(matching.fixed_bytes(shard["fingerprint"]).view(np.uint64)[rows])
        positions.append(rows)
    return positions, np.concatenate(prints)
