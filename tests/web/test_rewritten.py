"""Two texts around the first place in which they differ."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adaptline.web.rewritten import pair


def test_short_texts_are_shown_whole() -> None:
    assert pair("a\nb", "a\tb", 10) == ("a⏎b", "a⇥b")


@pytest.mark.parametrize("place", [0, 95, 250, 499])
def test_a_difference_is_seen_wherever_it_is(place: int) -> None:
    text = "x" * 500
    old, new = pair(text[:place] + "A" + text[place:], text[:place] + "B" + text[place:], 100)
    assert ("A" in old, "B" in new) == (True, True)
    assert (len(old), len(new)) == (100, 100)
    assert old.startswith("…") == (place > 30)


def test_what_was_added_or_taken_from_the_end_is_seen() -> None:
    old, new = pair("x" * 200, "x" * 200 + "END", 100)
    assert new.endswith("xEND")
    assert old == new.removesuffix("END")


@given(st.text("ab", max_size=60), st.text("ab", max_size=60))
def test_texts_that_differ_look_different(one: str, other: str) -> None:
    old, new = pair(one, other, 40)
    assert max(len(old), len(new)) <= 40
    assert (old != new) == (one != other)
