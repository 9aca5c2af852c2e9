"""A new spelling of a label as a value of the kind that the source has it in, so that it goes back as one: 1, not "1".

Knows values and Arrow's types. Knows nothing of records, or of who writes a label anew.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from typing import Any

import pyarrow as pa

_STRINGS = (pa.types.is_string, pa.types.is_large_string, pa.types.is_string_view)
_LIKE: tuple[tuple[Callable[[pa.DataType], bool], Any], ...] = (
    (pa.types.is_boolean, False),
    (pa.types.is_integer, 0),
    (pa.types.is_floating, 0.0),
)


def respelled(spelling: str, like: Any) -> Any:
    """The value of the kind of another that is spelt so; None where there is none, as of a date, or 01 among numbers.

    The spelling must be the one that ingest makes of the value: 2 beside 1.0 would be a label of its own.
    """
    if like is None or type(like) is str:
        return spelling
    try:
        value = json.loads(spelling)
        is_so = type(value) is type(like) and json.dumps(value, allow_nan=False) == spelling
    except (ValueError, RecursionError):
        return None
    return value if is_so else None


def like_in(values: Iterable[Any], kind: pa.DataType | None = None) -> Any:
    """What a field's values are like: one of them, or one of its type where it has one; None where none tells.

    Of a type whose values JSON does not know it is the type itself, which no spelling is like.
    """
    if kind is None:
        return next((value for value in values if value is not None), None)
    kind = kind.value_type if pa.types.is_dictionary(kind) else kind
    return None if any(is_it(kind) for is_it in _STRINGS) else next((one for is_it, one in _LIKE if is_it(kind)), kind)


def holds_other(spelling: str, like: Any, kind: pa.DataType | None = None) -> str | None:
    """What a field holds, in words, that cannot hold a spelling; None where it can."""
    value = respelled(spelling, like)
    if kind is None:
        return json.dumps(like) if value is None else None
    try:
        pa.array([value], kind)
    except (pa.ArrowException, OverflowError):
        return str(kind)
    return str(kind) if value is None else None
