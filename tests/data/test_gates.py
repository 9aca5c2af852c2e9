"""Gates for texts said anew."""

from __future__ import annotations

import re
import time
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adaptline.data.gates import GATES, Bounds, Gate, _stand_in, loops, names, numbers, refusals, similarity

BOUNDS = Bounds(
    min_similarity=0.3, max_similarity=0.95, min_length=0.5, max_length=2.0, min_meaning=0.7, max_meaning=0.9
)
OLD = "Please tell Anna Berg that 2 cards cost 1,234.50 euros at https://example.com/cards today."


def refused(old: str, new: str, language: str = "en", gates: tuple[Gate, ...] = GATES) -> Gate | None:
    return refusals([(old, new)], language, BOUNDS, gates, speaks_of_cards)[0]


def speaks_of_cards(pairs: Sequence[tuple[str, str]]) -> list[float]:
    """A measure of meaning: whether the new text speaks of what the old one speaks of, if that is a card."""
    return [0.2 if "card" in old and "card" not in new else 0.8 for old, new in pairs]


CASES: dict[Gate, tuple[str, str]] = {
    "copy": (OLD, OLD.replace("Please tell", "please  tell").rstrip(".") + "!"),
    "length": ("Please tell Anna that the cards are here.", "Tell Anna."),
    "loop": (OLD, OLD.replace("today", "today at the bank at the bank at the bank")),
    "numbers": (OLD, OLD.replace("Please tell", "Say to").replace("1,234.50", "1,234.60")),
    "names": (OLD, OLD.replace("Please tell", "Say to").replace("Anna", "Ana")),
    "language": ("How do I find out where my new card is?", "Como encuentro donde esta mi new card?"),
    "similarity": ("How do I find out where my new card is?", "Who could be telling us about this thing?"),
    "meaning": ("How do I find out where my new card is?", "How do I find out where my new house is?"),
}


@pytest.mark.parametrize("gate", GATES)
def test_each_gate_refuses_alone_and_can_be_told_off(gate: Gate) -> None:
    old, new = CASES[gate]
    assert refused(old, new) == gate
    assert refused(old, new, gates=(gate,)) == gate
    assert refused(old, new, gates=tuple(other for other in GATES if other != gate)) in (None, "similarity", "meaning")


def test_the_same_in_other_words_passes() -> None:
    new = "Say to Anna Berg, please, that the 2 cards cost 1.234,50 euros today at https://example.com/cards."
    assert refused(OLD, new) is None


def test_many_pairs_are_judged_in_their_order() -> None:
    order = [*GATES, *reversed(GATES)]
    assert refusals([CASES[gate] for gate in order], "en", BOUNDS, GATES, speaks_of_cards) == order


def test_a_short_text_is_not_taken_for_another_language_and_an_old_one_may_be() -> None:
    assert refused("Ok, thanks!", "Ok, merci!", gates=("language",)) is None
    assert refused("Wo ist meine Karte geblieben?", "Wo ist meine Karte denn jetzt?", gates=("language",)) is None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1,234.50 and 1.234,50 and 1\u00a0234,50", {"123450": 3}),
        ("at 12:30, 7 o'clock", {"1230": 1, "7": 1}),
        ("3, 4", {"3": 1, "4": 1}),
        ("\u0663\u0664 and 34", {"34": 2}),
        ("none", {}),
    ],
)
def test_numbers_count_by_their_digits(text: str, expected: dict[str, int]) -> None:
    assert numbers(text) == expected


@pytest.mark.parametrize(
    ("text", "language", "expected"),
    [
        ("The man met Anna in New York. Then I left.", "en", {"Anna", "New", "York"}),
        ("- Pay by VISA\n- Anna's card", "en", {"VISA"}),
        ('He said: "Come" and I\'m gone, I think.', "en", set()),
        ("WHY DOES IT NOT WORK", "en", set()),
        ("Die Karte liegt auf dem Tisch der IKEA.", "de", {"IKEA"}),
        ("Mail <NAME> at a.b@example.com, {slot}", "en", {"<NAME>", "a.b@example.com", "{slot}"}),
        ("I asked Mr. Smith of the U.N. about it.", "en", {"Mr", "Smith", "U.N"}),
        ("we met\u00a0Anna", "en", {"Anna"}),
    ],
)
def test_names_are_capitals_inside_sentences_and_what_is_no_language(
    text: str, language: str, expected: set[str]
) -> None:
    assert names(text, language) == expected


