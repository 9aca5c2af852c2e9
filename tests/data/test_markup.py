from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adaptline.data import cutting
from adaptline.data.blocks import Source
from adaptline.data.elements import elements
from adaptline.data.formats import xml
from adaptline.data.markup import Passage
from adaptline.data.opening import blocks_of, items_of

NAMES = st.sampled_from(["row", "r", "b:c", "rowed", "é"])
TEXT = st.sampled_from(["", "w", " \n", "&lt;/row&gt;", "'", '"', "a > b", "]]", "/"])
VALUES = st.sampled_from(
    ["", " x='1'", " x = '>'", ' y="/>"', " z='<!--'".replace("<", "&lt;"), " x='\"' y=\"'\"", "\n"]
)
ASIDE = st.sampled_from(["<!-- </row> -->", "<!-- <row> <r x='-->", "<?p </row>?>", "<?p <row> > ?>", "<!---->"])
CDATA = st.sampled_from(["<![CDATA[</row>]]>", '<![CDATA[<row> ]] > "]]>', "<![CDATA[<!-- ]]>"])
SPACE = st.sampled_from(["", " ", "\n", " " * 12, " " * 5000])


def element(name: str, values: str, inside: list[str] | None, space: str) -> str:
    return f"<{name}{values}/>" if inside is None else f"<{name}{values}>{''.join(inside)}</{name}{space}>"


INSIDE = st.recursive(
    TEXT | ASIDE | CDATA,
    lambda each: st.builds(element, NAMES, VALUES, st.none() | st.lists(each, max_size=4), SPACE),
    max_leaves=8,
)
RECORDS = st.builds(element, NAMES, VALUES, st.none() | st.lists(INSIDE, max_size=4), SPACE)
LONGEST = 20_000  # bytes; as long as a record may be here
LONG = "w" * (LONGEST + 1000)
LONG_RECORDS = st.tuples(
    RECORDS, st.sampled_from([f" long='{LONG}'", f" long='{LONG}>'", LONG, f"<!--{LONG}-->", f"<![CDATA[{LONG}]]>"])
).map(lambda drawn: lengthened(*drawn))
OUTSIDE = st.lists(ASIDE | st.just("\n"), max_size=3).map("".join)


def lengthened(record: str, long: str) -> str:
    """The record with something long in it: in its start tag, or at its start."""
    name = record[1:].partition(">")[0].partition("/")[0].split()[0]
    rest = record[1 + len(name) :]
    if long.startswith(" "):
        return f"<{name}{long}{rest}"
    return f"<{name}>{long}{record}</{name}>"


@given(RECORDS | ASIDE, OUTSIDE)
def test_what_is_passed_over_ends_where_expat_has_its_end(first: str, after: str) -> None:
    data = f"{first}{after}<row>b</row>".encode()
    passage = Passage(data, 0, b"rows")
    assert passage.over()
    assert passage.at == len(first.encode())
    *_, last = elements(data[passage.at :], "utf-8", "rows", final=True)
    assert last.value == {"#text": "b"}


@pytest.mark.parametrize(
    ("data", "passed"),
    [
        (b"text <!-- <r> --> </q> & <r>", b"text <!-- <r> --> </q> & "),
        (b"text</rows>", b"text"),
        (b"</rows>", b"</rows>"),
        (b"<![CDATA[<r>]]> x<r>", b"<![CDATA[<r>]]> x"),
        (b"<r>a</b> c</r><r>", b"<r>a</b> c</r>"),
        (b"<q>a</r>\n<r>", b"<q>a</r>"),
        (b"<q>a</r>\n</rows>", b"<q>a</r>"),
        (b"<r><a></r><r>", b"<r><a></r>"),
        (b"<r>&nbsp; a < b <3</r><r>", b"<r>&nbsp; a < b <3</r>"),
        (b"<r a='<'>x</r><q>", b"<r a='<'>x</r>"),
        (b"<r><a b='<'></a></r><r>", b"<r><a b='<'></a></r>"),
        (b"<r></r x></r><r>", b"<r></r x></r>"),
    ],
)
def test_what_is_not_well_formed_ends_somewhere(data: bytes, passed: bytes) -> None:
    passage = Passage(data, 0, b"rows")
    assert passage.over()
    assert data[: passage.at] == passed


@pytest.mark.parametrize("data", [b"<r>", b"<r a='", b"<r>x</r ", b"<r><!-- </r>", b"<!-- ", b"<r>x</q>", b"x<!--"])
def test_what_has_no_end_is_passed_over_to_the_end(data: bytes) -> None:
    passage = Passage(data, 0, b"rows")
    assert not passage.over()
    assert passage.at == len(data)


@given(
    st.lists(st.tuples(OUTSIDE, RECORDS.filter(lambda each: len(each) < LONGEST // 2)), max_size=5),
    LONG_RECORDS,
    st.data(),
)
def test_one_record_too_long_costs_none_of_the_others(
    records: list[tuple[str, str]], long: str, data: st.DataObject
) -> None:
    place = data.draw(st.integers(0, len(records)))
    rows = [record for _, record in records]
    document = [f"{outside}{record}" for outside, record in records]
    document.insert(place, long)
    with TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        for name, value in (("LONGEST_ROW", LONGEST), ("FIRST", 100), ("SMALLEST", 1000)):
            patch.setattr(cutting, name, value)
        patch.setattr(xml, "LONGEST_ROW", LONGEST)
        patch.setattr("adaptline.data.streams.CHUNK", 1000)
        path = Path(folder) / "a.xml"
        path.write_text(f"<rows>{''.join(document)}{data.draw(OUTSIDE)}</rows>", encoding="utf-8")
        blocks = list(blocks_of(Source(path, "a.xml", "xml")))
        found = [
            row for block in blocks for row in ([block.broken] if block.broken else [r.value for r in items_of(block)])
        ]
    assert found[place] == "a row longer than 0 MiB"
    expected = elements("".join(rows).encode(), "utf-8", "rows", final=True)
    assert found[:place] + found[place + 1 :] == [each.value for each in expected]
