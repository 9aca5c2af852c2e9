"""What the rules of a step are called, so that a person tells two of a kind apart: as a recipe says, else by their methods.

Knows methods as recipes use them. A name holds no meaning: it enters no key, and lies beside what a recipe made (refs and
events of the store), not in it. Knows nothing of what rules do.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from adaptline.core import registry
from adaptline.core.artifacts import Use
from adaptline.errors import UserError


def numbered(methods: Sequence[str]) -> list[str]:
    """Methods told apart: of two called `length` the second is "length#2"."""
    seen: Counter[str] = Counter()
    found = []
    for name in methods:
        seen[name] += 1
        found.append(name if seen[name] == 1 else f"{name}#{seen[name]}")
    return found


def called(given: Sequence[str | None], methods: Sequence[str]) -> list[str]:
    """What each is called: by the name that it is given, else by its method, numbered among those without a name."""
    rest = iter(numbered([method for name, method in zip(given, methods, strict=True) if name is None]))
    return [next(rest) if name is None else name for name in given]


def names(uses: Sequence[Use]) -> list[str]:
    """What the rules of a list are called."""
    return called([use.alias for use in uses], [use.use for use in uses])


def places(identities: Sequence[Sequence[Any]]) -> list[str]:
    """Rules told apart without their names, as a key may hold it: the method's own name, which no path is part of, and which it is of those.

    Always with a number, "length#1", so that none is taken for what a matcher knows by itself ("length").
    """
    found = numbered([str(identity[1]) for identity in identities])
    return [place if "#" in place else f"{place}#1" for place in found]


def rules_in(values: Mapping[str, Any]) -> list[Use]:
    """The rules among the values of a step's parameters; none of a step that has none."""
    return next((value for value in values.values() if is_rules(value)), [])


def given_in(values: Mapping[str, Any]) -> list[str] | None:
    """The names of a step's rules where a recipe gives some; None where what is stored of the rules tells them, too."""
    rules = rules_in(values)
    return names(rules) if any(use.alias for use in rules) else None


def with_rules(manifest: dict[str, Any], ref: Mapping[str, Any]) -> dict[str, Any]:
    """A manifest with the names that a recipe gives its rules, as a ref or an event of that recipe has them."""
    return {**manifest, "names": ref["names"]} if "names" in ref else manifest


def is_rules(value: Any) -> bool:
    """Whether a parameter's value is a list of rules: filters, matchers, transforms."""
    return isinstance(value, list) and any(isinstance(use, Use) and use.kind in registry.ROW_METHODS for use in value)


def settled(uses: Sequence[Use]) -> list[Use]:
    """Rules as they are kept: what names another by the name that a recipe gives it, names it by its place (`places`).

    So a key tells which rule is meant without holding a name, or the path of a user's file.

    Raises:
        UserError: two rules have one name, or a name may mean two rules.
    """
    found: list[Use] = []
    own, held = names(uses), places([use.identity for use in uses])
    for number, use in enumerate(uses):
        if own[number] in own[:number]:
            example = f'{{ use = "{use.use}", name = "{use.alias or use.use}_2" }}'
            raise UserError(f"two methods called {own[number]!r}", do=f"Give one of them another name: {example}.")
        found.append(_settled(use, own[:number], held[:number], [one.use for one in uses[:number]]))
    return found


def _settled(use: Use, own: Sequence[str], held: Sequence[str], methods: Sequence[str]) -> Use:
    best = use.parameters.get("best")
    if not isinstance(best, str) or use.kind != "matcher" or not registry.takes_scores(use.load()):
        return use
    sign, word = ("-", best[1:]) if best.startswith("-") else ("", best)
    alike = [name for name in own if name == word or name.startswith(f"{word}#")]
    # Where all of a kind have names, the kind's own is no rule's: as "length" it would be taken for the characters.
    alike = alike or [name for name, method in zip(own, methods, strict=True) if method == word]
    if len(alike) > 1 or (alike and word not in own):
        which = " or ".join(repr(name) for name in alike)
        raise UserError(
            f"{use.use} with best = {best!r}, which may mean {which}",
            do=f'Say which: best = "{sign}{alike[-1]}". A method gets a name by {{ use = "{word}", name = "..." }}.',
        )
    if word in own:
        return replace(use, parameters={**use.parameters, "best": sign + held[own.index(word)]})
    if word in held:  # how a place is written is no name
        raise UserError(
            f"{use.use} with best = {best!r}, which is not what a method before it is called",
            do=f"It is called {own[held.index(word)]!r}.",
        )
    return use
