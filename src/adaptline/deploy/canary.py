"""Who gets the canary: a hash of the unit under the rollout's salt. Knows no channels, and nothing of who the unit is."""

from __future__ import annotations

from hashlib import blake2b

_BYTES = 8
_ALL = 2.0**64  # as many values as these bytes can have


def takes_canary(unit: str, salt: str, percent: float) -> bool:
    """Whether a unit (a user, a key) is among the first `percent` of 100 under this salt.

    The unit's place is 64 bits of BLAKE2b (RFC 7693) keyed with the salt, as a fraction of all their values: the same
    whenever it is asked, and another, independent one under another salt. A unit that takes the canary takes it at
    every larger percentage too; at 0 nobody does, at 100 everybody.

    Args:
        unit: what must stay on one side; hashed, never kept.
        salt: of the rollout, at most 64 bytes.
        percent: 0 to 100.
    """
    place = blake2b(unit.encode("utf-8", "surrogatepass"), digest_size=_BYTES, key=salt.encode()).digest()
    return int.from_bytes(place, "big") < percent / 100 * _ALL
