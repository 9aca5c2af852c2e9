"""Presidio's recognisers without a model and without a network: what they find, words nearby, long texts, and overlaps."""

# ruff: noqa: RUF001 - commas of Chinese

from __future__ import annotations

import json
import os
import subprocess
import sys
import textwrap
import time
from itertools import pairwise
from pathlib import Path

import pytest

pytest.importorskip("presidio_analyzer")

from adaptline.data.personal import analyzer
from adaptline.data.personal.analyzer import Place, merged


def found(text: str, *languages: str, countries: tuple[str, ...] = (), least: float = 0.4) -> list[tuple[str, str]]:
    """(entity, what stands there), dates and URLs left out."""
    loaded = analyzer.load(languages or ("en",), countries)
    places = merged(loaded.places(text, least, set(loaded.entities()) - {"DATE_TIME", "URL"}))
    return [(one.entity, text[a:b]) for one, a, b in places]


@pytest.mark.parametrize(
    ("text", "entity", "value"),
    [
        ("write to anna.berg@firma.de today", "EMAIL_ADDRESS", "anna.berg@firma.de"),
        ("pay with 4012888888881881", "CREDIT_CARD", "4012888888881881"),
        ("to DE89370400440532013000", "IBAN_CODE", "DE89370400440532013000"),
        ("call +49 171 2345678", "PHONE_NUMBER", "+49 171 2345678"),
        ("from 58.74.121.78", "IP_ADDRESS", "58.74.121.78"),
        ("her passport number is 912803456", "US_PASSPORT", "912803456"),
        ("NHS number 943 476 5919", "UK_NHS", "943 476 5919"),
        ("wallet 1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa", "CRYPTO", "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa"),
    ],
)
def test_what_patterns_tell_is_found(text: str, entity: str, value: str) -> None:
    assert (entity, value) in found(text)


def test_words_nearby_tell_what_a_number_is() -> None:
    assert found("the order 912803456 has come") == []
    assert found("the passport 912803456 has come") == [("US_PASSPORT", "912803456")]


def test_languages_and_countries_have_recognisers_of_their_own() -> None:
    italian = "codice fiscale RSSMRA85T10A562S"
    assert found(italian) == []
    assert found(italian, "it") == [("IT_FISCAL_CODE", "RSSMRA85T10A562S")]
    assert found(italian, "en", "it") == [("IT_FISCAL_CODE", "RSSMRA85T10A562S")]
    assert found("my NINO AB123456C") == []
    assert found("my NINO AB123456C", countries=("uk",)) == [("UK_NINO", "AB123456C")]
    assert {"uk", "de", "us"} <= set(analyzer.known_countries())
    assert found("call 070-123 45 67", "sv") == []
    assert found("call 070-123 45 67", "sv", countries=("se",)) == [("PHONE_NUMBER", "070-123 45 67")]
    for language in ("ja", "th", "xal"):  # no tokenizer of their own is there
        assert found("anna.berg@firma.de", language) == [("EMAIL_ADDRESS", "anna.berg@firma.de")]


def test_entities_are_those_of_the_languages() -> None:
    assert {"EMAIL_ADDRESS", "US_SSN"} <= set(analyzer.load(("en",)).entities())
    assert "IT_FISCAL_CODE" not in analyzer.load(("en",)).entities()
    assert "IT_FISCAL_CODE" in analyzer.load(("it",)).entities()


def test_a_long_text_is_looked_at_in_pieces_and_all_of_it() -> None:
    line = "Where is my card? Write to anna.berg@firma.de or call +49 171 2345678.\n"
    text = line * 1000
    places = analyzer.load(("en",)).places(text, 0.4, {"EMAIL_ADDRESS"})
    assert [(text[p.start : p.end], p.entity) for p in places] == [("anna.berg@firma.de", "EMAIL_ADDRESS")] * 1000
    assert analyzer.load(("en",)).places("x" * 50_000, 0.4, {"EMAIL_ADDRESS"}) == []


SECRETS = {  # of which some need the word before them
    "4111 1111 1111 1111": ("CREDIT_CARD", "4111 1111 1111 1111"),
    "GB82 WEST 1234 5698 7654 32": ("IBAN_CODE", "GB82 WEST 1234 5698 7654 32"),
    "call +34 612 345 678": ("PHONE_NUMBER", "+34 612 345 678"),
    "the passport of my sister 912803456": ("US_PASSPORT", "912803456"),
    "anna.berg@firma.de": ("EMAIL_ADDRESS", "anna.berg@firma.de"),
}


