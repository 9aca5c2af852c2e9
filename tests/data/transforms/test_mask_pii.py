"""What mask_pii puts in the place of personal data, what it leaves, and that it is done after once, in little time."""

from __future__ import annotations

import json
import re
import time
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

import adaptline as al
from adaptline.data.personal.finding import KINDS, find
from adaptline.data.transforms.mask_pii import mask_pii
from adaptline.errors import UserError

TEXT = (
    "Anna wrote from anna.berg@firma.de, +49 171 2345678 and 58.74.121.78: pay card 4012 8888 8888 1881 or "
    "DE89 3704 0044 0532 0130 00, SSN 460-89-9847; key AKIAIOSFODNN7ABCDEFG"
)
MASKED = "Anna wrote from <EMAIL>, <PHONE> and <IP>: pay card <CARD> or <IBAN>, SSN <US_SSN>; key <SECRET>"
KNOWN = "user-ff09a39428@example.com 9318 0176 2489 4479 203.0.113.40"
PIECES = [
    *["anna@firma.de", "+49 171 2345678", "212-736-5000", "4012888888881881", "DE89370400440532013000", "58.74.121.78"],
    *[
        "460-89-9847",
        "111222333",
        "44051401359",
        "phone ",
        "BSN ",
        "card ",
        "pesel ",
        "<PHONE>",
        "<EMAIL>",
        "user:pa55wd@",
    ],
    *[
        "2a00:1450:4001:81b::200e",
        "3a:4b:5c:6d:7e:8f",
        "://",
        "?token=",
        "abcdef1234567890abcd",
        "AKIAIOSFODNN7ABCDEFG",
    ],
    *[
        "@",
        ".",
        "-",
        "+",
        "(",
        ")",
        "/",
        ":",
        " ",
        ",",
        "\n",
        "<",
        ">",
        "1",
        "0",
        "٣",
        "\uff15",
        "a",
        "é",
        "電話",
        "\ud800",
    ],
    *["555-0123", "user-0123456789@example.com", "192.0.2.7", "x123", "-----BEGIN PRIVATE KEY-----", "EXAMPLE"],
]
texts_of_pieces = st.lists(st.sampled_from(PIECES), max_size=14).map("".join)


def test_values_become_tags_and_all_else_stays() -> None:
    assert mask_pii([TEXT, "nothing here", ""]) == [MASKED, "nothing here", ""]


def test_only_the_kinds_that_are_asked_for_are_masked() -> None:
    assert mask_pii([TEXT], kinds=["email"]) == [TEXT.replace("anna.berg@firma.de", "<EMAIL>")]
    assert mask_pii([TEXT], kinds=[]) == [TEXT]


def test_what_is_to_be_kept_stays() -> None:
    assert mask_pii(["a.b@firma.de, c@other.de"], keep=[r"@firma\.de$"]) == ["a.b@firma.de, <EMAIL>"]
    assert mask_pii(["at 192.168.0.7"], private=True) == ["at <IP>"]


def test_pseudonyms_are_the_same_everywhere_and_others_for_another_seed() -> None:
    first, again = mask_pii(["mail anna@firma.de", "x Anna@firma.de y"], mode="pseudonym", seed=3)
    (other,) = mask_pii(["mail anna@firma.de"], mode="pseudonym", seed=4)
    name = first.removeprefix("mail ")
    assert again == f"x {name} y"
    assert other != first
    # What the golden texts do not hold: a stored result must not change under the same version.
    assert mask_pii(["anna@firma.de 4012 8888 8888 1881 58.74.121.78"], mode="pseudonym") == [KNOWN]


@pytest.mark.parametrize("mode", ["mask", "pseudonym"])
@given(text=texts_of_pieces | st.text())
@example("phone 212-736-5000 23456789")
@example("BSN 111222333 phone 111222333")
@example("+49 171 2345678-2a00:1450:4001:81b::200e")
def test_masking_twice_is_masking_once(mode: str, text: str) -> None:
    once = mask_pii([text], mode=mode)  # type: ignore[arg-type]
    assert mask_pii(once, mode=mode) == once  # type: ignore[arg-type]


@given(texts_of_pieces | st.text())
def test_what_is_outside_of_values_is_the_same_to_the_character(text: str) -> None:
    tags = "|".join(f"<{kind.upper()}>" for kind in KINDS)
    left = re.split(tags, mask_pii([text])[0])
    at = 0
    for piece in left:  # the pieces between tags stand in the text, in order, and at both of its ends
        at = text.index(piece, at) + len(piece)
    assert text.startswith(left[0])
    assert text.endswith(left[-1])
    assert find(text) or mask_pii([text]) == [text]


def test_nothing_depends_on_the_other_texts() -> None:
    together = mask_pii([TEXT, "a@b.de", TEXT], mode="pseudonym")
    assert together == [mask_pii([text], mode="pseudonym")[0] for text in (TEXT, "a@b.de", TEXT)]


HOSTILE = [
    *("7", "1-", "12-3456-", "@", "a@", "a@a.aa@", ".", "1.", "a.", ":", "1:", "ab:", "1 ", "(1)", "+1 ", "-", "=&?"),
    *("123456789\n", "call 212-736-5000 \n", "://a:b", "-----BEGIN PRIVATE KEY-----", "eyJaaaaaaaaaaa.", "?token=a1"),
    *(
        "DE89",
        "DE89 ",
        "AB12",
        "phone 12345678, ",
        "\uff11-",
        "sk-",
        "a1",
        "x",
        "1 x 1 ext ",
        "AKIA",
        "5.6.7.8/",
        "::1",
    ),
]


def seconds(text: str) -> float:
    began = time.process_time()
    mask_pii([text])
    return time.process_time() - began


@pytest.mark.parametrize("unit", HOSTILE)
def test_time_grows_with_length_alone(unit: str) -> None:
    size = 100_000
    short, long = (unit * (size * times // len(unit)) for times in (1, 4))
    one, four = min(seconds(short) for _ in range(3)), min(seconds(long) for _ in range(2))
    assert four <= 8 * one + 0.05  # four times the length: a quadratic expression takes sixteen times as long
    assert four <= 2.0


def test_a_recipe_names_what_is_wrong_with_its_parameters(tmp_path: Path) -> None:
    source, out = tmp_path / "in.jsonl", tmp_path / "out.jsonl"
    source.write_text(json.dumps({"text": TEXT}) + "\n")
    with pytest.raises(UserError, match="keep of mask_pii must be a list, each a string in the syntax of Python's re"):
        al.curate(source, out, do=[{"use": "mask_pii", "keep": ["("]}])
    with pytest.raises(UserError, match="kinds of mask_pii must be one of"):
        al.curate(source, out, do=[{"use": "mask_pii", "kinds": ["emial"]}])
    al.curate(source, out, do=["mask_pii"])
    assert json.loads(out.read_text())["text"] == MASKED
