from __future__ import annotations

import pyarrow as pa
import pytest

from adaptline.data.schemas import Columns
from adaptline.data.typed import paths_in, refuse_schema
from adaptline.errors import UserError


@pytest.mark.parametrize(
    ("schema", "what"),
    [
        (pa.schema([("a", pa.string()), ("a", pa.int64())]), "two columns are called 'a'"),
        (pa.schema([("a", pa.month_day_nano_interval())]), "has a column of a kind that cannot be kept"),
    ],
)
def test_schemas_that_are_refused(schema: pa.Schema, what: str) -> None:
    with pytest.raises(UserError, match=what):
        refuse_schema(schema)
    refuse_schema(pa.schema([("a", pa.string()), ("b", pa.list_(pa.struct([("c", pa.date32())])))]))


def test_fields_inside_of_columns_are_found_by_their_path() -> None:
    inner = pa.struct([("body", pa.string()), ("stars", pa.int8())])
    schema = pa.schema(
        [("m", inner), ("l", pa.list_(inner)), ("a.b", pa.string()), ("a", pa.struct([("b", pa.int8())]))]
    )
    columns = Columns(
        text="m.body", label="l.1.stars", group="m.none", split="a.b", references="m.body.x", prompt="x.y"
    )
    assert paths_in(schema, columns) == {"m.body": ("m", pa.string()), "l.1.stars": ("l", pa.int8())}
    assert paths_in(schema, Columns(text="l.body", label="m.0")) == {}
