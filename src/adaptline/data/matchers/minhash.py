"""Texts that are nearly the same: candidates by MinHash and bands, each verified by its true Jaccard similarity.

Knows n-grams, signatures and buckets. Knows nothing of meaning: a paraphrase shares few n-grams with its original.

    text -> n-grams -> signature (128 minima)        sketch: per shard, stored
    signature -> bands of r minima -> buckets        match: rows sharing a bucket are candidates
    candidate pair -> n-gram sets -> true Jaccard    match: decides

A pair of Jaccard similarity s shares at least one of b bands of r minima with probability 1 - (1 - s^r)^b (Leskovec,
Rajaraman, Ullman: Mining of Massive Datasets, 3.4). So the threshold decides how many bands are worth having, what
falls out of the bands is missed, and what the bands bring up by chance costs time but is never dropped wrongly.
"""

from __future__ import annotations

import math
from collections.abc import Sequence  # noqa: TC003 - signatures are evaluated
from itertools import chain
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from rensa import RMinHash

from adaptline.core.registry import matcher
from adaptline.data import matching, text
from adaptline.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Iterator

RECALL = 0.995  # of pairs exactly at the threshold, where `bands` is left to us; above the threshold it is higher
BUCKET_ROWS = 64  # kept rows that one bucket remembers
CANDIDATES = 64  # kept rows that one row is compared with
FEW = 4  # so many are verified at once; of more, first those whose signatures agree enough
DEVIATIONS = (
    4.0  # "enough": fewer equal minima than this below the threshold's mean has a chance of 3e-5 at the threshold
)

_RENSA_ALGORITHM = 2  # signatures of another algorithm are not comparable with stored ones
_BATCH = 256  # texts at a time: their n-grams stay in the processor's cache, 3 times as fast as all at once
_CACHED_GRAMS = 1_000_000  # about 120 MB of n-gram sets held for verification
_MIX = np.uint64(0x9E3779B97F4A7C15)  # 2^64 over the golden ratio (Knuth, The Art of Computer Programming, 6.4)

Bands = npt.NDArray[np.uint64]
Buckets = npt.NDArray[np.int32]
Signatures = npt.NDArray[np.uint16]


def sketch(
    texts: pa.StringArray, *, ngram: text.Gram = "char", size: int = 5, permutations: int = 128, seed: int = 42
) -> pa.Table:
    """The folded text and its MinHash signature, the low 16 bits of each minimum (Li and Koenig, 2010).

    16 bits halve what is stored and change no verdict: candidates are verified. The text is there for that; it takes
    an eighth of what its n-grams' hashes would.

    Args:
        texts: the texts of one shard.
        ngram: n-grams of characters, or of words.
        size: characters or words in one n-gram.
        permutations: minima in a signature.
        seed: chooses the hash functions.

    Returns:
        Columns `text` and `signature` (2 bytes per permutation), both null for a null text.

    Raises:
        UserError: size or permutations is below 1, or rensa computes other signatures than stored ones.
    """
    _check(size, permutations)
    folded = [None if given is None else text.fold(given) for given in texts.to_pylist()]
    signatures = np.empty((len(folded), permutations), np.uint16)
    for start in range(0, len(folded), _BATCH):
        tokens = [text.grams(given or "", ngram, size) for given in folded[start : start + _BATCH]]
        minima = RMinHash.digest_matrix_from_token_sets(tokens, permutations, seed).to_rows()
        signatures[start : start + _BATCH] = np.array(minima, np.uint32) & np.uint32(0xFFFF)
    column = matching.to_fixed_binary(signatures.view(np.uint8), np.array([given is not None for given in folded]))
    # The match must cut the same n-grams, so the sketch says which.
    facts = {"ngram": ngram, "size": str(size), "rensa_algorithm": str(RMinHash.ALGORITHM_VERSION)}
    return pa.table({"text": pa.array(folded, pa.string()), "signature": column}).replace_schema_metadata(facts)


