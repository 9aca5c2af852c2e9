"""What nobody may rewrite: found wherever it stands, and the pieces are always the text."""

from __future__ import annotations

import itertools
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adaptline.data.guarded import pieces


def open_parts(text: str, *protected: str) -> list[str]:
    """The words that may be rewritten."""
    return " ".join(piece for piece, is_guarded in pieces(text, protected) if not is_guarded).split()


@given(st.text(max_size=200), st.lists(st.text(max_size=5), max_size=3))
def test_the_pieces_are_the_text(text: str, protected: list[str]) -> None:
    found = list(pieces(text, tuple(protected)))
    assert "".join(piece for piece, _ in found) == text
    assert all(piece for piece, _ in found)
    assert all(one[1] != other[1] for one, other in itertools.pairwise(found))


@pytest.mark.parametrize(
    "kept",
    [
        "3pm",
        "1,000.50",
        "anna@firma.de",
        "https://firma.de/a",
        "www.firma.de",
        "snake_case",
        "C:\\temp",
        "#tag",
        "{slot}",
        "<EMAIL>",
        "`let it be`",
        "```\nso it is\n```",
        "a/b",
    ],
)
def test_what_is_no_prose_stays_and_its_neighbours_do_not(kept: str) -> None:
    assert open_parts(f"before {kept} after") == ["before", "after"]


def test_code_that_never_ends_stays_to_the_end() -> None:
    assert open_parts("see ```\nlet it be") == ["see"]


def test_a_label_stays_as_a_whole_word_in_any_case() -> None:
    assert open_parts("A Refund of refunds, refund!", "refund") == ["A", "of", "refunds,", "!"]
    assert open_parts("not by half (not)", "(not)") == ["not", "by", "half"]
    assert open_parts("all of it", " ", "") == ["all", "of", "it"]


@pytest.mark.parametrize("hostile", ["`", "<", "```", "<a", "x" * 10, "a/", "{"])
def test_time_grows_with_the_length_and_no_faster(hostile: str) -> None:
    seconds = []
    for length in (20_000, 80_000):
        text = hostile * (length // len(hostile))
        start = time.process_time()
        list(pieces(text))
        seconds.append(time.process_time() - start)
    assert seconds[1] < 12 * seconds[0] + 0.05
