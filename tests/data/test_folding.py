"""Tables of folding, against Python's own strings."""

from __future__ import annotations

import unicodedata

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from adaptline.data import folding

TEXTS = st.lists(st.none() | st.text(max_size=8), max_size=8)


def test_the_tables_say_what_the_functions_say() -> None:
    tables = folding.tables()
    for code in [*range(0x3000), *range(0xA000, 0xD800, 7), *range(0xF900, 0x10000), *range(0x1D400, 0x1F800, 3)]:
        character, to = chr(code), int(tables.folded[code])
        piece = [to] if to >= 0 else tables.pieces[(-to >> 5) :][: -to & 31].tolist()
        assert "".join(map(chr, piece)) == folding.folded(character)
        assert tables.kind[code] == folding.kind_of(character)
    assert folding.ascii_tables().folded.tolist() == tables.folded[:128].tolist()
    assert folding.ascii_tables().kind.tolist() == tables.kind[:128].tolist()


@pytest.mark.parametrize(
    ("characters", "kind"),
    [
        ("aZ9_é\u0301\u093f", folding.WORD),
        ("漢かカใກဆក\U00020000", folding.ALONE),
        (" \t\u00a0\u3000\x85", folding.WHITE),
        ("-.'!\u2026\u200b\U0001f600+", folding.GAP),
    ],
)
def test_kinds(characters: str, kind: int) -> None:
    assert [folding.kind_of(character) for character in characters] == [kind] * len(characters)


def test_what_lies_beyond_the_tables_folds_to_itself_and_is_no_word() -> None:
    for code in range(len(folding.tables().kind), 0x110000, 257):
        assert folding.folded(chr(code)) == chr(code)
        assert folding.kind_of(chr(code)) == folding.GAP or code in range(0xE0100, 0xE01F0)  # they vary a letter's form


@given(TEXTS)
def test_texts_are_normalised(texts: list[str | None]) -> None:
    found = folding.normalised(pa.array(texts, pa.string())).to_pylist()
    assert found == [None if text is None else unicodedata.normalize("NFKC", text) for text in texts]


def test_what_is_normalised_already_is_not_copied() -> None:
    texts = pa.array(["plain", "d\u00e9j\u00e0", None])
    assert folding.normalised(texts) is texts