@matcher(version=1, sketch=sketch, finds=("near_duplicate",))
def minhash(
    shards: Sequence[pa.Table], alive: Sequence[matching.Mask], *, threshold: float = 0.8, bands: int | None = None
) -> pa.Table:
    """Drops a text whose n-grams are nearly those of an earlier, kept text.

    Rows are taken in order. Each is compared with the kept rows that share a bucket with it, and is dropped for the
    most similar one that reaches the threshold (the earliest of equals). Only kept rows enter buckets, so a thousand
    copies of a text cost a thousand comparisons.

    Rows that share buckets without being alike (forms, templates) could still cost the square of their number. So a
    bucket remembers its first BUCKET_ROWS kept rows and a row is compared with the CANDIDATES kept rows that share
    most buckets with it. Where that left anything out, a near-duplicate may have been missed: the result's metadata
    counts such rows as `rows_compared_in_part`, 0 for most data.

    Args:
        shards: sketches, in order.
        alive: per shard, which rows take part.
        threshold: the Jaccard similarity, above 0 and up to 1, from which two texts are the same.
        bands: of permutations // bands minima each. None: the fewest that find at least RECALL of the pairs exactly at
            the threshold (21 bands of 6 for 0.8 with 128 permutations: 0.998).

    Returns:
        One line per row to drop, in (shard, row) order: shard, row, of_shard, of_row, score (the true Jaccard).

    Raises:
        UserError: the threshold or the bands are out of range.
    """
    if not 0 < threshold <= 1:
        raise UserError(
            f"threshold = {threshold} is no Jaccard similarity", do="Give more than 0 and at most 1; 0.8 is usual."
        )
    if not shards:
        return matching.SCHEMA.empty_table()
    permutations = shards[0]["signature"].type.byte_width // 2
    rows_per_band = _rows_per_band(threshold, permutations) if bands is None else permutations // max(bands, 1)
    if bands is not None and not 1 <= bands <= permutations:
        raise UserError(f"bands = {bands} with {permutations} permutations", do=f"Give 1 to {permutations}.")
    positions = matching.living(shards, alive, "signature")
    members, buckets = _shared_buckets(_band_keys(shards, positions, rows_per_band))
    facts = shards[0].schema.metadata
    index = _Kept(
        threshold, _GramSets(facts[b"ngram"].decode(), int(facts[b"size"])), _signatures(shards, positions, members)
    )
    dropped, of, scores = _greedy(index, _texts(shards, positions, members), buckets)
    found = matching.drops(positions, members[dropped], members[of], scores)
    return found.replace_schema_metadata({"rows_compared_in_part": str(index.in_part)})


def find_chance(similarity: float, bands: int, rows_per_band: int) -> float:
    """The probability that two texts of a Jaccard similarity share a bucket."""
    return 1.0 - (1.0 - similarity**rows_per_band) ** bands


