from __future__ import annotations

from typing import Any

import pytest

from adaptline.core import registry
from adaptline.errors import UserError
from adaptline.evals.metrics.slots import slots

ASKED = "name[The Tin Cherry], eatType[pub], priceRange[less than £20], rating[5 out of 5], familyFriendly[no]"
SAID = {"familyFriendly[no]": ["adults only", "grown-ups only"], "familyFriendly[yes]": ["family friendly"]}


def score(text: str, asked: str = ASKED, **given: Any) -> float:
    (found,) = slots([text], [[]], [asked], **{"said": SAID, **given})
    return found


def test_the_share_of_values_that_are_stated() -> None:
    whole = "The Tin Cherry is an adults only Pub.  Bills are less than\n£20, and it is rated 5 out of 5."
    assert score(whole) == 1
    assert score(whole.replace("Pub", "bar")) == pytest.approx(0.8)
    assert score("Nothing.") == 0


def test_values_are_whole_words() -> None:
    assert score("Tin Cherry pubs", "name[Tin], eatType[pub]") == 0.5
    assert score("It costs £200", "priceRange[£20]") == 0
    assert score("15 out of 5", "rating[5 out of 5]") == 0


def test_yes_and_no_are_stated_by_other_words() -> None:
    assert score("no", "familyFriendly[no]") == 0
    assert score("Adults Only!", "familyFriendly[no]") == 1
    assert score("It is family friendly", "familyFriendly[no]") == 0
    with pytest.raises(UserError, match=r"no words state terrace\[yes\]") as caught:
        score("It has a terrace", "terrace[yes]")
    assert 'said = { "terrace[yes]"' in caught.value.do


def test_other_words_for_a_value_count_beside_it() -> None:
    said = {"area[riverside]": ["by the river"]}
    assert score("by the river", "area[riverside]", said=said) == 1
    assert score("riverside", "area[riverside]", said=said) == 1


def test_some_keys_and_all_or_nothing() -> None:
    assert score("The Tin Cherry", only=["name"]) == 1
    assert score("The Tin Cherry", every=True) == 0
    assert score("The Tin Cherry, a pub", only=["name", "eatType"], every=True) == 1


def test_text_around_the_table_and_values_with_commas() -> None:
    assert score("Fig, Thistle & Co", "Describe: name[Fig, Thistle & Co] | area[]") == 1


def test_a_prompt_without_slots() -> None:
    with pytest.raises(UserError, match="the prompt of item 1 has no slots"):
        score("The Tin Cherry", "The Tin Cherry")
    with pytest.raises(UserError, match="the prompt of item 1 has no slots"):
        score("The Tin Cherry", only=["nam"])


def test_its_signature_and_that_it_asks_for_prompts() -> None:
    method = registry.load("metric", "slots")
    assert registry.takes_prompts(method)
    assert not registry.takes_prompts(registry.load("metric", "accuracy"))
    assert set(registry.method_parameters(method)) == {"said", "only", "every"}
    assert method.options["signature"]([], said=SAID, only=["name"], every=True) == (
        "slots|keys:name|every|case:lc|other-words:3"
    )
