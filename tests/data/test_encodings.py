from __future__ import annotations

import codecs
import gzip
from collections.abc import Callable
from pathlib import Path

import pytest

from adaptline.data.encodings import FALLBACK, LEGACY, detect
from adaptline.data.streams import Coding
from adaptline.errors import UserError

RealData = Callable[[str], Path]
Put = Callable[[str, bytes | str], Path]
PNG = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + bytes(range(256)) * 20


@pytest.mark.parametrize("text", ["plain ASCII\n", "héllo wörld\n", "日本語\n", "\U0001f600\n", "half\ufffdknown\n"])
def test_valid_utf8_is_utf8(put: Put, text: str) -> None:
    assert detect(put("a.txt", text)) == Coding("utf-8")


@pytest.mark.parametrize("compress", [gzip.compress, bytes])
def test_a_few_invalid_bytes_do_not_make_it_another_encoding(put: Put, compress: Callable[[bytes], bytes]) -> None:
    lines = "naïve café\n".encode() * 50 + "naïve café\n".encode("cp1252")
    assert detect(put("a.txt", compress(lines))).encoding == "utf-8"


def test_mostly_invalid_bytes_do(put: Put) -> None:
    lines = "naïve café\n".encode() + "naïve café, déjà vu\n".encode("cp1252") * 50
    assert detect(put("a.txt", lines)).encoding == "cp1252"


def test_one_byte_outside_ascii_makes_a_legacy_file(put: Put) -> None:
    assert detect(put("a.txt", b"price: \xa3 20\n")).encoding == FALLBACK


@pytest.mark.parametrize(
    ("mark", "encoding"),
    [
        (codecs.BOM_UTF8, "utf-8"),
        (codecs.BOM_UTF16_LE, "utf-16-le"),
        (codecs.BOM_UTF16_BE, "utf-16-be"),
        (codecs.BOM_UTF32_LE, "utf-32-le"),
        (codecs.BOM_UTF32_BE, "utf-32-be"),
    ],
)
def test_a_byte_order_mark_decides(put: Put, mark: bytes, encoding: str) -> None:
    path = put("a.txt", mark + "text\n".encode(encoding))
    assert detect(path) == Coding(encoding, mark)


@pytest.mark.parametrize("said", ["utf-16", "UTF_16", "utf-16-le", "utf-16-be"])
def test_the_mark_tells_the_byte_order_of_what_the_user_said(put: Put, said: str) -> None:
    path = put("a.txt", codecs.BOM_UTF16_LE + "text\n".encode("utf-16-le"))
    assert detect(path, said) == Coding("utf-16-le", codecs.BOM_UTF16_LE)


def test_what_the_user_said_overrules_the_bytes(put: Put) -> None:
    path = put("a.txt", "héllo\n")
    assert detect(path, "latin-1").encoding == "iso8859-1"
    assert detect(path, "utf-8-sig") == Coding("utf-8")


@pytest.mark.parametrize("said", ["utf-9", "base64", "rot13", "idna", "undefined", "\0"])
def test_an_unknown_encoding_is_a_mistake(put: Put, said: str) -> None:
    with pytest.raises(UserError, match="unknown encoding"):
        detect(put("a.txt", "x\n"), said)


def test_a_picture_is_no_text(put: Put) -> None:
    with pytest.raises(UserError, match=r"is no text: \d+ % of its first bytes are control characters"):
        detect(put("a.jsonl", PNG))


def test_utf16_without_a_mark_is_pointed_out(put: Put) -> None:
    path = put("a.txt", "plain text\n".encode("utf-16-le"))
    with pytest.raises(UserError, match="UTF-16 or UTF-32 without a byte order mark"):
        detect(path)
    assert detect(path, "utf-16-le").encoding == "utf-16-le"


@pytest.mark.parametrize(("said", "mark"), [("utf-16", b""), ("utf-32", b""), ("utf-16", codecs.BOM_UTF8)])
def test_utf16_alone_does_not_tell_the_order_of_bytes(put: Put, said: str, mark: bytes) -> None:
    path = put("a.txt", mark + "plain text\n".encode("utf-16-le"))
    with pytest.raises(UserError, match=f"has no byte order mark of {said}") as caught:
        detect(path, said)
    assert f'encoding = "{said}-le"' in caught.value.do


def test_some_control_characters_are_text(put: Put) -> None:
    assert detect(put("a.txt", b"a bell \x07 and a zero \0 in a longer line of text\n" * 10)).encoding == "utf-8"


def test_parquet_has_no_encoding(put: Put) -> None:
    assert detect(put("a.parquet", b"PAR1 and so on")) == Coding("")


@pytest.mark.parametrize(
    ("content", "mac"),
    [(b"one\rtwo\r", True), (b"one\r\ntwo\r\n", False), (b"one\ntwo\rstill two\n", False), (b"one", False)],
)
def test_carriage_returns_end_lines_only_where_nothing_else_does(put: Put, content: bytes, mac: bool) -> None:
    assert detect(put("a.txt", content)).mac is mac


def test_lines_of_a_recoded_file_are_looked_at_in_its_encoding(put: Put) -> None:
    path = put("a.txt", codecs.BOM_UTF16_LE + "one\rtwo\r".encode("utf-16-le"))
    assert detect(path).mac


def parallel(real_data: RealData) -> list[list[str]]:
    """The same sentences in 13 languages, a line each; the first line names the languages."""
    text = gzip.decompress(real_data("par_pud/pud_parallel.tsv.gz").read_bytes()).decode()
    return [line.split("\t") for line in text.splitlines()]


@pytest.mark.parametrize(
    ("language", "encoding"),
    [
        ("de", "cp1252"),
        ("fr", "cp1252"),
        ("es", "cp1252"),
        ("pt", "cp1252"),
        ("fi", "cp1252"),
        ("pl", "cp1250"),
        ("ru", "cp1251"),
        ("ru", "koi8_r"),
        ("ar", "cp1256"),
        ("zh", "gb18030"),
    ],
)
@pytest.mark.parametrize("sentences", [20, 400])
def test_real_sentences_in_legacy_encodings_come_back(
    put: Put, real_data: RealData, language: str, encoding: str, sentences: int
) -> None:
    table = parallel(real_data)
    column = table[0].index(language)
    data = "".join(f"{row[column]}\n" for row in table[1 : sentences + 1]).encode(encoding, "ignore")
    assert encoding in LEGACY
    found = detect(put("a.txt", data)).encoding
    assert data.decode(found) == data.decode(encoding)


def test_little_turkish_may_be_taken_for_western_but_much_is_not(put: Put, real_data: RealData) -> None:
    table = parallel(real_data)
    text = "".join(f"{row[table[0].index('tr')]}\n" for row in table[1:401])
    assert detect(put("a.txt", text.encode("cp1254", "ignore"))).encoding == "cp1254"


def test_the_real_spam_file_is_a_western_code_page(real_data: RealData) -> None:
    assert detect(real_data("clf_sms_spam/spam_latin1.csv")).encoding == "cp1252"
    assert detect(real_data("clf_sms_spam/sms.tsv")) == Coding("utf-8")


def test_the_real_irish_file_has_a_mark(real_data: RealData) -> None:
    assert detect(real_data("par_tatoeba_en_ga/tatoeba.tsv.gz")) == Coding("utf-8", codecs.BOM_UTF8, "gzip")
