"""The share of an input's values that the output states. Knows tables of attributes as the E2E challenge writes them."""

from __future__ import annotations

import re

from adaptline.core.registry import metric
from adaptline.errors import UserError

_SLOT = re.compile(r"([^\[\],;|]+?)\s*\[([^\]]*)\]")
_SAYS_NOTHING = {"yes", "no", "true", "false"}  # values that nobody states as they are
_NOTHING_SAID: dict[str, list[str]] = {}


def _signature(
    references: list[list[str]],
    *,
    said: dict[str, list[str]] = _NOTHING_SAID,
    only: list[str] | None = None,
    every: bool = False,
) -> str:
    del references
    keys = "all" if only is None else "+".join(only)
    return f"slots|keys:{keys}|{'every' if every else 'share'}|case:lc|other-words:{sum(map(len, said.values()))}"


@metric(version=1, bounds=(0.0, 1.0), signature=_signature)
def slots(
    predictions: list[str],
    references: list[list[str]],
    prompts: list[str],
    *,
    said: dict[str, list[str]] = _NOTHING_SAID,
    only: list[str] | None = None,
    every: bool = False,
) -> list[float]:
    """The share of an item's values that its output states, 0 to 1; what is stated besides is not looked at.

    An item asks with a table, name[The Tin Cherry], eatType[pub] (Novikova et al. 2017). A value is stated where it
    stands in the output as whole words, whatever their case.

    Args:
        predictions: one text per item.
        references: not looked at.
        prompts: what each item asked.
        said: other words that state a value, by "key[value]": { "familyFriendly[no]" = ["adults only"] }. yes and no are
            stated by such words alone.
        only: the keys that count; all if not given.
        every: 1.0 where all are stated, else 0.0, instead of their share.

    Returns:
        One score per item.

    Raises:
        UserError: a prompt without a table or without a key that counts, or a yes or no that no words state.
    """
    del references
    scores = []
    for number, (prediction, prompt) in enumerate(zip(predictions, prompts, strict=True), start=1):
        table = [(key.strip(), value.strip()) for key, value in _SLOT.findall(prompt) if value.strip()]
        counted = [slot for slot in table if only is None or slot[0] in only]
        if not counted:
            keys = "a table like name[The Tin Cherry], eatType[pub]" if only is None else f"one of {', '.join(only)}"
            raise UserError(f"the prompt of item {number} has no slots", do=f"slots looks for {keys}.")
        text = _folded(prediction)
        stated = [any(_stands_in(words, text) for words in _ways(key, value, said)) for key, value in counted]
        scores.append(float(all(stated)) if every else sum(stated) / len(stated))
    return scores


def _ways(key: str, value: str, said: dict[str, list[str]]) -> list[str]:
    others = said.get(f"{key}[{value}]", [])
    if value.lower() not in _SAYS_NOTHING:
        return [value, *others]
    if not others:
        do = f'said = {{ "{key}[{value}]" = ["...", "..."] }}'
        raise UserError(f"no words state {key}[{value}]", do=do)
    return others


def _folded(text: str) -> str:
    return " ".join(text.casefold().split())


def _stands_in(words: str, text: str) -> bool:
    return re.search(rf"(?<!\w){re.escape(_folded(words))}(?!\w)", text) is not None
