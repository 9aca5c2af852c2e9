"""Which rows a person looks at: some of what was kept, of what each rule dropped, of what filters disagree on.

Knows verdicts and scores of a curate step. Knows nothing of texts and pages. The same artifact, seed and count give the
same rows in the same order; each row has a random number of its own, so that appended rows move few of the others.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from adaptline.core import moves
from adaptline.core.store import Store
from adaptline.data import opinions
from adaptline.data.opinions import Opinion

KEPT = "kept"
DISAGREED = "filters disagree"
NEAR = "near a bound of "
_NOT_SHOWN = np.int16(-1)  # as rows that were dropped before the step

Places = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Pick:
    """A row to look at, by its shard and its position in it, and what it was picked for."""

    shard: int
    position: int
    stratum: str


def sample(store: Store, manifest: dict[str, Any], count: int, seed: int = 0) -> list[Pick]:
    """At most `count` rows: a third each of kept, dropped and doubtful ones; where one has too few, the others have more.

    Dropped ones are shared out evenly among the rules. Doubtful are rows that some filters would drop and others, which
    also judged them, would not, and rows whose score lies next to a bound. Of rows of one place in a file, of which a verdict
    cannot tell one from another, the first is looked at: the one that was read, not its children by an augment step.

    Args:
        store: where the artifact is.
        manifest: of a curate step.
        count: rows, 0 or more.
        seed: chooses among the rows.

    Returns:
        The rows in a random order, so that their place says nothing of what they were picked for.
    """
    firsts = opinions.first_of_places(store, manifest)
    fates = [
        np.where(first, fate, _NOT_SHOWN) for fate, first in zip(opinions.fates(store, manifest), firsts, strict=True)
    ]
    dropped_by = np.concatenate([np.zeros(0, np.int16), *fates])
    number = _random([shard["text"][1] for shard in manifest["shards"]], [len(fate) for fate in fates], seed)
    strata = _strata(dropped_by, moves.rules(manifest), list(opinions.opinions(store, manifest)), number, count)
    ends = np.cumsum([len(fate) for fate in fates])
    picked = [(int(place), name) for name, places in strata for place in places]
    picked.sort(key=lambda entry: int(number[entry[0]]))
    shards = np.searchsorted(ends, [place for place, _ in picked], side="right")
    starts = ends - [len(fate) for fate in fates]
    return [Pick(int(i), place - int(starts[i]), name) for i, (place, name) in zip(shards, picked, strict=True)]


def shared_out(sizes: Sequence[int], count: int) -> list[int]:
    """How many of each to take, `count` in all or all there are: even, and what one lacks the others have."""
    given = [0] * len(sizes)
    while (left := min(count, sum(sizes)) - sum(given)) > 0:
        room = [i for i, size in enumerate(sizes) if given[i] < size]
        for i in room[:left]:
            given[i] += min(max(1, left // len(room)), sizes[i] - given[i])
    return given


def _strata(
    dropped_by: npt.NDArray[np.int16],
    names: Sequence[str],
    said: Sequence[Opinion],
    number: npt.NDArray[np.uint64],
    count: int,
) -> list[tuple[str, Places]]:
    """The chosen places of every stratum; a place is in one only."""
    doubtful = _doubtful(dropped_by, said, number, count)
    sizes = [int((dropped_by == len(names)).sum()), int(((dropped_by >= 0) & (dropped_by < len(names))).sum())]
    of_doubtful = shared_out([*sizes, sum(len(places) for _, places in doubtful)], count)[2]
    each = shared_out([len(places) for _, places in doubtful], of_doubtful)
    chosen = [(name, places[:take]) for (name, places), take in zip(doubtful, each, strict=True)]
    taken = np.zeros(len(dropped_by), np.bool_)
    for _, places in chosen:
        taken[places] = True
    free = [np.flatnonzero((dropped_by == rule) & ~taken) for rule in range(len(names) + 1)]
    # Doubtful rows were kept or dropped, too: what is left of either may be too few for a third.
    sizes = [len(free[-1]), sum(len(places) for places in free[:-1])]
    of_kept, of_dropped = shared_out(sizes, count - int(taken.sum()))
    each = shared_out([len(places) for places in free[:-1]], of_dropped)
    for name, places, take in zip(names, free[:-1], each, strict=True):
        chosen.append((f"dropped by {name}", _lowest(places, number, take)))
    chosen.append((KEPT, _lowest(free[-1], number, of_kept)))
    return chosen


def _doubtful(
    dropped_by: npt.NDArray[np.int16], said: Sequence[Opinion], number: npt.NDArray[np.uint64], count: int
) -> list[tuple[str, Places]]:
    """Rows of which filters say different things, then those nearest to each bound; each row once, at most `count` a kind."""
    here = dropped_by >= 0
    against, judges = np.zeros(len(here), np.int16), np.zeros(len(here), np.int16)
    for opinion in said:
        against += opinion.out
        judges += opinion.judged
    found = [(DISAGREED, _lowest(np.flatnonzero(here & (against > 0) & (against < judges)), number, count))]
    taken = np.zeros(len(here), np.bool_)
    taken[found[0][1]] = True
    for opinion in said:
        for bound in ("min", "max"):
            if bound in opinion.settings and opinion.scores is not None:
                far = np.abs(opinion.scores - opinion.settings[bound])
                far[~here | taken | ~opinion.judged] = np.inf
                nearest = _nearest(far, number, count)
                taken[nearest] = True
                found.append((f"{NEAR}{opinion.name}", nearest))
    return found


def _nearest(far: npt.NDArray[np.float64], number: npt.NDArray[np.uint64], count: int) -> Places:
    """The places with the least finite distances, the least random number first among equals."""
    count = min(count, int(np.isfinite(far).sum()))
    if not count:
        return np.zeros(0, np.int64)
    among = np.flatnonzero(far <= np.partition(far, count - 1)[count - 1])
    return among[np.lexsort((number[among], far[among]))][:count]


def _lowest(places: Places, number: npt.NDArray[np.uint64], count: int) -> Places:
    """Those of the places with the least random numbers."""
    return places[np.argsort(number[places], kind="stable")][:count]


def _random(digests: Iterable[str], sizes: Iterable[int], seed: int) -> npt.NDArray[np.uint64]:
    """A random number per row, from the seed, its shard's digest and its position: splitmix64 (Steele et al., 2014)."""
    parts = [np.zeros(0, np.uint64)]
    for digest, size in zip(digests, sizes, strict=True):
        start = hashlib.blake2b(f"{seed} {digest}".encode(), digest_size=8).digest()
        z = np.arange(size, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15) + np.frombuffer(start, np.uint64)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        parts.append(z ^ (z >> np.uint64(31)))
    return np.concatenate(parts)
