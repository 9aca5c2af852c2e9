"""Who gets the canary: a hash of the unit, salted per rollout, monotone as the percentage grows."""

from __future__ import annotations

import hashlib


def takes_canary(unit: str, salt: str, percent: float) -> bool:
    """Whether a unit (a user, a key) is among the first `percent` of 100."""
    digest = hashlib.sha256(f"{salt}\0{unit}".encode("utf-8", "surrogatepass")).digest()
    return int.from_bytes(digest[:8], "big") / 2**64 * 100 < percent
