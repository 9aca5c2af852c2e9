"""Texts that are nearly the same: candidates by MinHash and bands, each verified by its true Jaccard similarity.

Knows signatures and the order of rows. Knows nothing of meaning: a paraphrase shares few n-grams with its original.

    text -> n-grams -> signature of 128 minima       sketch: per shard, stored
    signature -> 21 bands -> buckets                 match: rows that share a bucket are candidates
    candidates -> n-grams again -> true Jaccard      match: decides

No text becomes a Python string on the way, but where it must be normalised: Arrow's bytes go through loops that numba compiles
(shingles.py, sketches.py, neighbours.py).
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from typing import Annotated, Literal

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from adaptline.core.demands import at_least, between
from adaptline.core.registry import matcher
from adaptline.data import bands as lsh
from adaptline.data import folding, matching
from adaptline.data.loops import neighbours, sketches
from adaptline.errors import UserError

Scores = npt.NDArray[np.float64]

RECALL = 0.995  # of pairs exactly at the threshold, where `bands` is left to us; above the threshold it is higher


def sketch(
    texts: pa.StringArray,
    *,
    ngram: Literal["char", "word"] = "char",
    size: Annotated[int, at_least(1)] = 5,
    permutations: Annotated[int, at_least(1)] = 128,
    seed: Annotated[int, at_least(0)] = 42,
) -> pa.Table:
    """The MinHash signature of each text, the low 16 bits of each minimum (Li and Koenig, 2010).

    16 bits halve what is stored and change no verdict, because candidates are verified.

    Args:
        texts: the texts of one shard.
        ngram: n-grams of characters, or of words.
        size: characters or words in one n-gram. A shorter text is one n-gram.
        permutations: minima in a signature.
        seed: chooses the hash functions, 0 or more.

    Returns:
        Column `signature` (2 bytes per permutation), null for a null text.
    """
    data, offsets = matching.utf8(folding.normalised(texts))
    signatures = sketches.signatures(
        data, offsets, words=ngram == "word", size=size, permutations=permutations, seed=seed
    )
    column = matching.to_fixed_binary(signatures.view(np.uint8), texts.is_valid().to_numpy(zero_copy_only=False))
    # The match must cut the same n-grams, so the sketch says which.
    return pa.table({"signature": column}).replace_schema_metadata({"ngram": ngram, "size": str(size)})


def _refuse_bands(*, permutations: int = 128, bands: int | None = None, **_: object) -> None:
    if bands is not None and bands > permutations:
        raise UserError(f"bands = {bands} of {permutations} permutations", do=f"Give 1 to {permutations}.")


@matcher(version=2, sketch=sketch, finds=("near_duplicate",), check=_refuse_bands)
def minhash(
    shards: Sequence[pa.Table],
    alive: Sequence[matching.Mask],
    texts: Sequence[pa.StringArray],
    start: matching.Start = matching.NOTHING,
    scores: Sequence[Scores] | None = None,
    *,
    threshold: Annotated[float, between(0, 1, low_too=False)] = 0.8,
    bands: Annotated[int, at_least(1)] | None = None,
    best: str | None = None,
) -> pa.Table:
    """Drops a text whose n-grams are nearly those of an earlier, kept text.

    Rows are taken in order. Each is compared with the kept rows that share a bucket with it, and is dropped for the
    most similar one that reaches the threshold (the earliest of equals). Only kept rows enter buckets, so a thousand
    copies of a text cost a thousand comparisons.

    Rows that share buckets without being alike enough (forms, templates) could still cost the square of their number.
    So a bucket remembers its first BUCKET_ROWS kept rows, and only the CANDIDATES whose signatures agree best are
    compared (both in neighbours.py). What that leaves out may be a near-duplicate missed, never one wrongly dropped:
    the result's metadata counts the rows concerned (matching.in_part), none in most data.

    With `best` the rows are taken by a score, the highest first, so that the best of a cluster stays. Then an appended row
    can take the place of a kept one, and no verdict is known before the match.

    Args:
        shards: sketches, in order; read one by one.
        alive: per shard, which rows take part.
        texts: per shard its texts, read when they are asked for: those of candidates alone are compared.
        start: the verdicts on the first shards, where they are known: only the others are looked at; and how much memory
            texts and signatures may take.
        scores: per shard the scores of the filter that `best` names; null ones come last.
        threshold: the Jaccard similarity from which two texts are the same.
        bands: of permutations // bands minima each. None: the fewest that find at least RECALL of the pairs exactly at
            the threshold (21 bands of 6 for 0.8 with 128 permutations: 0.998).
        best: the name of a filter before it in `do` that gives numbers, or "length" without one (characters); with a minus
            sign before it the lowest is best ("-perplexity"). Of equals the earliest. None: the earliest of all.

    Returns:
        One line per row to drop, in (shard, row) order: shard, row, of_shard, of_row, score (the true Jaccard).
    """
    if not shards:
        return matching.SCHEMA.empty_table()
    alive = start.without(alive)
    positions, bands, members, buckets = _bucketed(shards, alive, start, threshold, bands)
    fresh = int(np.searchsorted(members, start.fresh(positions)))
    room = start.room(_taken(shards, positions, len(members), bands), sum(map(len, positions)))
    signatures = _signatures(shards, positions, members)
    worth, groups = neighbours.worth_comparing(buckets, signatures, threshold, fresh)
    facts = shards[0].schema.metadata
    taken = None if scores is None else _living(scores, positions)[members]
    if best is not None and taken is None and best.removeprefix("-") != matching.LENGTH:
        raise ValueError(f"no scores of {best}")
    how = {"words": facts[b"ngram"] == b"word", "size": int(facts[b"size"])}
    of, similarity, in_part = (
        np.full(len(members), -1, np.int64),
        np.zeros(len(members)),
        np.zeros(len(members), np.bool_),
    )
    with matching.Gathered(texts, positions, members[worth]) as gathered:
        place = np.cumsum(worth) - 1  # in what is gathered
        sizes = np.where(worth, 2 * signatures.shape[1], 0)
        sizes[worth] += np.diff(gathered.offsets)
        for batch_rows in _batches(groups, sizes, room):
            batch, inner = batch_rows, worth[batch_rows]
            number = np.where(inner, np.cumsum(inner) - 1, -1).astype(np.int32)
            data, offsets = gathered.take(place[batch[inner]])
            signed = signatures[batch[inner]]
            if best is not None:
                order = _best_first(_lengths(data, offsets)[number] if taken is None else taken[batch], best)
                batch, number = batch[order], number[order]
            rows = neighbours.Rows(buckets[batch], number, data, offsets, signed)
            found = neighbours.walk(rows, threshold, **how, fresh=int(np.searchsorted(batch, fresh)))
            out = found.of >= 0
            of[batch[out]] = batch[found.of[out]]
            similarity[batch], in_part[batch] = found.similarity, found.in_part
    dropped = np.flatnonzero(of >= 0)
    verdicts = matching.drops(positions, members[dropped], members[of[dropped]], similarity[dropped])
    return matching.with_in_part(verdicts, matching.per_shard(positions, members[in_part]))


def _bucketed(
    shards: Sequence[pa.Table],
    alive: Sequence[matching.Mask],
    start: matching.Start,
    threshold: float,
    bands: int | None,
) -> tuple[list[matching.Positions], int, npt.NDArray[np.int64], lsh.Buckets]:
    """Per shard the rows that take part; how many bands; the rows that share a bucket with another, and their buckets."""
    positions = []
    with contextlib.ExitStack() as stack:
        banded = None
        for shard, mask in zip(shards, alive, strict=True):  # one sketch in memory at a time
            (rows,) = matching.living([shard], [mask], "signature")
            found = matching.fixed_bytes(shard["signature"]).view(np.uint16)
            bands = bands or found.shape[1] // lsh.rows_per_band(threshold, found.shape[1], RECALL)
            banded = banded or stack.enter_context(lsh.Banded(bands))
            banded.add(found[rows])
            positions.append(rows)
        members, buckets = lsh.shared_buckets(banded or [], start.fresh(positions))
    return positions, bands or 0, members, buckets


def _taken(shards: Sequence[pa.Table], positions: Sequence[matching.Positions], members: int, bands: int) -> int:
    """Bytes that the match holds all along.

    Of every row its key of a band, with its order; of those that share one, their signature, and in every band a bucket,
    the next row in it, and both again while they are gathered.
    """
    signature: int = shards[0].schema.field("signature").type.byte_width
    return 48 * sum(map(len, positions)) + members * (96 + signature * 5 // 4 + 24 * bands)


def _signatures(
    shards: Sequence[pa.Table], positions: Sequence[matching.Positions], members: matching.Positions
) -> npt.NDArray[np.uint16]:
    """The signatures of some of the rows that take part: (members, permutations)."""
    starts = np.cumsum([0, *(len(rows) for rows in positions)])
    cuts = np.searchsorted(members, starts)
    signatures = np.empty((0, 1), np.uint16)
    for shard, rows, begins, first, last in zip(shards, positions, starts, cuts, cuts[1:], strict=False):
        found = matching.fixed_bytes(shard["signature"]).view(np.uint16)
        if not signatures.size:
            signatures = np.empty((len(members), found.shape[1]), np.uint16)
        signatures[first:last] = found[rows[members[first:last] - begins]]
    return signatures


def _batches(
    groups: npt.NDArray[np.int32], sizes: npt.NDArray[np.int64], memory: int
) -> Iterator[npt.NDArray[np.int64]]:
    """Rows that are walked together, in order: whole groups, as many as memory holds, or one that is larger.

    Args:
        groups: the first row of each row's group; a row that is a group by itself is left out.
        sizes: bytes of each row.
        memory: bytes.
    """
    first, inverse, counts = np.unique(groups, return_inverse=True, return_counts=True)
    of_group = np.bincount(inverse, weights=sizes, minlength=len(first))
    of_group[counts == 1] = 0
    number = np.zeros(len(first), np.int64)
    held, batch = 0.0, 0
    for group in np.flatnonzero(counts > 1):
        if held and held + of_group[group] > memory:
            held, batch = 0.0, batch + 1
        held += of_group[group]
        number[group] = batch
    of_row = np.where(counts[inverse] > 1, number[inverse], -1)
    yield from (np.flatnonzero(of_row == each) for each in range(batch + 1) if (of_row == each).any())


def _best_first(scores: Scores, best: str) -> npt.NDArray[np.intp]:
    """The order in which rows are taken: the best first, the earliest of equals before others, what is no number last."""
    return np.argsort(scores if best.startswith("-") else -scores, kind="stable")


def _lengths(data: npt.NDArray[np.uint8], offsets: matching.Positions) -> Scores:
    """Characters of each text in UTF-8; one more, 0, for the rows that are compared with none and have the number -1."""
    before = np.concatenate([[0], np.cumsum((data & 0xC0) != 0x80, dtype=np.int64)])  # noqa: PLR2004 - a later byte of a character
    return np.append(np.diff(before[offsets]), 0).astype(np.float64)


def _living(scores: Sequence[Scores], positions: Sequence[matching.Positions]) -> Scores:
    """The scores of the rows that take part."""
    return np.concatenate([scores[shard][rows] for shard, rows in enumerate(positions)])
