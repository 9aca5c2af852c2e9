"""Which of several like rows stays, where a matcher is told to keep the best by a score instead of the earliest.

Knows recipes' uses of matchers. Knows nothing of how rows are matched.
"""

from __future__ import annotations

from collections.abc import Sequence

from adaptline.core import naming, registry
from adaptline.core.artifacts import Use
from adaptline.core.signatures import BadParameterError
from adaptline.data.matching import LENGTH
from adaptline.errors import did_you_mean


def best_of(use: Use) -> str | None:
    """What a matcher takes rows by, without the sign: "length", a filter by its place (naming.places), or None for their order."""
    given = use.parameters.get("best") if use.kind == "matcher" and registry.takes_scores(use.load()) else None
    return None if given is None else str(given).removeprefix("-")


def refuse_strange(use: Use, before: Sequence[Use]) -> None:
    """Raises BadParameterError for a best that is neither "length" nor a filter of numbers among the methods before."""
    best = best_of(use)
    called = dict(zip(naming.places([one.identity for one in before]), naming.names(before), strict=True))
    fits = [one.kind == "filter" and registry.score_kind(one.load()) == "number" for one in before]
    told = {place: name for (place, name), is_fit in zip(called.items(), fits, strict=True) if is_fit}
    if best is not None and best not in (*told, LENGTH):
        given = called.get(best, best)
        raise BadParameterError(
            "best",
            f"must name a filter before {use.use} that gives numbers, or be 'length', not {given!r}",
            did_you_mean(given, [*told.values(), LENGTH]),
            place=("do", use.use, "best"),
        )
