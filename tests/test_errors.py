"""Messages of mistakes: what, where, what to do; and their way from one process to another."""

from __future__ import annotations

import pickle
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adaptline.errors import RunError, UserError, did_you_mean


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (UserError("too long"), "too long"),
        (UserError("too long", do="Cut it."), "too long\n  Cut it."),
        (UserError("too long", where="a.toml"), "a.toml: too long"),
        (UserError("too long", where=Path("a.toml"), line=3), "a.toml, line 3: too long"),
        (UserError("too long", where="a.toml", line=3, do="Cut it."), "a.toml, line 3: too long\n  Cut it."),
    ],
)
def test_message(error: UserError, message: str) -> None:
    assert str(error) == message


@given(st.text(), st.none() | st.text() | st.just(Path("a/b.toml")), st.none() | st.integers(1, 10**6), st.text())
def test_errors_cross_processes_with_all_that_they_carry(
    what: str, where: str | Path | None, line: int | None, do: str
) -> None:
    error = UserError(what, where=where, line=line, do=do)
    found = pickle.loads(pickle.dumps(error))
    assert type(found) is UserError
    assert (found.what, found.where, found.line, found.do, str(found)) == (what, where, line, do, str(error))


def test_a_run_error_crosses_processes() -> None:
    assert str(pickle.loads(pickle.dumps(RunError("a worker died")))) == "a worker died"


def test_a_place_is_added_once() -> None:
    error = UserError("too long", do="Cut it.")
    placed = error.at("a.toml", 3)
    assert (placed.what, placed.where, placed.line, placed.do) == ("too long", "a.toml", 3, "Cut it.")
    assert placed.at("b.toml", 4) is placed


@pytest.mark.parametrize(
    ("word", "known", "hint"),
    [
        ("minhahs", ["exact", "minhash"], "Did you mean 'minhash'?"),
        ("zzz", ["minhash", "exact"], "Known: exact, minhash."),
        ("zzz", [], "Known: none."),
        ("lenght", iter(["length"]), "Did you mean 'length'?"),
    ],
)
def test_did_you_mean(word: str, known: list[str], hint: str) -> None:
    assert did_you_mean(word, known) == hint


@given(st.sets(st.text("abcdef", min_size=3, max_size=8), min_size=1), st.data())
def test_a_known_word_means_itself(known: set[str], data: st.DataObject) -> None:
    word = data.draw(st.sampled_from(sorted(known)))
    assert did_you_mean(word, known) == f"Did you mean {word!r}?"