def test_a_name_that_begins_a_sentence_afterwards_is_kept_and_a_new_one_is_seen() -> None:
    assert refused("I gave it to Anna.", "Anna was given it.", gates=("names",)) is None
    assert refused("Banks called me.", "I was called by Banks.", gates=("names",)) is None
    assert refused("the bank called me.", "the Bank called me.", gates=("names",)) == "names"
    assert refused("the bank called me.", "the Barclays called me.", gates=("names",)) == "names"


@given(st.text("ab{}. ", min_size=1, max_size=5), st.text("ab{}. ", max_size=30))
def test_a_name_stands_where_no_letter_is_at_its_sides(name: str, text: str) -> None:
    assert _stand_in({name}, text) == bool(re.search(rf"(?<!\w){re.escape(name)}(?!\w)", text))


@pytest.mark.parametrize("form", ["Nam{0}q", "Al-Nam{0}q"])
def test_many_names_are_looked_for_in_one_walk_over_the_text(form: str) -> None:
    forms = [form.format("".join(map(chr, (97 + i // 676, 97 + i // 26 % 26, 97 + i % 26)))) for i in range(15_000)]
    old = "x " + " ".join(f"then {one} went" for one in forms)
    new = ". ".join(f"{one} went" for one in forms)
    began = time.process_time()
    assert refused(old, new, gates=("names",)) is None
    assert time.process_time() - began < 4


@pytest.mark.parametrize(
    ("text", "expected"),
    [("", 0), ("a b c", 1), ("no no", 2), ("the card the card the card", 3), ("very very very very good", 4)],
)
def test_loops_are_words_in_a_row(text: str, expected: int) -> None:
    assert loops(text) == expected


def test_a_loop_that_was_there_before_is_none() -> None:
    assert refused("no no no no, not the card", "not the card, no no no no", gates=("loop",)) is None


def test_a_script_without_spaces_loops_too() -> None:
    assert loops("\u6211\u4eec\u6211\u4eec\u6211\u4eec") == 3


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("the cat sat on the mat", "a cat sat upon a mat"),
        ("How do I find my card?", "How can I locate my card?"),
        ("ab", "abc"),
        ("same", "same"),
        ("\u4f60\u597d\u5417", "\u4f60\u597d\u5440"),
        ("abc", "xyz"),
    ],
)
def test_similarity_is_sacrebleus_chrf(old: str, new: str) -> None:
    sacrebleu = pytest.importorskip("sacrebleu")
    expected = sacrebleu.sentence_chrf(new, [old], eps_smoothing=False).score / 100
    assert similarity(old, new) == pytest.approx(expected, abs=1e-9)


@given(st.text(max_size=30), st.text(max_size=30))
def test_any_two_texts_have_a_verdict(old: str, new: str) -> None:
    assert 0 <= similarity(old, new) <= 1 + 1e-9
    assert refused(old, new) in (None, *GATES)
    assert refused(old, old) == "copy"


def test_meaning_is_asked_only_of_those_that_pass_all_else_and_has_a_band() -> None:
    asked: list[tuple[str, str]] = []

    def measure(pairs: Sequence[tuple[str, str]]) -> list[float]:
        asked.extend(pairs)
        return [0.69, 0.7, 0.9, 0.91]

    good = [(f"Where is my new card {one}?", f"Where can my new card {one} be?") for one in "1234"]
    pairs = [CASES["copy"], *good, CASES["numbers"], CASES["language"], CASES["similarity"]]
    found = refusals(pairs, "en", BOUNDS, GATES, measure)
    assert found == ["copy", "meaning", None, None, "meaning", "numbers", "language", "similarity"]
    assert asked == good
    without = [gate for gate in GATES if gate != "meaning"]
    assert refusals(good, "en", BOUNDS, without, measure) == [None] * 4
    assert refusals(good, "en", BOUNDS) == [None] * 4  # nothing measures it
