"""How much private memory all processes of a run may take together, and what that leaves to its parts.

Knows sizes. Knows nothing of what is held. The figures are from runs over a million documents of 1.4 KB.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from adaptline.errors import UserError

MAIN, WORKER = 300 << 20, 250 << 20  # bytes: a process with its libraries and the shard that it works on
ROW = 420  # bytes of a row in what looks at all rows: its keys, and a signature where it shares one with another row
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

    def for_rows(self, rows: int, workers: int) -> int:
        """Bytes of rows that what looks at all of them may hold at a time. Raises UserError where there is no room for it."""
        if self.bound is None:
            return USUAL
        taken = MAIN + (WORKER * workers if workers > 1 else 0) + ROW * rows
        if taken + LEAST > self.bound:
            raise UserError(
                f"{rows:,} rows are too many to be matched within {written(self.bound)}",
                do=f"Give --memory {written(taken + LEAST)} or more"
                + (f", or {written(taken - WORKER * workers + LEAST)} with --workers 1." if workers > 1 else "."),
            )
        return self.bound - taken
