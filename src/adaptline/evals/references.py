"""Accepted answers as metrics of texts want them. Knows lists of strings."""

from __future__ import annotations

from collections.abc import Sequence

from adaptline.errors import UserError


def require(references: Sequence[Sequence[str]], name: str) -> None:
    """Raises UserError for an item without an accepted answer, or no items at all."""
    if not references:
        raise UserError(f"{name} needs items")
    for number, accepted in enumerate(references, start=1):
        if not accepted:
            raise UserError(f"item {number} has no reference", do=f"{name} compares with what is accepted as right.")


def streams(references: Sequence[Sequence[str]]) -> list[list[str | None]]:
    """The first accepted answers of all items, the second ones, and so on; None where an item has fewer."""
    most = max(map(len, references))
    return [[accepted[place] if place < len(accepted) else None for accepted in references] for place in range(most)]


def how_many(references: Sequence[Sequence[str]]) -> str:
    """How many references an item has, as signatures say it: a number, or "var"."""
    counts = {len(accepted) for accepted in references}
    return str(counts.pop()) if len(counts) == 1 else "var"
