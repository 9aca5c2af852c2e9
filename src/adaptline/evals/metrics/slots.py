"""The share of an item's input values that its output states.

Knows tables of attributes as the E2E challenge writes them (Novikova et al. 2017), and words that state a value. Knows
nothing of meaning: a value in other words is missed unless these are listed, and one that is denied counts as stated.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from functools import cache

from adaptline.core.registry import metric
from adaptline.data.text import fold
from adaptline.errors import UserError
from adaptline.evals.answers import References

Said = dict[str, list[str]]

_VALUE = re.compile(r"\[([^\[\]]*)\]")
_NO_KEY = re.compile(r"[^\w -]")
_SAY_NOTHING = ("yes", "no", "true", "false")  # values that no text states by themselves


def _signature(
    references: References,  # noqa: ARG001 - the values stand in the prompts
    prompts: Sequence[str],
    *,
    said: Said | None,
    only: list[str] | None,
    every: bool,
) -> str:
    _wanted(prompts, said or {}, only)
    words = hashlib.sha256(json.dumps(said or {}, sort_keys=True).encode()).hexdigest()[:8] if said else "no"
    return f"slots|of:{','.join(sorted(only)) if only else 'all'}|every:{'yes' if every else 'no'}|said:{words}"


@metric(version=2, bounds=(0.0, 1.0), signature=_signature)
def slots(
    predictions: list[str],
    references: list[list[str]],  # noqa: ARG001 - the values stand in the prompts
    prompts: list[str],
    *,
    said: Said | None = None,
    only: list[str] | None = None,
    every: bool = False,
) -> list[float]:
    """Share of the values of an item's prompt that stand in its prediction, each as whole words.

    Case, width and runs of white space do not count. Made-up values are not seen: a prediction that states a wrong
    price beside the right one has stated it.

    Args:
        predictions: one per item.
        references: not looked at.
        prompts: what each item asks: attributes as "name[The Tin Cherry], eatType[pub]", with any text around them that
            a full stop, a colon or a line end keeps apart from the first key; or, where there are none, "key: value"
            lines.
        said: other words that state a value, by "key[value]" or by the key: {"priceRange[cheap]": ["inexpensive"]}. Of
            values that are yes or no only the words count, and each needs some:
            {"familyFriendly[no]": ["adults only", "no children"]}.
        only: the keys that count; all where none are given. Every item must have one of them.
        every: 1.0 where all values are stated, else 0.0, instead of the share.

    Returns:
        0 to 1 per item.

    Raises:
        UserError: an item without values, or a yes or no without words for it.
    """
    scores = []
    for prediction, wanted in zip(predictions, _wanted(prompts, said or {}, only), strict=True):
        text = fold(prediction)
        stated = [any(_pattern(words).search(text) for words in ways) for ways in wanted]
        scores.append(float(all(stated)) if every else sum(stated) / len(stated))
    return scores


def _wanted(prompts: Sequence[str], said: Mapping[str, list[str]], only: list[str] | None) -> list[list[list[str]]]:
    """Of each item, of each value that counts, the ways to state it."""
    known = {fold(name): words for name, words in said.items()}
    keys = None if only is None else {fold(key) for key in only}
    found = []
    for number, prompt in enumerate(prompts, start=1):
        values = attributes(prompt)
        counted = [(key, value) for key, value in values if keys is None or fold(key) in keys]
        if not counted:
            there = ", ".join(dict.fromkeys(key for key, _ in values)) or "none"
            raise UserError(
                f"item {number} has no value that slots could look for, of {', '.join(only or ['any key'])}",
                do=f"A prompt needs attributes as in name[The Tin Cherry], area[riverside]. Its keys: {there}.",
            )
        found.append([_ways(key, value, known, number) for key, value in counted])
    return found


def attributes(prompt: str) -> list[tuple[str, str]]:
    """The keys and values of a prompt, in order; a key may come several times, empty values are left out."""
    found, end = [], 0
    for match in _VALUE.finditer(prompt):
        found.append((_NO_KEY.split(prompt[end : match.start()])[-1], match[1]))
        end = match.end()
    if not found:
        found = [(key, value) for key, _, value in (line.partition(":") for line in prompt.splitlines())]
    pairs = [(key.strip(" -"), value.strip()) for key, value in found]
    return [(key, value) for key, value in pairs if key and value]


def _ways(key: str, value: str, known: Mapping[str, list[str]], number: int) -> list[str]:
    special = known.get(fold(f"{key}[{value}]"), [])
    if fold(value) not in _SAY_NOTHING:
        return [value, *special, *known.get(fold(key), [])]
    if not special:
        raise UserError(
            f"no text says {value!r} for {key} of item {number}",
            do=f'List words that do: said = {{ "{key}[{value}]" = ["..."] }}.',
        )
    return special


@cache
def _pattern(words: str) -> re.Pattern[str]:
    """Where words stand whole: "£20" neither in "£200" nor in "£20.50", "5 out of 5" not in "4.5 out of 5"."""
    return re.compile(rf"(?<!\w)(?<!\d[.,]){re.escape(fold(words))}(?!\w)(?![.,]\d)")
