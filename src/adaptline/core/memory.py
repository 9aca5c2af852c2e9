"""How much private memory all processes of a run may take together, and what that leaves to its parts.

Knows sizes. Knows nothing of what is held. The figures are from runs over a million documents of 1.4 KB.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from adaptline.errors import UserError

MAIN, WORKER = 300 << 20, 250 << 20  # bytes: a process with its libraries and the shard that it works on
LEAST, USUAL = 32 << 20, 256 << 20  # bytes of rows' texts held at a time, at least and where nobody says
_SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*([kmgt]?)(i?)b?", re.IGNORECASE)


def size_of(text: str) -> int:
    """The bytes that "512MB", "1.5 GiB" or "800000000" say. Raises UserError for anything else."""
    found = _SIZE.fullmatch(text.strip())
    if not found:
        raise UserError(f"{text!r} is no size", do='Write it like "2GB" or "800 MiB".')
    number, unit, binary = found.groups()
    return int(float(number) * (1024 if binary else 1000) ** " kmgt".index(unit.lower() or " "))


def written(size: float) -> str:
    """A size for people, rounded up: 731MB."""
    return f"{-int(-size // 1e6):,}MB".replace(",", "")


@dataclass(frozen=True)
class Memory:
    """A bound, None for none."""

    bound: int | None = None

    def workers(self, wanted: int) -> int:
        """How many processes have room; 1 is the one that asks. Raises UserError where not even that has."""
        if self.bound is None:
            return wanted
        if self.bound < MAIN + LEAST:
            raise UserError(
                f"{written(self.bound)} of memory are too little", do=f"A run takes {written(MAIN + LEAST)} at least."
            )
        having = (self.bound - MAIN) // WORKER
        return max(1, min(wanted, having))

    def of_match(self) -> int | None:
        """What one process may take for looking at all rows at once, beside its libraries; None where nobody says."""
        return None if self.bound is None else self.bound - MAIN


def room(memory: int | None, taken: int, what: str) -> int:
    """Bytes of texts that may be held at a time, where `taken` is what must be held all along.

    Args:
        memory: as `of_match` gives it.
        taken: bytes.
        what: what takes them, in the plural.

    Raises:
        UserError: there is no room.
    """
    if memory is None:
        return USUAL
    if taken + LEAST > memory:
        raise UserError(
            f"{what} take more than {written(memory + MAIN)} when they are matched",
            do=f"Give --memory {written(MAIN + taken + LEAST)} or more.",
        )
    return memory - taken
