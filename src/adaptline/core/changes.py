"""What differs between the parameters of two versions of a step: rule by rule in words, for plan, and as tables, for diff.

Knows parameters as keys hold them, and the names of rules. Knows nothing of stores, or of what a change costs: whoever asks
says which rules' scores are there.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from adaptline.core import keys, moves, naming

Change = tuple[str, str | None]  # in words; and the rule, if nothing but a bound of it has changed
_BOUNDS = ("min", "max", "keep", "drop", "unjudged")  # of a filter's scores: they are compared anew, nothing is scored
_LONGEST = 60  # characters of a value that a line shows


def tables(manifest: dict[str, Any]) -> dict[str, Any]:
    """Parameters in a person's words: a list of methods as one entry per method, its identity as its version."""
    told: dict[str, Any] = {}
    for name, value in manifest["meaning"]["parameters"].items():
        if not _is_rules(value):
            told[name] = value
            continue
        rules = _rules(manifest, value)
        told[f"{name}, in this order"] = list(rules)
        for rule, (identity, given, settings) in rules.items():
            told[f"{name}.{rule}"] = {"version": _version(identity), **given, **settings}
    return told


def alike(old: dict[str, Any], new: dict[str, Any]) -> dict[str, Any]:
    """The old manifest with its rules called as in the new one where only a name was given, changed or taken away."""
    before, after = old["meaning"]["parameters"], new["meaning"]["parameters"]
    for name, value in after.items():
        if _is_rules(value) and _is_rules(before.get(name)):
            return {**old, "names": _followed(_rules(old, before[name]), _rules(new, value))}
    return old


def _followed(old: Mapping[str, Sequence[Any]], new: Mapping[str, Sequence[Any]]) -> list[str]:
    """Names of old rules; those that are gone are replaced, in order, by the new names of rules of their method."""
    fresh = [(name, rule[0][1]) for name, rule in new.items() if name not in old]
    found = []
    for name, rule in old.items():
        pair = next((pair for pair in fresh if pair[1] == rule[0][1]), None) if name not in new else None
        if pair:
            fresh.remove(pair)
        found.append(pair[0] if pair else name)
    return found


def words(old: dict[str, Any], new: dict[str, Any], stored: Sequence[str] = ()) -> list[str]:
    """What differs in the parameters, each change in a few words: "length.min 20 -> 30", "exact added".

    Args:
        old: a manifest.
        new: what a manifest will say: its meaning, and the names of its rules.
        stored: the filters whose scores are there if nothing but bounds has changed.
    """
    before, after = old["meaning"]["parameters"], new["meaning"]["parameters"]
    found: list[Change] = []
    for name in sorted({*before, *after}):
        was, now = before.get(name), after.get(name)
        if _is_rules(was) and _is_rules(now):
            found += _of_rules(_rules(old, was), _rules(new, now))
        elif was != now:
            found.append((_change(name, was, now, "its default"), None))
    only_bounds = all(rule is not None for _, rule in found)
    return [f"{told} (its scores are stored)" if only_bounds and rule in stored else told for told, rule in found]


def _of_rules(old: Mapping[str, Sequence[Any]], new: Mapping[str, Sequence[Any]]) -> Iterator[Change]:
    yield from ((f"{rule} added", None) for rule in new if rule not in old)
    yield from ((f"{rule} removed", None) for rule in old if rule not in new)
    both = [rule for rule in new if rule in old]
    if both != [rule for rule in old if rule in new]:
        yield f"the order now is {', '.join(both)}", None
    for rule in both:
        yield from _of_rule(rule, old[rule], new[rule])


def _of_rule(rule: str, old: Sequence[Any], new: Sequence[Any]) -> Iterator[Change]:
    (was_identity, was_given, was_settings), (identity, given, settings) = old, new
    if _version(identity) != _version(was_identity):
        yield f"{rule} is {_version(identity, 'version ')} now, was {_version(was_identity, 'version ')}", None
    elif identity != was_identity:
        yield f"files of {rule}", None
    for key in sorted({*given, *was_given}):
        if given.get(key) != was_given.get(key):
            yield _change(f"{rule}.{key}", was_given.get(key), given.get(key), "its default"), None
    for key in sorted({*settings, *was_settings}):
        if settings.get(key) != was_settings.get(key):
            told = _change(f"{rule}.{key}", was_settings.get(key), settings.get(key), "none")
            yield told, rule if key in _BOUNDS else None


def _change(name: str, old: Any, new: Any, nothing: str) -> str:
    """One value that differs, both shown where they are short."""
    both = [_shown(value, nothing) for value in (old, new)]
    return name if None in both else f"{name} {both[0]} -> {both[1]}"


def _shown(value: Any, nothing: str) -> str | None:
    """A value in a line, or None for one that is nothing to read: a digest, a table."""
    if value is None:
        return nothing
    if isinstance(value, list) and value and all(isinstance(entry, str | int | float) for entry in value):
        return _shown(" ".join(map(str, value)), nothing)
    text = f"{value:g}" if isinstance(value, float) else str(value)
    return text if isinstance(value, str | int | float) and len(text) <= _LONGEST else None


def _rules(manifest: dict[str, Any], value: Sequence[Any]) -> dict[str, Sequence[Any]]:
    """A list of methods as parameters hold it, by what each is called."""
    names = moves.rules(manifest) or naming.numbered(
        [settings.get("name") or identity[1] for identity, _, settings in value]
    )
    return dict(zip(names, value, strict=True))


def _version(identity: Sequence[Any], word: str = "") -> int | str:
    if isinstance(identity[2], int):
        return f"{word}{identity[2]}" if word else identity[2]
    return f"source {keys.short(identity[2])}"


def _is_rules(value: Any) -> bool:
    return bool(value) and isinstance(value, list) and all(_is_use(entry) for entry in value)


def _is_use(value: Any) -> bool:
    return isinstance(value, list) and len(value) == 3 and isinstance(value[0], list) and isinstance(value[1], dict)  # noqa: PLR2004 - signatures.meaning of a method
