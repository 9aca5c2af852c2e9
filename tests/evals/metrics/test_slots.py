from __future__ import annotations

import csv
import gzip
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adaptline.core import registry
from adaptline.core.signatures import bind_use
from adaptline.errors import UserError
from adaptline.evals.metrics.slots import attributes, slots

RealData = Callable[[str], Path]

CHERRY = "name[The Tin Cherry], eatType[pub], priceRange[less than £20], customer rating[5 out of 5]"


def share(prediction: str, prompt: str = CHERRY, **given: Any) -> float:
    return slots([prediction], [[]], [prompt], **given)[0]


@pytest.mark.parametrize(
    ("prompt", "found"),
    [
        ("name[The Tin Cherry], eatType[pub]", [("name", "The Tin Cherry"), ("eatType", "pub")]),
        (
            "Describe this place: name[A], customer rating[5 out of 5].",
            [("name", "A"), ("customer rating", "5 out of 5")],
        ),
        ("Be brief.\n- name[A]\n- near[B, by C]\nThank you!", [("name", "A"), ("near", "B, by C")]),
        (
            "name[A] price-range[£20-25] near[A] near[B]",
            [("name", "A"), ("price-range", "£20-25"), ("near", "A"), ("near", "B")],
        ),
        ("name[], area[ riverside ]", [("area", "riverside")]),
        (
            "Describe:\nname: The Tin Cherry\nprice range: £20: at most\n\n- area : city",
            [("name", "The Tin Cherry"), ("price range", "£20: at most"), ("area", "city")],
        ),
        ("name[A], note: be kind", [("name", "A")]),
        ("[1] [", []),
        ("say something", []),
        ("", []),
    ],
)
def test_attributes(prompt: str, found: list[tuple[str, str]]) -> None:
    assert attributes(prompt) == found


words = st.text(st.characters(categories=["L", "Nd"]), min_size=1, max_size=8)


@given(st.lists(st.tuples(words, words), min_size=1, max_size=6))
def test_what_is_written_is_read(pairs: list[tuple[str, str]]) -> None:
    prompt = ", ".join(f"{key}[{value}]" for key, value in pairs)
    assert attributes(prompt) == pairs
    assert (
        share(
            f"Values: {' / '.join(value for _, value in pairs)}",
            prompt,
            said={f"{key}[{value}]": [value] for key, value in pairs},
        )
        == 1.0
    )


def test_long_prompts_take_no_time() -> None:
    for prompt in ("[" * 100_000, "word " * 100_000, "a[" * 50_000, "- " * 100_000 + "name[A]"):
        attributes(prompt)


def test_the_share_of_stated_values() -> None:
    assert share("The Tin Cherry, a pub for less than £20, has 5 out of 5.") == 1.0
    assert share("the tin  CHERRY is a Pub") == 0.5
    assert share("The Cherry is a pub") == 0.25
    assert share("") == 0.0


@pytest.mark.parametrize(
    ("value", "stated", "missed"),
    [
        ("pub", "A pub.", "publicly"),
        ("£20-25", "It costs £20-25!", "It costs £20-250, or £120-25"),
        ("£20", "for £20, or (£20)", "for £200 or £20.50 or £20,000"),
        ("5 out of 5", "rated 5 out of 5.", "rated 4.5 out of 5 and 5 out of 50"),
        ("high", "High", "highest"),
        ("Café Ä", "cafe\u0301 a\u0308", "Cafe A"),
        ("city centre", "city\ncentre", "city-centre"),
        ("C++ (bar)", "the c++ (bar)", "the C"),
    ],
)
def test_values_stand_whole(value: str, stated: str, missed: str) -> None:
    assert share(stated, f"x[{value}]") == 1.0
    assert share(missed, f"x[{value}]") == 0.0


