"""What unicode mends, what it leaves alone, and that it is done after once."""

# ruff: noqa: RUF001 - characters that look like others are what these tests are about

from __future__ import annotations

import gzip
import html
import json
import time
import unicodedata
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from adaptline.data.transforms.unicode import unicode

Find = Callable[[str], Path]
PIECES = [
    *["&amp;", "&lt;", "&gt;", "&#60;", "&quot;", "&nbsp;", "&amp;amp;lt;", "&", ";", "<", ">", "amp"],
    *["<br>", "<br/>", "</p>", "<p>", "<div class='x'>", "</div>", "<td>", "</td>", "<b>", "</b>", "<i>", "<span>"],
    *["a", "B", " ", "\n", "\r\n", "\r", "\t", "\u2028", "\x0b", "é", "e\u0301", "Ã©", "â€™", "Â\xa0", "\x85", "\x92"],
    *[
        "\u200b",
        "\u200c",
        "\u200d",
        "\ufeff",
        "\xad",
        "\x00",
        "👩",
        "💻",
        "क्",
        "ก",
        "ﬁ",
        "Ａ",
        "🏴",
        "\U000e0067",
        "`",
        '"',
    ],
]
TEXTS = st.lists(st.sampled_from(PIECES), max_size=12).map("".join) | st.text(max_size=30)
SETTINGS = st.fixed_dictionaries(
    {"form": st.sampled_from(["NFC", "NFKC", "none"]), "breaks": st.sampled_from(["line", "space"])}
    | {name: st.booleans() for name in ("mojibake", "html", "invisible", "white_space")}
)
PLAINER = ("single_spaces", "straight_quotes", "plain_dashes", "lower_case", "no_punctuation")
OFF: dict[str, Any] = {"form": "none", "mojibake": False, "html": False, "invisible": False, "white_space": False}


def mended(text: str, **parameters: Any) -> str:
    (found,) = unicode([text], **parameters)
    return found


@given(TEXTS, SETTINGS)
@example("&amp;lt;br&amp;gt;", {})
@example("<<p>p>a", {})
@example("&acirc;&euro;&trade;", {})
@settings(max_examples=400, deadline=None)
def test_a_mended_text_stays_as_it_is(text: str, parameters: dict[str, Any]) -> None:
    once = mended(text, **parameters)
    assert mended(once, **parameters) == once


@given(TEXTS, SETTINGS, st.fixed_dictionaries({name: st.booleans() for name in PLAINER}))
@settings(max_examples=400, deadline=None)
def test_so_does_a_plainer_text(text: str, parameters: dict[str, Any], plainer: dict[str, bool]) -> None:
    once = mended(text, **parameters, **plainer)
    assert mended(once, **parameters, **plainer) == once


@pytest.mark.parametrize(
    ("option", "text", "plain"),
    [
        ("single_spaces", "a  b\n\n\n\nc", "a b\n\nc"),
        ("straight_quotes", "“don’t”", '"don\'t"'),
        ("plain_dashes", "1990–95 — not", "1990-95 - not"),
        ("lower_case", "Größe IN Köln", "größe in köln"),
        ("no_punctuation", "Don't! It costs 3.50, i.e. little.", "Don't It costs 3.50 i e little"),
    ],
)
def test_a_text_is_made_plainer_on_request(option: str, text: str, plain: str) -> None:
    assert mended(text, **{option: True}) == plain
    assert mended(text) == text


@given(TEXTS)
def test_with_everything_off_nothing_changes(text: str) -> None:
    assert mended(text, **OFF) == text


@given(st.text(st.characters(min_codepoint=32, max_codepoint=126, exclude_characters="&<")), SETTINGS)
def test_plain_text_passes_through(text: str, parameters: dict[str, Any]) -> None:
    plain = text.rstrip()
    assert mended(plain, **parameters) == plain


@given(TEXTS)
def test_the_fast_way_is_no_other_way(text: str) -> None:
    # A visible character outside ASCII takes the slow way and changes nothing else.
    slow = mended(text + "\n\u4e00")
    assert mended(text) == slow.removesuffix("\u4e00").rstrip() or not text.isascii() or "<" in text or "&" in text


def test_one_text_each_in_order() -> None:
    assert unicode([]) == []
    assert unicode(["caf\u00c3\u00a9", "plain", ""]) == ["café", "plain", ""]


@pytest.mark.parametrize(
    ("broken", "whole"),
    [
        ("CafÃ© NiÃ±o", "Café Niño"),
        ("donâ€™t", "don’t"),
        ("Ã¼ber\nПривет, мир", "über\nПривет, мир"),  # line by line: the second line cannot be Windows-1252
        ("\x93quoted\x94", "“quoted”"),
        ("привет".encode().decode("latin-1"), "привет"),
        ("ÃƒÂ©t\u00c3\u0192\u00c2\u00a9", "été"),  # twice
    ],
)
def test_mojibake_is_undone(broken: str, whole: str) -> None:
    assert mended(broken) == whole
    assert mended(broken, mojibake=False, invisible=False) == broken


