"""Times of typed files as Python values: words that remember the number behind them, so that a typed file gets it back.

Knows Arrow's types of time. Python's own (datetime) end at the year 9999 and at microseconds, and need to know the time
zone; Arrow's do not, so a file may hold what they cannot. Source of the types: Arrow's columnar format, Schema.fbs.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa

from adaptline.data.kinds import holds, rebuilt
from adaptline.data.schemas import Value

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_PER_SECOND = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}
_DAY = 86_400_000  # milliseconds


class Moment(str):
    """A date, a time or a duration as a person would write it; `number` counts its type's units."""

    __slots__ = ("kind", "number")
    number: int
    kind: pa.DataType


def rows_of(table: pa.Table | pa.RecordBatch) -> list[Value]:
    """The rows as Python values, a Moment wherever the type is one of time."""
    timed = {field.name: field.type for field in table.schema if has_moments(field.type)}
    for name, kind in timed.items():
        table = table.set_column(
            table.schema.get_field_index(name), name, table[name].cast(rebuilt(kind, _number_kind))
        )
    rows: list[Value] = table.to_pylist()
    for name, kind in timed.items():
        for row in rows:
            row[name] = _replaced(row[name], kind, _moment)
    return rows


def counted(value: Any, kind: pa.DataType) -> Any:
    """A value for a column of a type: its Moments as numbers of the type's units. Raises ArrowInvalid where one is none."""
    return _replaced(value, kind, _number)


@cache
def has_moments(kind: pa.DataType) -> bool:
    """Whether values of a type are dates, times or durations, or hold such."""
    return holds(kind, pa.types.is_temporal)


def _number_kind(kind: pa.DataType) -> pa.DataType:
    if not pa.types.is_temporal(kind):
        return kind
    return pa.int32() if kind.bit_width == pa.int32().bit_width else pa.int64()


def _replaced(value: Any, kind: pa.DataType, leaf: Callable[[Any, pa.DataType], Any]) -> Any:
    """A value of a type with `leaf` of each time in it."""
    if value is None or not has_moments(kind):
        return value
    if pa.types.is_dictionary(kind):
        return _replaced(value, kind.value_type, leaf)
    if isinstance(value, dict) and pa.types.is_struct(kind):
        known = {field.name: field.type for field in kind}
        return {name: _replaced(entry, known.get(name, pa.null()), leaf) for name, entry in value.items()}
    if isinstance(value, list | tuple) and pa.types.is_map(kind):
        return [(_replaced(key, kind.key_type, leaf), _replaced(entry, kind.item_type, leaf)) for key, entry in value]
    if isinstance(value, list) and pa.types.is_nested(kind) and not pa.types.is_struct(kind):
        return [_replaced(entry, kind.value_type, leaf) for entry in value]
    return leaf(value, kind)


def _moment(number: int, kind: pa.DataType) -> Moment:
    found = Moment(_spelled(number, kind))
    found.number, found.kind = number, kind
    return found


def _number(value: Any, kind: pa.DataType) -> Any:
    if not isinstance(value, Moment):
        return value
    return value.number if value.kind == kind else pa.scalar(value.number, value.kind).cast(kind).value


def _spelled(number: int, kind: pa.DataType) -> str:
    if pa.types.is_date(kind):
        return str(np.datetime64(number if pa.types.is_date32(kind) else number // _DAY, "D"))
    if pa.types.is_time(kind):
        return _without_zeros(str(np.datetime64(number, kind.unit)).partition("T")[2])
    seconds, rest = divmod(number, _PER_SECOND[kind.unit])
    microseconds, rest = divmod(rest * _PER_SECOND["us"], _PER_SECOND[kind.unit])
    if pa.types.is_duration(kind):
        try:
            return f"{number} ns" if rest else str(timedelta(seconds=seconds, microseconds=microseconds))
        except OverflowError:
            return f"{number} {kind.unit}"
    zone = _zone(kind.tz)
    try:
        when = _EPOCH + timedelta(seconds=seconds, microseconds=microseconds)
        found = str(when.astimezone(zone) if zone else when.replace(tzinfo=None))
    except OverflowError:
        rest = 1
    if not rest:
        return found
    return _without_zeros(str(np.datetime64(number, kind.unit)).replace("T", " ")) + ("+00:00" if kind.tz else "")


def _without_zeros(text: str) -> str:
    """A clock's digits without a fraction of zeros."""
    whole, _, fraction = text.partition(".")
    return text if fraction.strip("0") else whole


@cache
def _zone(name: str | None) -> Any:
    """The zone of a name; UTC for one that this machine does not know, None where times have none."""
    if name is None:
        return None
    try:
        return datetime.strptime(name, "%z").tzinfo if name[:1] in "+-" else ZoneInfo(name)
    except (ValueError, OSError, KeyError):  # of zoneinfo: no name of a zone, a folder, a zone that is not known
        return UTC
