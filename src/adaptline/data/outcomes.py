"""What a step did with its rows, in a line per method: how many it dropped and why, changed, made or refused.

Knows what steps keep beside their rows. Knows nothing of where the lines are shown.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from adaptline.core import moves
from adaptline.core.rows import Ref
from adaptline.core.store import Store

_REASONS = 5  # shown of a method; the others are counted together


def lines(store: Store, manifest: dict[str, Any]) -> Iterator[str]:
    """A line for each method of an artifact of rows that did something, each followed by what it tells besides."""
    for number, (rule, method) in enumerate(
        zip(moves.rules(manifest), manifest["detail"].get("methods", []), strict=True)
    ):
        did = [_dropped(store, manifest, number)] if method["dropped"] else []
        did += [f"changed {method['changed']:,}"] if method["changed"] else []
        did += [f"could not judge {method['unjudged']:,}"] if method["unjudged"] else []
        if did:
            yield f"{rule} {', '.join(did)}"
        yield from (f"{rule}: {told}" for told in method.get("told", []))
    for made in manifest["detail"].get("augmenters", []):
        by = f": {_counts(made['refused'])}" if made["refused"] else ""
        yield f"{made['name']} made {made['made']:,} of {made['asked']:,}{by}"


def _dropped(store: Store, manifest: dict[str, Any], number: int) -> str:
    """How many rows the method of a number dropped, with its labels of them or the bounds that they cross."""
    method = manifest["detail"]["methods"][number]
    why: Counter[str] = Counter()
    for verdict, scores in zip(manifest["detail"]["verdicts"], method.get("scores", []), strict=False):
        gone = pc.fill_null(pc.equal(store.read(Ref(*verdict))["dropped_by"], number), fill_value=False)
        why.update(_reasons(store.read(Ref(*scores), ["score"])["score"].filter(gone), method["settings"]))
    return f"dropped {method['dropped']:,}" + (f" ({_counts(why)})" if why else "")


def _reasons(scores: pa.ChunkedArray, bounds: Mapping[str, Any]) -> Counter[str]:
    found: Counter[str] = Counter()
    if pa.types.is_string(scores.type):
        found.update({entry["values"] or "no label": entry["counts"] for entry in scores.value_counts().to_pylist()})
        return found
    for name, crosses, word in (("min", pc.less, "below"), ("max", pc.greater, "above")):
        if name in bounds:
            found[f"{word} {bounds[name]:g}:"] = pc.sum(crosses(scores, bounds[name])).as_py() or 0
    found["no score"] = int(pc.sum(pc.is_null(scores, nan_is_null=True)).as_py() or 0)
    return +found


def _counts(counts: Mapping[str, int]) -> str:
    """Reasons with their numbers, most first."""
    most = Counter(counts).most_common()
    shown = [f"{reason} {count:,}" for reason, count in most[:_REASONS]]
    rest = sum(count for _, count in most[_REASONS:])
    return ", ".join([*shown, *([f"others {rest:,}"] if rest else [])])