@pytest.mark.parametrize(
    "text", ["naïve café", "½ × ¾ ÷", "Größe", "¿Qué?", "Â", "“don’t”", "100 €", "Москва", "日本語"]
)
def test_what_only_looks_odd_is_left_alone(text: str) -> None:
    assert mended(text) == text


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("Tom &amp; Jerry &lt;3", "Tom & Jerry <3"),
        ("&#8220;hi&#8221; &#x2019;", "“hi” ’"),
        ("&eacute;t&eacute;", "été"),
        ("a &amp;amp;amp; b", "a & b"),
        ("R&D, AT&T; a&b", "R&D, AT&T; a&b"),
        ("?a=1&copy=2&lt=3", "?a=1&copy=2&lt=3"),
        ("one<br>two<br />three<BR/>four", "one\ntwo\nthree\nfour"),
        ("one <br> two", "one\ntwo"),
        ("one<br>\ntwo", "one\ntwo"),
        ("one<br><br>two", "one\n\ntwo"),
        ("<p>one</p><p>two</p>", "one\n\ntwo"),
        ("one\n\n<div>two</div>", "one\n\ntwo"),
        ('<div class="a" id=b>one</div>', "one"),
        ("<ul><li>one</li><li>two</li></ul>", "one\ntwo"),
        ("<table><tr><td>a</td><td>b</td></tr><tr><td>c</td></tr></table>", "a b\nc"),
        ("a <b>bold</b> and <i>slanted</i> <a href='x.y'>link</a>", "a bold and slanted link"),
        ('<span class="msg">hi <em>you</em></span>', "hi you"),
        ("x</p>", "x"),
        ("&lt;p&gt;one&lt;/p&gt;", "one"),
    ],
)
def test_html_remains_become_text(text: str, plain: str) -> None:
    assert mended(text) == plain
    assert mended(text, html=False) == text


def test_breaks_may_be_spaces() -> None:
    assert mended("<p>one</p><p>two<br>three</p>", breaks="space") == "one two three"


@pytest.mark.parametrize(
    "text",
    [
        "if a < b and c > d",
        "a<b && c>d",
        "List<b> xs, Map<i, s>",
        "vector<map> v; #include <map>",
        "I <3 you",
        "<T> and <name> and <http://x.y>",
        "<p and more",
        "<b b and c>",
        "write <p> in HTML",
        "the <br> tag breaks a line",
        "```\n<p>one</p>\n```",
        "say `<br>` to break",
        "echo '<table>';",
        "<!DOCTYPE html><p>one</p>",
        "<script>x()</script><p>one</p>",
        "<pre><code>a &lt; b</code></pre>",
        "const App = () => <div>&nbsp;</div>",
        '<div className="x">',
        "int main() {\n  return a<b>c;\n}",
        "x<sup>2</sup>",
        "</s>[INST] <|im_start|>user",
    ],
)
def test_code_and_what_is_about_tags_is_left_alone(text: str) -> None:
    assert mended(text) == text


@pytest.mark.parametrize(
    ("text", "seen"),
    [
        ("a\x00b\x1bc\x7fd", "abcd"),
        ("\ufeffstart", "start"),
        ("zero\u200bwidth\u2060 so\u00adft", "zerowidth soft"),
        ("\u202eevil\u202c \u2066x\u2069", "evil x"),
        ("a\u200db\u200cc", "abc"),
        ("hidden\U000e0068\U000e0069", "hidden"),
        ("🏴\U000e0068\U000e0069\U000e007f", "🏴"),
        ("\U000e0001\U000e0065\U000e006e", ""),
        ("e\u0301", "é"),
    ],
)
def test_what_cannot_be_seen_goes(text: str, seen: str) -> None:
    assert mended(text) == seen


@pytest.mark.parametrize(
    "text",
    [
        "می‌خواهم",  # Persian: a non-joiner inside a word
        "क्‍ष",  # Devanagari: a half form
        "ശ്രീ ന്‍",  # Malayalam: a chillu, the joiner at the word's end
        "👩‍💻 👨‍👩‍👧 🏳️‍🌈 ❤️‍🔥",
        "🏴\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f",  # the flag of England
        "ភាសា\u200bខ្មែរ",  # Khmer: words part at zero-width spaces
        "❤️ ☎️ 1️⃣",
        "tab\tinside",
        "    indented\n        more",
        "one\n\ntwo",
        "\n\nleading",
    ],
)
def test_what_shapes_the_seen_stays(text: str) -> None:
    assert mended(text) == unicodedata.normalize("NFC", text)


