"""Texts that mean the same: the cosine of their embeddings by a sentence encoder; every pair that counts is compared.

Knows vectors and the order of rows. Knows nothing of words: texts that share none can mean the same, and a text that denies
another is often near it. Lies here and not beside the other matchers because they may know no models.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Literal

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from adaptline.core.demands import at_least, between
from adaptline.core.registry import matcher
from adaptline.core.sources import Folder
from adaptline.data import matching
from adaptline.errors import UserError
from adaptline.models import bases, runtime

Vectors = npt.NDArray[np.float32]

_BLOCK = 1024  # rows that are compared together
_CHUNK = 4096  # kept rows that they are compared with at once
_NEAR = 1e-5  # many times the rounding of float32: what is so near to the threshold or the best is computed anew
_DIGITS = 9  # of a cosine of float64, which then is the same on every machine
_PER_SECOND = 5e10  # multiplications and additions of one thread, as measured on an AMD EPYC; for an estimate in words


def _check(*, base: Folder, max_tokens: int | None = None, **_: object) -> None:
    bases.refuse_no_encoder(base, max_tokens)


def sketch(
    texts: pa.StringArray,
    *,
    base: Folder,
    pooling: Literal["mean", "cls"] = "mean",
    max_tokens: Annotated[int, at_least(3)] | None = None,
) -> pa.Table:
    """The embedding of each text, in float16, of length 1.

    Args:
        texts: the texts of one shard.
        base: a folder with an encoder in safetensors and its tokenizer, package:NAME or hub:ORG/NAME.
        pooling: what of the encoder's states is a text's vector: their mean, or the first token's. It must be the one that
            the encoder was trained with.
        max_tokens: of a text, what follows is cut off; as many as the encoder takes, if not given.

    Returns:
        Columns `embedding` (2 bytes per number), null for a text that is null or blank, and `cut`.
    """
    given = texts.to_pylist()
    rows = [row for row, text in enumerate(given) if text and text.strip()]
    from adaptline.models import embedding  # noqa: PLC0415 - a recipe is planned with this module

    with runtime.deterministic(runtime.thread_count()):
        encoder = embedding.loaded(base, max_tokens)
        vectors, cut = encoder.embed([given[row] for row in rows], pooling)
    whole = np.zeros((len(given), encoder.size), np.float16)
    whole[rows] = vectors
    valid, is_cut = np.zeros(len(given), np.bool_), np.zeros(len(given), np.bool_)
    valid[rows], is_cut[rows] = True, cut
    return pa.table({"embedding": matching.to_fixed_binary(whole.view(np.uint8), valid), "cut": is_cut})


@matcher(version=1, sketch=sketch, finds=("paraphrase",), check=_check)
def semantic(
    shards: Sequence[pa.Table],
    alive: Sequence[matching.Mask],
    texts: Sequence[pa.StringArray],  # noqa: ARG001 - read by nobody; start comes after it
    start: matching.Start = matching.NOTHING,
    *,
    threshold: Annotated[float, between(0, 1, low_too=False)] = 0.95,
    max_rows: Annotated[int, at_least(1)] = 100_000,
) -> pa.Table:
    """Drops a text whose meaning is nearly that of an earlier, kept text, by a sentence encoder.

    Rows are taken in order. Each is compared with every kept row before it, and is dropped for the one with the highest
    cosine that reaches the threshold (the earliest of equals). The search is exact, so its time grows with the square of the
    rows: exact and near duplicates are better taken out first. Memory holds the vectors of the kept rows, 4 bytes a number.

    What the threshold means depends on the encoder. By all-MiniLM-L6-v2, 0.95 finds 74 % of 5,000 sentences of Wikipedia that
    were rewritten as two, beside 12 pairs of others; of 10,003 banking queries it drops 1,567, of which 98.1 % have the intent
    of the query that they are dropped for. 0.9 finds 88 %, beside 14; and drops 3,661, of which 96.3 % do.

    Args:
        shards: sketches, in order; read one by one.
        alive: per shard, which rows take part.
        texts: not looked at: the sketches say all.
        start: the verdicts on the first shards, where they are known: only the others are looked at.
        threshold: the cosine from which two texts are the same.
        max_rows: more are refused, with an estimate of what they would take.

    Returns:
        One line per row to drop, in (shard, row) order: shard, row, of_shard, of_row, score (the cosine). The metadata counts
        the rows whose end was cut off as compared in part (matching.in_part).

    Raises:
        UserError: more rows than max_rows, or than there is memory for.
    """
    total = sum(int(np.count_nonzero(mask)) for mask in alive)
    if not shards:
        return matching.SCHEMA.empty_table()
    if total > max_rows:
        size = shards[0].schema.field("embedding").type.byte_width // 2
        minutes, gigabytes = total * total / 2 * size * 2 / _PER_SECOND / 60, total * size * 4 / 1e9
        raise UserError(
            f"{total:,} rows to compare by meaning, each with all before it, and max_rows is {max_rows:,}",
            do=f"Let cheaper methods go first, or raise max_rows: about {minutes:,.0f} minutes and {gigabytes:.1f} GB.",
        )
    # Read in half precision, put together, and again in single.
    start.room(total * shards[0].schema.field("embedding").type.byte_width * 4, total)
    positions: list[matching.Positions] = []
    parts, in_part = [], []
    for shard, mask in zip(shards, start.without(alive), strict=True):
        (rows,) = matching.living([shard], [mask], "embedding")
        positions.append(rows)
        parts.append(matching.fixed_bytes(shard["embedding"]).view(np.float16)[rows])
        fresh = len(positions) > start.shards
        in_part.append(int(shard["cut"].to_numpy()[rows].sum()) if fresh else 0)
    with runtime.deterministic(runtime.thread_count()):
        of, cosines = _walk(np.concatenate(parts), threshold, start.fresh(positions))
    dropped = np.flatnonzero(of >= 0)
    return matching.with_in_part(matching.drops(positions, dropped, of[dropped], cosines[dropped]), in_part)


def _walk(
    vectors: npt.NDArray[np.float16], threshold: float, fresh: int
) -> tuple[matching.Positions, npt.NDArray[np.float64]]:
    """For each row the kept row that it is dropped for, -1 where it is kept, and their cosine. Rows before `fresh` are kept.

    Blocks are compared in float32, and what decides is computed anew in float64, pair by pair: so no verdict depends on
    what else is in a block, and an append or what is known moves none.
    """
    of, cosines = np.full(len(vectors), -1, np.int64), np.zeros(len(vectors))
    kept = _Kept(vectors.shape[1])
    for start in range(0, fresh, _BLOCK):
        end = min(start + _BLOCK, fresh)
        kept.add(_normalised(vectors[start:end]), np.arange(start, end))
    for start in range(fresh, len(vectors), _BLOCK):
        block = _normalised(vectors[start : start + _BLOCK])
        best, nearest = kept.nearest(block, threshold)
        among = _cosines(block, block)
        stays: list[int] = []  # rows of this block that are kept
        for row in range(len(block)):
            cosine, place = _best(block[row], block[stays], among[row, stays], threshold)
            if cosine > best[row]:
                best[row], nearest[row] = cosine, start + stays[place]
            if best[row] >= threshold:
                of[start + row], cosines[start + row] = nearest[row], best[row]
            else:
                stays.append(row)
        kept.add(block[stays], start + np.array(stays, np.int64))
    return of, cosines


class _Kept:
    """The vectors of kept rows, in chunks, and which rows they are."""

    def __init__(self, size: int) -> None:
        self.size = size
        self.chunks: list[Vectors] = []
        self.rows: list[matching.Positions] = []

    def add(self, vectors: Vectors, rows: matching.Positions) -> None:
        """Adds rows after all others; small pieces are put together until they fill a chunk."""
        if self.chunks and len(self.chunks[-1]) + len(vectors) <= _CHUNK:
            vectors, rows = np.concatenate([self.chunks.pop(), vectors]), np.concatenate([self.rows.pop(), rows])
        self.chunks.append(vectors)
        self.rows.append(rows)

    def nearest(self, block: Vectors, threshold: float) -> tuple[npt.NDArray[np.float64], matching.Positions]:
        """For each vector the highest cosine that may reach the threshold and the row that has it, the earliest of equals."""
        best, nearest = np.full(len(block), -np.inf), np.full(len(block), -1, np.int64)
        for chunk, rows in zip(self.chunks, self.rows, strict=True):
            found = _cosines(block, chunk)
            for row in np.flatnonzero(found.max(1, initial=-np.inf) >= threshold - _NEAR):
                cosine, place = _best(block[row], chunk, found[row], threshold)
                if cosine > best[row]:
                    best[row], nearest[row] = cosine, rows[place]
        return best, nearest


def _best(vector: Vectors, others: Vectors, rough: Vectors, threshold: float) -> tuple[float, int]:
    """The highest cosine of a vector with others, and the first that has it; -inf where none may reach the threshold."""
    highest = rough.max(initial=-np.inf)
    if highest < threshold - _NEAR:
        return -np.inf, -1
    near = np.flatnonzero(rough >= highest - _NEAR)
    exact = (others[near].astype(np.float64) * vector.astype(np.float64)).sum(1).round(_DIGITS)
    place = int(exact.argmax())
    return float(exact[place]), int(near[place])


def _normalised(vectors: npt.NDArray[np.float16]) -> Vectors:
    """Vectors in float32, of length 1 again, which float16's rounding had changed."""
    found = vectors.astype(np.float32)
    lengths = np.sqrt((found.astype(np.float64) ** 2).sum(1, keepdims=True))
    single: Vectors = (found / np.maximum(lengths, 1e-12)).astype(np.float32)
    return single


def _cosines(block: Vectors, chunk: Vectors) -> Vectors:
    """(block, chunk)."""
    import torch  # noqa: PLC0415 - a recipe is planned with this module

    product: Vectors = (torch.from_numpy(block) @ torch.from_numpy(chunk).T).numpy()
    return product
