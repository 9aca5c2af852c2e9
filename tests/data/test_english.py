"""English forms: inflection, articles, and parts of speech."""

from __future__ import annotations

import pytest

from adaptline.data import english, wordnet
from adaptline.data.english import Form
from adaptline.data.wordnet import Part


@pytest.mark.parametrize(
    ("base", "part", "form", "irregular", "wanted"),
    [
        ("nation", "noun", "plural", (), "nations"),
        ("country", "noun", "plural", (), "countries"),
        ("box", "noun", "plural", (), "boxes"),
        ("leaf", "noun", "plural", ("leaves",), "leaves"),
        ("photo", "noun", "plural", (), None),
        ("purchase", "verb", "third", (), "purchases"),
        ("fix", "verb", "third", (), "fixes"),
        ("purchase", "verb", "past", (), "purchased"),
        ("halt", "verb", "past", (), "halted"),
        ("carry", "verb", "past", (), "carried"),
        ("stop", "verb", "past", (), "stopped"),
        ("buy", "verb", "past", ("bought",), "bought"),
        ("begin", "verb", "past", ("began", "begun", "beginning"), None),  # a past and a participle of its own
        ("begin", "verb", "ing", ("began", "begun", "beginning"), "beginning"),
        ("make", "verb", "ing", ("made",), "making"),
        ("lie", "verb", "ing", (), "lying"),
        ("see", "verb", "ing", (), "seeing"),
        ("run", "verb", "ing", (), "running"),
        ("play", "verb", "ing", (), "playing"),
        ("large", "adj", "comparative", (), "larger"),
        ("big", "adj", "superlative", (), "biggest"),
        ("pretty", "adj", "comparative", (), "prettier"),
        ("attractive", "adj", "superlative", (), "most attractive"),
        ("quickly", "adv", "base", (), "quickly"),
    ],
)
def test_a_base_takes_a_form(base: str, part: Part, form: Form, irregular: tuple[str, ...], wanted: str | None) -> None:
    assert english.inflect(base, part, form, irregular) == wanted


@pytest.mark.parametrize(
    ("before", "word", "wanted"),
    [
        ("a", "error", "an"),
        ("An", "mistake", "A"),
        ("a", "hour", "an"),
        ("an", "user", "a"),
        ("an", "university", "a"),
        ("a", "umbrella", "an"),
        ("an", "European", "a"),
        ("the", "error", None),
    ],
)
def test_articles_agree(before: str, word: str, wanted: str | None) -> None:
    assert english.article(before, word) == wanted


def test_the_sentence_tells_the_part_of_speech() -> None:
    ways: tuple[Part, ...] = ("noun", "verb")
    no: dict[Part, int] = dict.fromkeys(wordnet.PARTS, 0)
    assert english.part_of("the", False, ways, no) == "noun"
    assert english.part_of("to", False, ways, no) == "verb"
    assert english.part_of("", False, ways, no) is None
    assert english.part_of("", False, ways, {**no, "verb": 9, "noun": 1}) == "verb"
    assert english.part_of("the", True, ("adj", "noun"), no) == "adj"
    assert english.part_of("is", False, ("adj", "noun"), no) == "adj"
    assert english.part_of("of", False, ways, no) == "noun"
    assert english.part_of("of", True, ways, no) is None
    assert english.part_of("to", False, ("adj", "noun"), no) is None
    assert english.part_of("anything", False, ("adv",), no) == "adv"


def test_inflection_undoes_itself_over_the_whole_of_wordnet() -> None:
    """What is put into a form has its base again, for the words that a tagged corpus saw."""
    folder = wordnet.installed()
    if folder is None:
        pytest.skip("WordNet is not installed: apt-get install wordnet-base")
    known = wordnet.read(folder)
    forms: dict[Part, tuple[Form, ...]] = {
        "noun": ("plural",),
        "verb": ("third", "past", "ing"),
        "adj": ("comparative", "superlative"),
        "adv": (),
    }
    asked = right = 0
    for part, wanted in forms.items():
        for base in known.tagged[part]:
            for form in wanted if base in known.senses[part] else ():
                made = english.inflect(base, part, form, known.irregular[part].get(base, ()))
                if made is not None and " " not in made:
                    asked += 1
                    right += base in known.bases(made, part)
    assert asked > 20_000
    assert right / asked > 0.99