class TestSaid:
    def test_other_words_count_too(self) -> None:
        prompt = "priceRange[cheap], area[riverside]"
        said = {"priceRange[cheap]": ["inexpensive", "low prices"], "area": ["by the river"]}
        assert share("Inexpensive, by the river", prompt, said=said) == 1.0
        assert share("cheap, riverside", prompt, said=said) == 1.0
        assert share("inexpensive", "priceRange[high]", said=said) == 0.0

    def test_of_yes_and_no_the_words_alone(self) -> None:
        said = {"familyFriendly[no]": ["adults only"], "FAMILYFRIENDLY[YES]": ["families"], "familyFriendly": ["any"]}
        assert share("Adults only!", "familyFriendly[no]", said=said) == 1.0
        assert share("no, not any", "familyFriendly[no]", said=said) == 0.0
        assert share("for families", "familyFriendly[Yes]", said=said) == 1.0

    @pytest.mark.parametrize("said", [None, {"familyFriendly": ["any"]}, {"familyFriendly[no]": []}])
    def test_yes_and_no_need_words(self, said: dict[str, list[str]] | None) -> None:
        with pytest.raises(UserError, match="no text says 'no' for familyFriendly of item 2") as caught:
            slots(["", ""], [[], []], ["name[A]", "name[B], familyFriendly[no]"], said=said)
        assert caught.value.do == 'List words that do: said = { "familyFriendly[no]" = ["..."] }.'


def test_only_some_keys_and_all_or_nothing() -> None:
    assert share("The Tin Cherry", only=["NAME"]) == 1.0
    assert share("The Tin Cherry", only=["name", "customer rating"]) == 0.5
    assert share("The Tin Cherry", every=True) == 0.0
    assert share("The Tin Cherry", every=True, only=["name"]) == 1.0
    assert share("", "familyFriendly[no], name[A]", only=["name"]) == 0.0, "what does not count needs no words"


def test_mistakes() -> None:
    with pytest.raises(UserError, match="item 2 has no value that slots could look for") as caught:
        slots(["", ""], [[], []], ["name[A]", "hello"])
    assert "Its keys: none." in caught.value.do
    with pytest.raises(UserError, match="item 1 has no value that slots could look for, of nmae") as caught:
        share("", only=["nmae"])
    assert "Its keys: name, eatType, priceRange, customer rating." in caught.value.do
    with pytest.raises(ValueError, match="argument 2 is"):
        slots(["a"], [[], []], ["name[A]", "name[B]"])


def test_a_recipe_can_say_it_all(tmp_path: Path) -> None:
    table = {"use": "slots", "name": "all_slots", "every": True, "said": {"a[no]": ["not a"]}, "only": ["a"]}
    found = bind_use("metrics", table, "metric", tmp_path)
    assert found.parameters == {"every": True, "said": {"a[no]": ["not a"]}, "only": ["a"]}
    assert found.name == "all_slots"


def test_signature_refuses_as_scoring_would() -> None:
    says = registry.load("metric", "slots").options["signature"]
    assert says([[]], ["name[A]"], said=None, only=None, every=False) == "slots|of:all|every:no|said:no"
    one, two = (says([[]], ["b[A]"], said={"x": [word]}, only=["b", "a"], every=True) for word in "yz")
    assert one.startswith("slots|of:a,b|every:yes|said:")
    assert one != two
    with pytest.raises(UserError, match="no text says 'yes' for a of item 1"):
        says([[]], ["a[yes]"], said=None, only=None, every=False)


def test_people_name_the_place_that_they_describe(real_data: RealData) -> None:
    with gzip.open(real_data("nlg_e2e") / "testset_w_refs.csv.gz", "rt", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    said = {"familyFriendly[yes]": ["family friendly", "child friendly"], "familyFriendly[no]": ["not family friendly"]}
    prompts, told = [row["mr"] for row in rows], [row["ref"] for row in rows]
    names = slots(told, [[] for _ in rows], prompts, only=["name"])
    everything = slots(told, [[] for _ in rows], prompts, said=said)
    assert sum(names) / len(names) > 0.98
    assert 0.6 < sum(everything) / len(everything) < 0.95
