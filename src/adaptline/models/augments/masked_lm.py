"""masked_lm: words put in the place of others that a masked language model finds likely there.

Knows words, their places and chance. What is likely, filling.py says. It knows what fits a place and not what means the same:
"late" may become "early". Lies here and not beside the other augmenters because they may know no models.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from itertools import accumulate
from typing import TYPE_CHECKING, Annotated, NamedTuple

from adaptline.core.demands import Demand, at_least, between, needs
from adaptline.core.registry import augmenter
from adaptline.core.sources import Folder, refuse_changed
from adaptline.data import english
from adaptline.data.open_words import Token, tokens
from adaptline.data.passages import Draws, Passage
from adaptline.errors import UserError
from adaptline.models import bases, runtime

if TYPE_CHECKING:
    from adaptline.models.filling import Filler, Guess

_FILLS = ("ForMaskedLM", "ForPreTraining")  # ends of the names of architectures that have the head for it
_ARE_WORDS = Demand(lambda words: all(word.isalpha() for word in words), "of words of letters")


class _Stretch(NamedTuple):
    """Parts [begin, end) of a text that are read at once, and the words in it that are still to be replaced."""

    text: int
    begin: int
    end: int
    places: list[tuple[int, float]]  # the part, and the number that was drawn for it


def _check(*, base: Folder, max_tokens: int | None = None, **_: object) -> None:
    needs("torch", "transformers", extra="train")
    if not (base.path / "config.json").is_file():
        do = "Name a folder that save_pretrained wrote."
        raise UserError(f"base = {base.name!r}, which holds no model: no config.json", do=do)
    named = bases.config_of(base.path).get("architectures")
    if not any(str(name).endswith(_FILLS) for name in (named if isinstance(named, list) else [])):
        what = f"base = {base.name!r}, which is no masked language model: no architecture ...ForMaskedLM"
        raise UserError(what, do="Name one that fills gaps, such as a BERT before it was trained for another task.")
    most = bases.positions_of(base.path)
    if most is not None and max_tokens is not None and max_tokens > most:
        raise UserError(f"max_tokens = {max_tokens}, and the base takes at most {most}", do=f"Set max_tokens = {most}.")


@augmenter(version=1, check=_check)
def masked_lm(
    passages: list[Passage],
    *,
    base: Folder,
    rate: Annotated[float, between(0, 1)] = 0.15,
    top: Annotated[int, at_least(1)] = 10,
    min_probability: Annotated[float, between(0, 1, low_too=False)] = 0.05,
    keep: Annotated[list[str], _ARE_WORDS] | None = None,
    max_tokens: Annotated[int, at_least(8)] | None = None,
) -> list[str]:
    """Words replaced by others that a masked language model finds likely in their place (Kobayashi, NAACL 2018).

    One word after the other is hidden, from left to right, and one of the likeliest others put in its place, drawn by their
    probabilities: words that are one token, in the case of the old one. Never replaced: numbers, names (a capital within a
    sentence, or capitals only), code, addresses, the row's label and references, English's words of grammar, and words of
    scripts without upper and lower case. Computed in float32 on the CPU; each worker loads the base.

    Args:
        passages: the texts.
        base: a folder with a masked language model in safetensors and its tokenizer, package:NAME or hub:ORG/NAME.
        rate: share of the replaceable words that are chosen; above 0 at least one is, where there is one.
        top: how many of the likeliest words are drawn from.
        min_probability: what is less likely is not drawn: a word stays where nothing else is as likely.
        keep: words that are neither replaced nor put in, in any case; for other languages than English, those of grammar.
        max_tokens: that are read at once, 256 or as many as the base takes if not given; longer texts are read in parts.

    Returns:
        One text per text; the same where nothing was replaced.

    Raises:
        UserError: the base cannot be loaded, or fills no gaps.
    """
    stay = english.CLOSED.union(word.lower() for word in keep or ())
    split = [list(tokens(passage, _has_case)) for passage in passages]
    drawn = [_drawn(found, passage.draws, rate, stay) for found, passage in zip(split, passages, strict=True)]
    made = [[token.text for token in found] for found in split]
    if any(drawn):
        with runtime.deterministic(runtime.thread_count()):
            _fill(made, drawn, _filler(base, max_tokens), top, min_probability, stay)
    return ["".join(parts) for parts in made]


def _has_case(word: str) -> bool:
    return word.lower() != word.upper()


def _drawn(found: Sequence[Token], draws: Draws, rate: float, stay: frozenset[str]) -> list[tuple[int, float]]:
    """The words that are to be replaced, each with a number that chooses among what could stand there."""
    places = [at for at, token in enumerate(found) if token.is_open and token.word not in stay]
    chosen = [at for at in places if draws.happens(rate)]
    if rate and places and not chosen:
        chosen = [draws.choice(places)]
    return [(at, draws.uniform()) for at in chosen]


def _fill(
    made: list[list[str]],
    drawn: Sequence[list[tuple[int, float]]],
    filler: Filler,
    top: int,
    least: float,
    stay: frozenset[str],
) -> None:
    """Replaces the drawn words in `made`: the first of every stretch together, then the second, which sees what stands now."""
    from adaptline.models.filling import Gap  # noqa: PLC0415 - it needs torch

    waiting = [stretch for text, places in enumerate(drawn) for stretch in _stretches(filler, made[text], text, places)]
    while waiting:
        gaps = []
        for text, begin, end, ((at, _), *_) in waiting:
            parts = made[text]
            gaps.append(Gap("".join(parts[begin:at]), parts[at], "".join(parts[at + 1 : end])))
        for (text, _, _, ((at, draw), *_)), guesses in zip(
            waiting, filler.guesses(gaps, top, least, stay), strict=True
        ):
            if guesses:
                made[text][at] = english.cased(_pick(guesses, draw), made[text][at])
        waiting = [one._replace(places=one.places[1:]) for one in waiting if len(one.places) > 1]


def _stretches(filler: Filler, parts: Sequence[str], text: int, places: Sequence[tuple[int, float]]) -> list[_Stretch]:
    """Those of a text that have words to replace."""
    if not places:
        return []
    runs = [(begin, end, [p for p in places if begin <= p[0] < end]) for begin, end in filler.stretches(parts)]
    return [_Stretch(text, begin, end, inside) for begin, end, inside in runs if inside]


def _pick(guesses: Sequence[Guess], draw: float) -> str:
    """The word whose share of the probabilities holds a number from 0 to below 1."""
    ends = list(accumulate(likely for _, likely in guesses))
    return next((word for (word, _), end in zip(guesses, ends, strict=True) if draw * ends[-1] < end), guesses[-1][0])


@lru_cache(maxsize=1)
def _filler(base: Folder, max_tokens: int | None) -> Filler:
    """Loaded once per process, not once per shard."""
    from adaptline.models.filling import load_filler  # noqa: PLC0415 - a recipe is planned with this module, without torch

    filler = load_filler(base.path, max_tokens)
    refuse_changed(base)
    return filler
