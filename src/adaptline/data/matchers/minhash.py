"""Texts that are nearly the same: candidates by MinHash and bands, each verified by its true Jaccard similarity.

Knows signatures and the order of rows. Knows nothing of meaning: a paraphrase shares few n-grams with its original.

    text -> n-grams -> signature of 128 minima       sketch: per shard, stored
    signature -> 21 bands -> buckets                 match: rows that share a bucket are candidates
    candidates -> n-gram sets -> true Jaccard        match: decides

The minima are rensa's, after Dahlgaard, Knudsen, Thorup: Fast Similarity Sketching (2017).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Literal, cast

import numpy as np
import pyarrow as pa
from rensa import RMinHash

from adaptline.core.demands import at_least, between
from adaptline.core.registry import matcher
from adaptline.data import bands as lsh
from adaptline.data import matching, text
from adaptline.data.neighbours import GramSets, Kept
from adaptline.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Iterator

RECALL = 0.995  # of pairs exactly at the threshold, where `bands` is left to us; above the threshold it is higher

_RENSA_ALGORITHM = 2  # signatures of another algorithm are not comparable with stored ones
_BATCH = 256  # texts at a time: their n-grams stay in the processor's cache, twice as fast as thousands at once


def sketch(
    texts: pa.StringArray,
    *,
    ngram: Literal["char", "word"] = "char",
    size: Annotated[int, at_least(1)] = 5,
    permutations: Annotated[int, at_least(1)] = 128,
    seed: Annotated[int, at_least(0)] = 42,
) -> pa.Table:
    """The folded text and its MinHash signature, the low 16 bits of each minimum (Li and Koenig, 2010).

    16 bits halve what is stored and change no verdict, because candidates are verified. The text is there for that:
    it takes an eighth of what hashes of its n-grams would, and makes the verification exact.

    Args:
        texts: the texts of one shard.
        ngram: n-grams of characters, or of words.
        size: characters or words in one n-gram. A shorter text is one n-gram.
        permutations: minima in a signature.
        seed: chooses the hash functions, 0 or more.

    Returns:
        Columns `text` and `signature` (2 bytes per permutation), both null for a null text.

    Raises:
        UserError: rensa computes other signatures than this version stores.
    """
    _refuse_other_rensa()
    folded = [None if given is None else text.fold(given) for given in texts.to_pylist()]
    signatures = np.empty((len(folded), permutations), np.uint16)
    for start in range(0, len(folded), _BATCH):
        tokens = [text.grams(given or "", ngram, size) for given in folded[start : start + _BATCH]]
        minima = RMinHash.digest_matrix_from_token_sets(tokens, permutations, seed).to_rows()
        signatures[start : start + _BATCH] = np.array(minima, np.uint32) & np.uint32(0xFFFF)
    valid = np.array([given is not None for given in folded], np.bool_)
    column = matching.to_fixed_binary(signatures.view(np.uint8), valid)
    # The match must cut the same n-grams, so the sketch says which.
    facts = {"ngram": ngram, "size": str(size), "rensa_algorithm": str(RMinHash.ALGORITHM_VERSION)}
    return pa.table({"text": pa.array(folded, pa.string()), "signature": column}).replace_schema_metadata(facts)


def _refuse_bands(*, permutations: int = 128, bands: int | None = None, **_: object) -> None:
    if bands is not None and bands > permutations:
        raise UserError(f"bands = {bands} of {permutations} permutations", do=f"Give 1 to {permutations}.")


@matcher(version=1, sketch=sketch, finds=("near_duplicate",), check=_refuse_bands)
def minhash(
    shards: Sequence[pa.Table],
    alive: Sequence[matching.Mask],
    *,
    threshold: Annotated[float, between(0, 1, low_too=False)] = 0.8,
    bands: Annotated[int, at_least(1)] | None = None,
) -> pa.Table:
    """Drops a text whose n-grams are nearly those of an earlier, kept text.

    Rows are taken in order. Each is compared with the kept rows that share a bucket with it, and is dropped for the
    most similar one that reaches the threshold (the earliest of equals). Only kept rows enter buckets, so a thousand
    copies of a text cost a thousand comparisons.

    Rows that share buckets without being alike enough (forms, templates) could still cost the square of their number.
    So a bucket remembers its first BUCKET_ROWS kept rows, and only the CANDIDATES whose signatures agree best are
    compared (both in neighbours.py). What that leaves out may be a near-duplicate missed, never one wrongly dropped:
    the result's metadata counts the rows concerned as `rows_compared_in_part`, 0 for most data.

    Args:
        shards: sketches, in order.
        alive: per shard, which rows take part.
        threshold: the Jaccard similarity from which two texts are the same.
        bands: of permutations // bands minima each. None: the fewest that find at least RECALL of the pairs exactly at
            the threshold (21 bands of 6 for 0.8 with 128 permutations: 0.998).

    Returns:
        One line per row to drop, in (shard, row) order: shard, row, of_shard, of_row, score (the true Jaccard).
    """
    if not shards:
        return matching.SCHEMA.empty_table()
    permutations = shards[0]["signature"].type.byte_width // 2
    bands = bands or permutations // lsh.rows_per_band(threshold, permutations, RECALL)
    positions = matching.living(shards, alive, "signature")
    members, buckets = lsh.shared_buckets(lsh.band_keys(_signatures(shards, positions), bands))
    facts = shards[0].schema.metadata
    sets = GramSets(cast("text.Gram", facts[b"ngram"].decode()), int(facts[b"size"]))
    taking_part = _by_shard(positions, members)
    kept = Kept(threshold, sets, np.concatenate(list(_signatures(shards, taking_part))))
    found = _walk(kept, _texts(shards, taking_part), buckets)
    dropped, of, scores = zip(*found, strict=True) if found else ((), (), ())
    verdicts = matching.drops(positions, members[list(dropped)], members[list(of)], np.array(scores, np.float64))
    return verdicts.replace_schema_metadata({"rows_compared_in_part": str(kept.in_part)})


def _refuse_other_rensa() -> None:
    if RMinHash.ALGORITHM_VERSION != _RENSA_ALGORITHM:
        found = RMinHash.ALGORITHM_VERSION
        raise UserError(
            f"the installed rensa computes signatures of algorithm {found}, stored ones are of {_RENSA_ALGORITHM}",
            do="pip install 'rensa>=0.5,<0.6'",
        )


def _signatures(shards: Sequence[pa.Table], rows: Sequence[matching.Positions]) -> Iterator[lsh.Signatures]:
    """Per shard, the signatures of some of its rows."""
    for shard, chosen in zip(shards, rows, strict=True):
        yield matching.fixed_bytes(shard["signature"]).view(np.uint16)[chosen]


def _texts(shards: Sequence[pa.Table], rows: Sequence[matching.Positions]) -> Iterator[str]:
    """The texts of some rows of each shard."""
    for shard, chosen in zip(shards, rows, strict=True):
        yield from shard["text"].take(pa.array(chosen)).to_pylist()


def _by_shard(positions: Sequence[matching.Positions], members: matching.Positions) -> list[matching.Positions]:
    """Per shard, its rows among members, which count through the positions of all shards."""
    starts = np.cumsum([0, *(len(rows) for rows in positions)])
    cuts = np.searchsorted(members, starts)
    parts = zip(positions, starts, cuts, cuts[1:], strict=False)
    return [rows[members[first:last] - start] for rows, start, first, last in parts]


def _walk(kept: Kept, texts: Iterator[str], buckets: lsh.Buckets) -> list[tuple[int, int, float]]:
    """Walks the rows in order; each is dropped for the nearest kept row or kept: (dropped, kept row, similarity)."""
    dropped = []
    for row, given in enumerate(texts):
        mine = [bucket for bucket in buckets[row].tolist() if bucket >= 0]
        if (best := kept.nearest(row, given, mine)) is None:
            kept.add(row, given, mine)
        else:
            dropped.append((row, *best))
    return dropped
