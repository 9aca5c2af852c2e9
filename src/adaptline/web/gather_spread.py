"""Reads from a store how long texts are and which languages they are in, before a curate step and after it.

Knows manifests of curate steps. Reads a sample, the same one for the same artifact: a few shards spread over the whole, and
rows spread over each. Languages are told by the bundled model, whatever filters the recipe has.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from adaptline.core.rows import Ref, texts
from adaptline.core.store import Store
from adaptline.data.languages import label, spoken
from adaptline.web import view_rows

MOST_ROWS = 2000  # a share of 10 % is then known to 1.3 points, 95 times of 100
_MOST_SHARDS = 16
_BINS = 30
_UNTOLD = "untold"
_BEGINNING = 200  # characters of a text that its language is told by: on news sentences more give the same labels


def spread(store: Store, manifest: dict[str, Any], fates: Sequence[npt.NDArray[np.int16]]) -> view_rows.Spread | None:
    """Lengths and languages of the rows that came in and of those that are left; None where no row came in.

    Args:
        store: where the artifact is.
        manifest: of a curate step.
        fates: per shard and row the number of the rule that dropped it, see data/opinions.py.
    """
    kept = len(manifest["detail"]["methods"])
    came = sum(int((fate >= 0).sum()) for fate in fates)
    having = [i for i, fate in enumerate(fates) if (fate >= 0).any()]
    chosen = [having[at] for at in evenly(len(having), _MOST_SHARDS)]
    if not chosen:
        return None
    among = sum(int((fates[i] >= 0).sum()) for i in chosen)
    before, after = [], []
    for i in chosen:
        rows = np.flatnonzero(fates[i] >= 0)
        rows = rows[evenly(len(rows), max(1, len(rows) * MOST_ROWS // max(among, MOST_ROWS)))]
        before.append(_texts(store, first_text(manifest, i), rows))
        after.append(_texts(store, manifest["shards"][i]["text"], rows[fates[i][rows] == kept]))
    came_in, left = pa.concat_arrays(before), pa.concat_arrays(after)
    edges, (was, rest) = _lengths([came_in, left])
    return view_rows.Spread(len(came_in), came, edges, was, rest, _languages(came_in, left))


def evenly(size: int, most: int) -> npt.NDArray[np.int64]:
    """At most `most` of `size` positions, evenly spread, the first one among them."""
    return np.unique(np.arange(min(size, most), dtype=np.int64) * size // max(1, min(size, most)))


def first_text(manifest: dict[str, Any], shard: int) -> list[Any]:
    """A shard's text as it came into the step: the first transform remembers it."""
    before = (method["texts"][shard] for method in manifest["detail"]["methods"] if "texts" in method)
    found: list[Any] = next(before, manifest["shards"][shard]["text"])
    return found


def _texts(store: Store, triple: list[Any], rows: npt.NDArray[np.int64]) -> pa.Array:
    return texts(store.read(Ref(*triple), ["messages"]).take(pa.array(rows))).cast(pa.string())


def _lengths(of: Sequence[pa.Array]) -> tuple[tuple[float, ...], list[tuple[int, ...]]]:
    """Edges in characters, and per set of texts the rows between them. Lengths are drawn as logarithms; an empty text counts as 1."""
    sizes = [
        np.maximum(1, pc.fill_null(pc.utf8_length(texts), 0).to_numpy(zero_copy_only=False).astype(np.int64))
        for texts in of
    ]
    low, high = int(min(one.min(initial=1 << 62) for one in sizes)), int(max(one.max(initial=1) for one in sizes))
    edges = np.unique(np.rint(np.geomspace(low, max(high, low) + 1, _BINS + 1)))
    return tuple(map(float, edges)), [tuple(map(int, np.histogram(one, edges)[0])) for one in sizes]


def _languages(before: pa.Array, after: pa.Array) -> tuple[view_rows.LanguageShare, ...]:
    language = cache(lambda text: label(spoken(text)))  # most texts are there before and after
    told = [Counter(language(text) or _UNTOLD for text in _beginnings(texts)) for texts in (before, after)]
    names = sorted(told[0] | told[1], key=lambda name: (name == _UNTOLD, -told[0][name], name))
    return tuple(
        view_rows.LanguageShare(name, told[0][name] / max(1, len(before)), told[1][name] / max(1, len(after)))
        for name in names
    )


def _beginnings(texts: pa.Array) -> list[str]:
    found: list[str] = pc.fill_null(pc.utf8_slice_codeunits(texts, 0, _BEGINNING), "").to_pylist()
    return found
