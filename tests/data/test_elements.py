from __future__ import annotations

import itertools
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adaptline.data import elements as module
from adaptline.data.elements import elements


def read(data: bytes, encoding: str = "utf-8") -> list[Any]:
    """Fields, or the raw text of what cannot be read."""
    found = elements(data, encoding, "rows", final=True)
    return [value if error is None else data[start:end] for start, end, value, error in found]


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"<r>a</r>\n<r/><r>&lt;&#228;</r>", [{"#text": "a"}, {"#text": ""}, {"#text": "<ä"}]),
        (b"<r n='1'><a>x</a><b/></r>", [{"@n": "1", "a": "x", "b": ""}]),
        (b"<r><a>x</a><a>y</a> tail </r>", [{"a": ["x", "y"], "#text": " tail "}]),
        (b"<r>\n <a><b c='/>'></b></a>\n</r>", [{"a": {"b": {"@c": "/>"}}}]),
        (b"<r><![CDATA[<x>]]></r><!-- <r>no</r> --><?no row?>", [{"#text": "<x>"}]),
        (b'<r a="1>2"/><r>/></r>', [{"@a": "1>2"}, {"#text": "/>"}]),
        (b"<r>a</r></rows>\n", [{"#text": "a"}]),
        (b"", []),
    ],
)
def test_the_fields_of_elements(data: bytes, expected: list[Any]) -> None:
    assert read(data) == expected


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"<r>\xff</r><r>b</r>", [b"<r>\xff</r>", {"#text": "b"}]),
        (b"<r><a></r><r>b</r>", [b"<r><a></r>", {"#text": "b"}]),
        (b"<r>&nbsp;</r><r>b</r>", [b"<r>&nbsp;</r>", {"#text": "b"}]),
        (b"<r>a</r>stray<r>b</r>", [{"#text": "a"}, b"stray", {"#text": "b"}]),
        (b"<r>a</r></q></r><r>b</r>", [{"#text": "a"}, b"</q></r>", {"#text": "b"}]),
        (b"<r>a</r>& <<r>b</r>", [{"#text": "a"}, b"& <", {"#text": "b"}]),
        (b"<r>a</r></rows><?xml version='1.0'?><r>b</r>", [{"#text": "a"}, b"<?xml version='1.0'?>", {"#text": "b"}]),
        (b"<r>a</r><r>b", [{"#text": "a"}, b"<r>b"]),
        (b"<r>a</r> <!-- b", [{"#text": "a"}, b"<!-- b"]),
        (b"<r>a</r><", [{"#text": "a"}, b"<"]),
        (b"<q>a</r><r>b</r>", [b"<q>a</r>", {"#text": "b"}]),
        (b"<q>a</r></rows>", [b"<q>a</r>"]),
        (b"<q>a</r><p>b</p><r>c</r><q>d</q>", [b"<q>a</r>", {"#text": "b"}, {"#text": "c"}, {"#text": "d"}]),
        (b"<r>a</b> c</r><r>b</r>", [b"<r>a</b> c</r>", {"#text": "b"}]),
        (b"<r>a</b>", [b"<r>a</b>"]),
        (b"<r>" * 200 + b"</r>" * 200 + b"<r>b</r>", [b"<r>" * 200 + b"</r>", b"</r>" * 199, {"#text": "b"}]),
    ],
)
def test_what_is_not_well_formed_costs_itself_only(data: bytes, expected: list[Any]) -> None:
    assert read(data) == expected


def test_a_code_page_is_decoded() -> None:
    assert read("<r>ä€</r>".encode("cp1252"), "cp1252") == [{"#text": "ä€"}]


MARKUP = st.sampled_from([b"<r>", b"</r>", b"<r/>", b"<a b='c'>", b"</a>", b"&lt;", b"&", b"<", b"x", b" ", b"\xff", b"<!--", b"-->", b"</rows>", b"<![CDATA[", b"]]>", b"\n", b"<?a", b"?>"])  # fmt: skip
DATA = st.lists(MARKUP, max_size=30).map(b"".join) | st.binary(max_size=60)


@given(DATA)
def test_records_follow_one_another_and_nothing_is_passed_over(data: bytes) -> None:
    found = list(elements(data, "utf-8", "rows", final=True))
    assert all(a.end <= b.start for a, b in itertools.pairwise(found))
    assert all(element.start < element.end <= len(data) for element in found)
    spans = [(element.start, element.end) for element in found]
    outside = b"".join(
        data[a:b] for a, b in zip([0, *(e for _, e in spans)], [*(s for s, _ in spans), len(data)], strict=True)
    )
    assert b"x" not in outside or b"<!--" in outside or b"<?a" in outside


@given(DATA, st.integers(0, 60))
def test_reading_on_from_a_records_end_finds_the_same(data: bytes, place: int) -> None:
    whole = list(elements(data, "utf-8", "rows", final=True))
    first = list(elements(data[:place], "utf-8", "rows", final=False))
    assert first == whole[: len(first)]
    at = first[-1].end if first else 0
    rest = elements(data[at:], "utf-8", "rows", final=True)
    assert first + [each._replace(start=each.start + at, end=each.end + at) for each in rest] == whole


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"<r>a</r><r n='%s>'/><r>b</r>", [{"#text": "a"}, b"<r n='%s>'/>", {"#text": "b"}]),
        (b"<r><r n='%s'/></r><r>b</r>", [b"<r><r n='%s'/></r>", {"#text": "b"}]),
        (b"<r>a</r> <!-- <r>%s--> <r>b</r>", [{"#text": "a"}, b"<!-- <r>%s-->", {"#text": "b"}]),
        (b"stray <!-- %s--> <r>b</r>", [b"stray ", b"<!-- %s-->", {"#text": "b"}]),
        (b"<r>a</r><r><!-- %s</r>", [{"#text": "a"}, b"<r><!-- %s</r>"]),
        (b"<r>%s</r><r><![CDATA[%s]]></r>", [{"#text": "%s"}, {"#text": "%s"}]),
    ],
)
def test_a_tag_too_long_for_expat_costs_its_record(
    monkeypatch: pytest.MonkeyPatch, data: bytes, expected: list[Any]
) -> None:
    monkeypatch.setattr(module, "_PIECE", 100)
    monkeypatch.setattr(module, "_LONGEST_TOKEN", 1000)
    long = "w" * 5000
    found = read(data.replace(b"%s", long.encode()))
    assert found == [
        each.replace(b"%s", long.encode()) if isinstance(each, bytes) else {"#text": each["#text"].replace("%s", long)}
        for each in expected
    ]


@given(st.integers(0, 10_100))
def test_a_tag_too_long_is_the_same_in_any_stretch(place: int) -> None:
    data = b"<r>a</r><r n='" + b"w" * 5000 + b"'>x</r><!--" + b"v" * 5000 + b"--><r>b</r></rows>"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "_PIECE", 100)
        patch.setattr(module, "_LONGEST_TOKEN", 1000)
        whole = list(elements(data, "utf-8", "rows", final=True))
        first = list(elements(data[:place], "utf-8", "rows", final=False))
    assert [each.error is None for each in whole] == [True, False, False, True]
    assert first == whole[: len(first)]