def test_line_ends_and_trailing_space() -> None:
    assert mended("a\r\nb\rc\u2028d\u2029e\x0bf\x0cg") == "a\nb\nc\nd\ne\nf\ng"
    assert mended("a \t\nb\u00a0\n\n c  \n\n") == "a\nb\n\n c"
    assert mended("a \n", white_space=False) == "a \n"
    assert mended("a\u0085b", mojibake=False) == "a\nb"


def test_normal_forms() -> None:
    text = "ﬁ Ａ ² e\u0301 Å"
    assert mended(text) == "ﬁ Ａ ² é Å"
    assert mended(text, form="NFKC") == "fi A 2 é Å"
    assert mended(text, form="none") == text


@pytest.mark.parametrize(
    "hostile",
    [
        "<p" + " " * 200_000,
        "<br>" * 50_000,
        "<" * 20_000 + "p>" * 20_000,
        "&" + "amp;" * 50_000 + "lt;",
        "\n" * 200_000 + "<é",
        "<br " * 50_000,
        "<p a=" * 50_000,
        " \n" * 100_000 + "é",
        "`" * 100_000 + "<",
        "\u200d" * 200_000,
        "<;" + " ;" * 100_000,
    ],
    ids=lambda text: ascii(text[:6]),
)
def test_a_text_made_to_keep_us_busy_does_not(hostile: str) -> None:
    started = time.process_time()
    mended(hostile)
    assert time.process_time() - started < 5


def lines(path: Path) -> Iterator[Any]:
    with gzip.open(path, "rt", encoding="utf-8") as file:
        yield from map(json.loads, file)


def broken(text: str) -> str:
    """UTF-8 read as Windows-1252, or as Latin-1 where that has no such character."""
    try:
        return text.encode().decode("cp1252")
    except UnicodeDecodeError:
        return text.encode().decode("latin-1")


def test_real_sentences_of_13_languages_survive_being_broken(real_data: Find) -> None:
    with gzip.open(real_data("par_pud/pud_parallel.tsv.gz"), "rt", encoding="utf-8", newline="") as file:
        sentences = [cell.strip() for line in file for cell in line.split("\t")[1:]][13:]
    clean = unicode(sentences)
    assert clean == [unicodedata.normalize("NFC", text) for text in sentences]
    foreign = [text for text in clean if sum(not sign.isascii() for sign in text) >= 3][::10]
    found = unicode([broken(text) for text in foreign])
    assert len(foreign) > 500
    assert sum(new == old for new, old in zip(found, foreign, strict=True)) > 0.99 * len(foreign)


def test_real_web_pages(real_data: Find) -> None:
    texts = [row["text"].rstrip() for row in lines(real_data("web_c4_wiki/c4_demo.jsonl.gz"))]
    found = unicode(texts)
    changed = sum(new != old for new, old in zip(found, texts, strict=True))
    assert unicode(found) == found
    assert 5 <= changed <= 12  # 4 with mojibake, 3 with control or zero-width characters, entities
    assert not any("Ã" in text or "â€" in text or "\u200b" in text for text in found)


def test_hidden_words_in_real_prompts_are_removed(real_data: Find) -> None:
    with gzip.open(real_data("adv_promptinjection/prompt_injection.json.gz"), "rt", encoding="utf-8") as file:
        texts = [row["user_input"] for row in json.load(file)]
    smuggled = [text for text in texts if any(0xE0000 <= ord(sign) <= 0xE007F for sign in text)]
    assert smuggled
    assert not any(0xE0000 <= ord(sign) <= 0xE007F for text in unicode(smuggled) for sign in text)


def test_entities_in_real_tweets(real_data: Find) -> None:
    with gzip.open(real_data("tox_davidson/labeled_data.csv.gz"), "rt", encoding="utf-8") as file:
        texts = [line.rstrip() for line in file]
    found = unicode(texts)
    with_entity = [(old, new) for old, new in zip(texts, found, strict=True) if html.unescape(old) != old]
    assert len(with_entity) > 6000
    assert sum("&amp;" in new or "&#" in new for _, new in with_entity) < 0.01 * len(with_entity)


def test_real_sentences_of_thirteen_languages_keep_their_letters_and_digits(real_data: Find) -> None:
    with gzip.open(real_data("par_pud/pud_parallel.tsv.gz"), "rt", encoding="utf-8", newline="") as file:
        cells = [cell for line in list(file)[1:] for cell in line.rstrip("\r\n").split("\t")[1:]]
    marks: dict[str, Any] = {
        "single_spaces": True,
        "straight_quotes": True,
        "plain_dashes": True,
        "no_punctuation": True,
    }
    for before, after in zip(unicode(cells), unicode(cells, **marks), strict=True):
        assert [*filter(str.isalnum, before)] == [*filter(str.isalnum, after)]
        assert len(after.split()) >= len(before.split()) - sum(not any(map(str.isalnum, w)) for w in before.split())