def _rows_per_band(threshold: float, permutations: int) -> int:
    """The most minima per band, so the fewest chance candidates, with which RECALL holds at the threshold."""
    wide = range(permutations, 1, -1)
    return next((rows for rows in wide if find_chance(threshold, permutations // rows, rows) >= RECALL), 1)


def _check(size: int, permutations: int) -> None:
    if size < 1 or permutations < 1:
        raise UserError(f"size = {size}, permutations = {permutations}", do="Both must be at least 1.")
    if RMinHash.ALGORITHM_VERSION != _RENSA_ALGORITHM:
        raise UserError(
            f"this rensa computes signatures of algorithm {RMinHash.ALGORITHM_VERSION}, not {_RENSA_ALGORITHM}",
            do="pip install 'rensa>=0.5,<0.6'",
        )


def _band_keys(shards: Sequence[pa.Table], positions: Sequence[matching.Positions], rows_per_band: int) -> Bands:
    """One 64-bit key per band and row: (bands, rows). Equal minima give equal keys."""
    parts = []
    for shard, rows in zip(shards, positions, strict=True):
        minima = matching.fixed_bytes(shard["signature"]).view(np.uint16)[rows]
        bands = minima.shape[1] // rows_per_band
        keys = np.zeros((bands, len(rows)), np.uint64)
        for band in range(bands):
            for value in minima[:, band * rows_per_band : (band + 1) * rows_per_band].T:
                keys[band] = (keys[band] ^ value) * _MIX
                keys[band] ^= keys[band] >> np.uint64(32)
        parts.append(keys)
    return np.concatenate(parts, axis=1)


def _shared_buckets(keys: Bands) -> tuple[matching.Positions, Buckets]:
    """The rows that share a bucket with any other, in order, and the numbers of their buckets: (rows, bands), -1 for one not shared."""
    numbers = np.full(keys.shape, -1, np.int32)
    seen = 0
    for band, found in zip(keys, numbers, strict=True):
        order = np.argsort(band, kind="stable")
        ordered = band[order]
        same = ordered[1:] == ordered[:-1]
        shared = np.zeros(len(order), np.bool_)
        shared[1:] |= same
        shared[:-1] |= same
        begins = shared.copy()
        begins[1:] &= ~same
        found[order[shared]] = np.cumsum(begins[shared]) - 1 + seen
        seen += int(begins.sum())
    members = np.flatnonzero((numbers >= 0).any(axis=0))
    return members, np.ascontiguousarray(numbers[:, members].T)


def _signatures(
    shards: Sequence[pa.Table], positions: Sequence[matching.Positions], members: matching.Positions
) -> Signatures:
    """The signatures of members: (members, permutations)."""
    parts = [
        matching.fixed_bytes(shard["signature"]).view(np.uint16)[rows]
        for shard, rows in _by_shard(shards, positions, members)
    ]
    return np.concatenate(parts)


def _texts(
    shards: Sequence[pa.Table], positions: Sequence[matching.Positions], members: matching.Positions
) -> Iterator[str]:
    """The texts of members."""
    for shard, rows in _by_shard(shards, positions, members):
        yield from shard["text"].take(pa.array(rows)).to_pylist()


def _by_shard(
    shards: Sequence[pa.Table], positions: Sequence[matching.Positions], members: matching.Positions
) -> Iterator[tuple[pa.Table, matching.Positions]]:
    """Each shard with its rows among members, which count through the positions of all shards."""
    first = 0
    for shard, rows in zip(shards, positions, strict=True):
        here = slice(*np.searchsorted(members, [first, first + len(rows)]))
        yield shard, rows[members[here] - first]
        first += len(rows)


class _GramSets:
    """n-gram sets of texts; the latest are held, up to _CACHED_GRAMS n-grams in total."""

    def __init__(self, ngram: Any, size: int) -> None:
        self.ngram, self.size = ngram, size
        self.held: dict[str, frozenset[str]] = {}
        self.total = 0

    def of(self, given: str) -> frozenset[str]:
        """The set of a text's n-grams."""
        found = self.held.get(given)
        if found is None:
            found = self.held[given] = frozenset(text.grams(given, self.ngram, self.size))
            self.total += len(found)
            while self.total > _CACHED_GRAMS and len(self.held) > 1:
                self.total -= len(self.held.pop(next(iter(self.held))))
        return found


def _greedy(
    index: _Kept, texts: Iterator[str], buckets: Buckets
) -> tuple[matching.Positions, matching.Positions, npt.NDArray[np.float64]]:
    """Walks the rows in order; see `minhash`. Returns the dropped rows, what each is dropped for, and the scores."""
    drops: list[tuple[int, int, float]] = []
    for row, given in enumerate(texts):
        mine = [bucket for bucket in buckets[row].tolist() if bucket >= 0]
        best = index.nearest(row, given, mine)
        if best is None:
            index.add(row, given, mine)
        else:
            drops.append((row, *best))
    dropped, of, scores = zip(*drops, strict=True) if drops else ((), (), ())
    return np.array(dropped, np.int64), np.array(of, np.int64), np.array(scores, np.float64)


class _Kept:
    """The kept rows by bucket and by text, and how many rows were compared with fewer of them than share a bucket."""

    def __init__(self, threshold: float, sets: _GramSets, signatures: Signatures) -> None:
        self.threshold, self.sets, self.signatures = threshold, sets, signatures
        permutations = signatures.shape[1]
        spread = math.sqrt(permutations * threshold * (1 - threshold))
        self.least_equal = math.floor(permutations * threshold - DEVIATIONS * spread)
        self.buckets: dict[int, list[int]] = {}
        self.full: set[int] = set()  # buckets that had to refuse a row
        self.texts: dict[int, str] = {}
        self.rows: dict[str, int] = {}
        self.in_part = 0

    def add(self, row: int, given: str, mine: Sequence[int]) -> None:
        """Takes in a kept row."""
        self.texts[row], self.rows[given] = given, row
        for bucket in mine:
            rows = self.buckets.setdefault(bucket, [])
            if len(rows) < BUCKET_ROWS:
                rows.append(row)
            else:
                self.full.add(bucket)

    def nearest(self, row: int, given: str, mine: Sequence[int]) -> tuple[int, float] | None:
        """The most similar kept row and its similarity, the earliest of equals; None where none reaches the threshold."""
        if (twin := self.rows.get(given)) is not None:
            return twin, 1.0
        best = None
        for other in self.candidates(row, mine):
            similarity = text.jaccard(self.sets.of(given), self.sets.of(self.texts[other]))
            if similarity >= self.threshold and (best is None or similarity > best[1]):
                best = (other, similarity)
        return best

    def candidates(self, row: int, mine: Sequence[int]) -> Sequence[int]:
        """The kept rows to compare with, in row order."""
        found = sorted(set(chain.from_iterable(self.buckets.get(bucket, ()) for bucket in mine)))
        cut = bool(self.full) and not self.full.isdisjoint(mine)
        if len(found) > FEW:
            rows = np.array(found)
            equal = np.count_nonzero(self.signatures[rows] == self.signatures[row], axis=1)
            chosen = np.flatnonzero(equal >= self.least_equal)
            if len(chosen) > CANDIDATES:
                chosen = np.sort(chosen[np.argsort(-equal[chosen], kind="stable")[:CANDIDATES]])
                cut = True
            found = rows[chosen].tolist()
        self.in_part += cut
        return found