@pytest.mark.parametrize("secret", SECRETS)
@pytest.mark.parametrize("filler", ["little house of blue trees ", "你好，"])
def test_a_secret_is_found_wherever_a_text_is_cut(secret: str, filler: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """White space or none around it, before, in and behind the place where the first piece ends; in short pieces, for time."""
    entity, value = SECRETS[secret]
    monkeypatch.setattr(analyzer, "_PIECE", 600)
    loaded = analyzer.load(("en",))
    for begins in range(600 - analyzer._OVERLAP - 60, 604, 7):
        text = (filler * 600)[-begins:] + secret + filler[::-1] * 40
        places = merged(loaded.places(text, 0.4, {entity}))
        assert [text[a:b] for _, a, b in places] == [value], begins


@pytest.mark.parametrize("secret", SECRETS)
def test_a_secret_is_found_where_a_piece_of_full_length_is_cut(secret: str) -> None:
    entity, value = SECRETS[secret]
    for filler in ("word ", "、"):
        for begins in (analyzer._PIECE - len(secret) + 1, analyzer._PIECE - 8, analyzer._PIECE - 1):
            text = (filler * analyzer._PIECE)[-begins:] + secret + filler[::-1] * 40
            places = merged(analyzer.load(("en",)).places(text, 0.4, {entity}))
            assert [text[a:b] for _, a, b in places] == [value], begins


def test_a_long_text_gives_what_its_short_parts_give() -> None:
    loaded = analyzer.load(("en",))
    wanted = set(loaded.entities()) - {"DATE_TIME", "URL"}
    mails = "write to anna.berg@firma.de from here, or to otto@firma.de, he knows " + "something or other " * 9
    parts = [f"{secret} {'nothing but letters ' * (5 + n % 7)}" for n, secret in enumerate([*SECRETS] * 9)] + [mails]
    for lines in (parts, parts[::-1], [part + "4" * 23 + " so little of this is known " for part in parts]):
        text = "".join(lines)
        assert len(text) > 3 * analyzer._PIECE
        starts = [sum(map(len, lines[:n])) for n in range(len(lines))]
        short = [
            (one.entity, start + a, start + b)
            for start, line in zip(starts, lines, strict=True)
            for one, a, b in merged(loaded.places(line, 0.4, wanted))
        ]
        assert [(one.entity, a, b) for one, a, b in merged(loaded.places(text, 0.4, wanted))] == short


@pytest.mark.parametrize(
    ("begins", "digits"),
    [
        (analyzer._PIECE - 16, "4111111111111111" + "99999999"),
        (analyzer._PIECE - analyzer._OVERLAP - 8, "99999999" + "4111111111111111"),
    ],
)
def test_what_is_one_only_because_it_is_cut_is_none(begins: int, digits: str) -> None:
    """The first or last sixteen digits of more are a card where the first piece ends, or where the second begins."""
    loaded = analyzer.load(("en",))
    text = "、" * begins + digits
    assert loaded.places(text[begins:], 0.4, {"CREDIT_CARD"}) == []
    assert loaded.places(text + "、" * 400, 0.4, {"CREDIT_CARD"}) == []


def test_pieces_overlap_and_are_cut_behind_lines_or_else_words() -> None:
    for text, ends in (("word " * 3000, " "), ("a line of words\n" * 900, "\n"), ("x" * 15_000, "x")):
        pieces = analyzer._pieces(text)
        assert pieces[0][0] == 0
        assert pieces[-1][1] == len(text)
        assert all(end - begin <= analyzer._PIECE and text[end - 1] == ends for begin, end in pieces)
        overlaps = [end - begin for (_, end), (begin, _) in pairwise(pieces)]
        assert all(analyzer._OVERLAP <= shared <= analyzer._OVERLAP + analyzer._EDGE for shared in overlaps)
    assert analyzer._pieces("") == [(0, 0)]


def test_places_that_overlap_become_one_of_the_surest() -> None:
    places = [Place("A", 5, 9, 0.4), Place("B", 0, 6, 0.4), Place("C", 8, 12, 0.9), Place("D", 12, 14, 0.5)]
    assert merged(places) == [(places[2], 0, 12), (places[3], 12, 14)]
    assert merged([Place("A", 0, 4, 0.5), Place("B", 0, 6, 0.5)]) == [(Place("B", 0, 6, 0.5), 0, 6)]
    assert merged([]) == []


BLOCKED = """
import json, socket, sys
asked = []
def refuse(*arguments, **_):
    asked.append(str(arguments[1:]))
    raise OSError("no network")
socket.socket.connect = socket.socket.connect_ex = refuse
socket.getaddrinfo = lambda *arguments, **_: refuse(None, *arguments)
from adaptline.data.transforms.presidio import presidio
text = "anna.berg@firma.co.uk https://a.firma.co.uk/x 58.74.121.78 +49 171 2345678 912803456"
masked = presidio([text], languages=["en", "de", "es", "ja"], countries=["uk", "de"], min_score=0.1)
mine = list(asked)
from presidio_analyzer.predefined_recognizers import EmailRecognizer
EmailRecognizer().validate_result("anna.berg@firma.co.uk")
print(json.dumps([masked, mine, asked]))
"""


def test_nothing_of_it_asks_the_network(tmp_path: Path) -> None:
    environment = {**os.environ, "TLDEXTRACT_CACHE": str(tmp_path), "HOME": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(BLOCKED)], env=environment, capture_output=True, text=True, check=True
    )
    (masked, mine, control) = json.loads(done.stdout.splitlines()[-1])
    assert "<EMAIL>" in masked[0]
    assert mine == []
    assert any("publicsuffix" in asked for asked in control)  # presidio's own recogniser would have


@pytest.mark.parametrize("run", ["1.", "a.", "::", "!", "a@a."])
def test_a_run_that_keeps_expressions_busy_takes_little_time(run: str) -> None:
    loaded = analyzer.load(("en",))
    begun = time.process_time()
    loaded.places(run * (20_000 // len(run)), 0.4, set(loaded.entities()) - {"URL"})
    assert time.process_time() - begun < 10  # of :: in one piece it would be 23


def test_words_of_texts_are_forgotten() -> None:
    loaded = analyzer.load(("en",))
    strings = loaded.words.pipelines["en"].vocab.strings
    loaded.places("write to anna.berg@firma.de", 0.4, {"EMAIL_ADDRESS"})
    before = len(strings)
    for number in range(50):
        loaded.places(f"write wrote{number} to anna{number}.berg@firma.de", 0.4, {"EMAIL_ADDRESS"})
    assert len(strings) == before
