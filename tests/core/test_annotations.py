"""What an annotation says of a value, and that in words."""

from __future__ import annotations

import inspect
from typing import Annotated, Any, Literal

import pytest

from adaptline.core.annotations import bare, describe, is_plain, taken_apart, takes_empty_files, use_kind, without_none
from adaptline.core.artifacts import Use
from adaptline.core.demands import EMPTY_FILES, at_least, between
from adaptline.core.sources import Files

RANK = Annotated[int, at_least(1)]


@pytest.mark.parametrize(
    ("annotation", "words"),
    [
        (Annotated[Use, "row"], "a method's name"),
        (Annotated[Use, "metric"] | None, "one of accuracy, "),
        (list[Annotated[Use, "row"]], "a list, each a method's name"),
        (Annotated[str, "format"], "one of arrow, csv, "),
        (dict[str, int | None], "a table, each value a whole number"),
        (RANK, "a whole number of at least 1"),
        (RANK | None, "a whole number of at least 1"),
        (list[RANK], "a list, each a whole number of at least 1"),
        (Annotated[float, at_least(0), between(-1, 3)], "a number of at least 0 from -1 to 3"),
        (int | str, "a whole number or a string"),
        (Literal["a", "b"], "one of 'a', 'b'"),
        (Files, "a file pattern, a list of them, or a table of either"),
        (inspect.Parameter.empty, "what JSON can say"),
        (complex, "<class 'complex'>"),
    ],
)
def test_in_words(annotation: Any, words: str) -> None:
    assert describe(annotation).startswith(words)


def test_parts() -> None:
    assert without_none(int | None) == (int, True)
    assert without_none(int | str | None) == (int | str | None, False)
    assert taken_apart(Annotated[str, "format"]) == (str, "format", [])
    assert taken_apart(int) == (int, None, [])
    assert [demand.words for demand in taken_apart(RANK)[2]] == ["of at least 1"]
    assert bare(RANK | None) is int
    assert (use_kind(Annotated[Use, "adapter"] | None), use_kind(Annotated[str, "format"]), use_kind(int)) == (
        "adapter",
        None,
        None,
    )


@pytest.mark.parametrize(
    ("value", "annotation", "fits"),
    [
        (1, float, True),
        (float("nan"), float, False),
        (True, int, False),
        (True, bool, True),
        (1, bool, False),
        ("x", int | str, True),
        (1.5, int | str, False),
        ([1, {"a": None}], Any, True),
        (object(), inspect.Parameter.empty, False),
    ],
)
def test_plain_values(value: Any, annotation: Any, fits: bool) -> None:
    assert is_plain(value, annotation) == fits


def test_which_files_may_be_empty() -> None:
    assert takes_empty_files(Annotated[Files, EMPTY_FILES])
    assert takes_empty_files(Annotated[Files, EMPTY_FILES] | None)
    assert not takes_empty_files(Files)
    assert not takes_empty_files(RANK)
