from __future__ import annotations

import pyarrow as pa
import pytest

from adaptline.data.kinds import holds, rebuilt

CODED = pa.dictionary(pa.int32(), pa.string())


@pytest.mark.parametrize(
    ("kind", "plain"),
    [
        (CODED, pa.string()),
        (pa.dictionary(pa.int8(), pa.struct([("a", CODED)])), pa.struct([("a", pa.string())])),
        (pa.list_(CODED), pa.list_(pa.string())),
        (pa.large_list(CODED), pa.large_list(pa.string())),
        (pa.list_(CODED, 2), pa.list_(pa.string(), 2)),
        (pa.map_(CODED, pa.list_(CODED)), pa.map_(pa.string(), pa.list_(pa.string()))),
        (pa.struct([pa.field("a", CODED, nullable=False)]), pa.struct([pa.field("a", pa.string(), nullable=False)])),
    ],
)
def test_a_dictionary_is_found_and_left_out_however_deep(kind: pa.DataType, plain: pa.DataType) -> None:
    assert holds(kind, pa.types.is_dictionary)
    assert rebuilt(kind, lambda leaf: leaf) == plain
    assert not holds(plain, pa.types.is_dictionary)
