"""Quotes, dashes, spaces, capitals and punctuation: made plain once, in any script, and never inside code."""

# ruff: noqa: RUF001 - characters that look like others are what these tests are about

from __future__ import annotations

import time
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adaptline.data import typography

Change = Callable[[str], str]
CHANGES = [
    typography.straight_quotes,
    typography.plain_dashes,
    typography.single_spaces,
    typography.lower_case,
    typography.without_punctuation,
]
PIECES = [
    "a",
    "Bc",
    "Σ",
    "İ",
    " ",
    "  ",
    "\n",
    "\n\n\n",
    "\t",
    "\u00a0",
    "“",
    "’",
    "'",
    "—",
    "–",
    "-",
    ".",
    ",",
    "...",
    "1",
    "#",
    "\ufe0f",
]
PIECES += ["`", "```", "\n```\n", "~~~", "`X — y`", "(", "«", "。", "ー", "$", "\u0f0b"]
CODE = "```python\nX  =  “Y” — Z.lower()\n```"


@pytest.mark.parametrize("change", CHANGES)
@given(text=st.lists(st.sampled_from(PIECES), max_size=14).map("".join) | st.text(max_size=30))
@settings(max_examples=300)
def test_it_comes_to_an_end(change: Change, text: str) -> None:
    before = None
    for _ in range(len(text) + 2):
        before, text = text, change(text)
    assert text == before


@pytest.mark.parametrize("change", CHANGES)
@given(text=st.text(st.characters(exclude_characters="`~")))
def test_without_code_once_is_enough(change: Change, text: str) -> None:
    assert change(change(text)) == change(text)


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("code", [CODE, f"~~~\n{CODE}\n~~~", "`X — “Y”;  Z`", "```\nNOT  CLOSED — “yet”,\n\n\n\nA."])
def test_code_stays(change: Change, code: str) -> None:
    text = f"see\n{code}" if "\n" in code else f"see {code} so"
    assert change(text) == text
    assert change(f"A,  “B” —\n\n\n\n{code}").endswith(code)
    assert change(f"A,  “B” —\n\n\n\n{code}") != f"A,  “B” —\n\n\n\n{code}"


def test_code_that_is_closed_ends_there() -> None:
    assert typography.lower_case(f"AB\n{CODE}\nCD `EF` GH ` IJ") == f"ab\n{CODE}\ncd `EF` gh ` ij"


@pytest.mark.parametrize(
    "code",
    [
        "```md\nSAY\n```py\nNOT — “YET”\n```",
        "````\nA  B\n```\nC  D\n`````  ",
        "~~~\nA  B\n~~~ no\n```\nC  D\n~~~",
        "```\r\nA — B\r\n```\r",
    ],
)
def test_a_fence_alone_on_its_line_ends_code(code: str) -> None:
    assert typography.lower_case(f"AB\n{code}\nCD") == f"ab\n{code}\ncd"


def test_three_backticks_within_a_line_are_no_fence() -> None:
    assert typography.lower_case("```AB CD```\nEF") == "```AB CD```\nef"


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("“one” ‘two’ „drei‟ ‚vier‛", "\"one\" 'two' \"drei\" 'vier'"),
        ("5′ 7″", "5' 7\""),
        ("«oui» 「はい」 ‹non›", "«oui» 「はい」 ‹non›"),
    ],
)
def test_quotes(text: str, plain: str) -> None:
    assert typography.straight_quotes(text) == plain


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("pages 3–5, −2, e‑mail", "pages 3-5, -2, e-mail"),
        ("yes—no", "yes - no"),
        ("yes — no", "yes - no"),
        ("データ 長い", "データ 長い"),  # the mark of a long vowel is no dash
        ("one\n— two", "one\n - two"),
    ],
)
def test_dashes(text: str, plain: str) -> None:
    assert typography.plain_dashes(text) == plain


def test_spaces() -> None:
    assert typography.single_spaces("a \t b\u00a0\u00a0c d") == "a b c d"
    assert typography.single_spaces("def f():\n    return  1\n\n\n\n\tx") == "def f():\n    return 1\n\n\tx"


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ('"Hello," she said (twice).', "Hello she said twice"),
        ("don’t, rock'n'roll, 'quoted'", "don’t rock'n'roll quoted"),
        ("1,000.50 on 2024-05-06 at 10:30, or 1/2.", "1,000.50 on 2024-05-06 at 10:30 or 1/2"),
        ("well-known and/or e.g. this", "well known and or e g this"),
        ("你好，世界。", "你好 世界"),
        ("नमस्ते। आप?", "नमस्ते आप"),
        ("press #️⃣ or *️⃣!", "press #️⃣ or *️⃣"),
        ("$5 + 3 = €8 <b>", "$5 + 3 = €8 <b>"),
        ("- one\n- two.", "one\ntwo"),
        ("see (`f(x)`), then", "see `f(x)` then"),
        ("...", ""),
    ],
)
def test_punctuation(text: str, plain: str) -> None:
    assert typography.without_punctuation(text) == plain


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize(
    "hostile", ["` " * 50_000, " " * 200_000 + "a", "—" * 100_000, "\n```" * 50_001, "' " * 50_000]
)
def test_hostile_texts_take_time_in_line_with_their_length(change: Change, hostile: str) -> None:
    started = time.process_time()
    change(hostile)
    assert time.process_time() - started < 2
