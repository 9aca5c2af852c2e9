from __future__ import annotations

from pathlib import Path

import pytest

from adaptline.core import signatures
from adaptline.deploy.guards.deny import deny
from adaptline.errors import UserError


def test_the_reason_names_the_pattern_by_its_number_and_repeats_no_text() -> None:
    patterns = [r"credit\s+card", r"\bsecret\b"]
    assert deny("My SECRET is out", patterns=patterns) == "it fits pattern 2 of 2"
    assert deny("a credit\ncard", patterns=patterns) == "it fits pattern 1 of 2"
    assert deny("secretary", patterns=patterns) is None
    assert deny("", patterns=patterns) is None


@pytest.mark.parametrize(
    ("patterns", "what"),
    [
        (["("], r"no regular expression: '\('"),
        ([], "no patterns"),
        (["a*"], "which fits any text"),
        ("secret", "must be a list"),
    ],
)
def test_patterns_are_looked_at_when_a_recipe_is_read(patterns: object, what: str) -> None:
    with pytest.raises(UserError, match=what):
        signatures.bind_use("guards", {"use": "deny", "patterns": patterns}, "guard", Path())


def test_it_needs_patterns() -> None:
    with pytest.raises(UserError, match="patterns is missing: deny needs it"):
        signatures.bind_use("guards", "deny", "guard", Path())


def test_an_unknown_guard_is_told_the_known_ones() -> None:
    with pytest.raises(UserError, match="unknown guard 'denny'"):
        signatures.bind_use("guards", "denny", "guard", Path())


def test_a_guard_of_ones_own(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(
        "from adaptline import guard\n\n@guard(version=1)\ndef short(text: str, *, most: int = 3) -> str | None:\n"
        "    return 'too long' if len(text) > most else None\n"
    )
    use = signatures.bind_use("guards", {"use": "./mine.py:short", "most": 4}, "guard", tmp_path)
    assert use.load().function("hello", **use.parameters) == "too long"
    assert use.load().function("hell", **use.parameters) is None
    (tmp_path / "other.py").write_text(
        "from adaptline import transform\n\n@transform(version=1)\ndef same(texts): return texts\n"
    )
    with pytest.raises(UserError, match="is a transform, not a guard"):
        signatures.bind_use("guards", "./other.py:same", "guard", tmp_path)
