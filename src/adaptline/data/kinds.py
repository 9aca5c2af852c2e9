"""Arrow's nested types: what is inside of them, and the same shape with other things inside. Knows nothing of values."""

from __future__ import annotations

from collections.abc import Callable

import pyarrow as pa


def holds(kind: pa.DataType, wanted: Callable[[pa.DataType], bool]) -> bool:
    """Whether a type is, or has inside of it, one that is wanted."""
    inside = [kind.value_type] if pa.types.is_dictionary(kind) else []
    inside += [kind.field(place).type for place in range(kind.num_fields)]
    return wanted(kind) or any(holds(each, wanted) for each in inside)


def rebuilt(kind: pa.DataType, leaf: Callable[[pa.DataType], pa.DataType]) -> pa.DataType:
    """The type without dictionaries, and with what `leaf` gives for every part that is no struct, list or map."""
    if pa.types.is_dictionary(kind):
        return rebuilt(kind.value_type, leaf)
    if pa.types.is_struct(kind):
        return pa.struct([field.with_type(rebuilt(field.type, leaf)) for field in kind])
    if pa.types.is_map(kind):
        return pa.map_(rebuilt(kind.key_type, leaf), rebuilt(kind.item_type, leaf))
    if pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind):
        inner = kind.value_field.with_type(rebuilt(kind.value_type, leaf))
        if pa.types.is_fixed_size_list(kind):
            return pa.list_(inner, kind.list_size)
        return pa.large_list(inner) if pa.types.is_large_list(kind) else pa.list_(inner)
    return leaf(kind)
