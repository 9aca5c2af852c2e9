"""What can be wrong with a chat as such: the order of its turns, empty and repeated ones, refusals, answers cut short.

Knows roles, marks and patterns. Knows nothing of whether an answer is right. These rules are ours: no paper sets them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Annotated, Any

import pyarrow as pa

from adaptline.core.demands import at_least
from adaptline.core.registry import filter
from adaptline.data import measures, text
from adaptline.errors import UserError, did_you_mean

RULES = ("roles", "empty", "repeated", "refusal", "broken_off")
# How assistants of several makers begin a refusal, or fall out of their role.
REFUSALS = [
    r"\bas an (ai|artificial intelligence)\b.{0,40}\b(can(no|')t|cannot|am (not able|unable)|do(n't| not) have|not have)",
    r"\bi'?m (just |only )?an (ai|artificial intelligence)( language)? (model|assistant)\b",
    r"^(i'?m |i am )?(very |so |really )?(sorry|afraid)\b.{0,40}\b(i|we) (can(no|')t|cannot|am (not able|unable)|won't)\b",
    r"^(unfortunately,? )?i (can(no|')t|cannot|am (not able|unable) to|won't) (assist|help|fulfil|comply|provide|do that)",
]
_BEGINNING = 300  # characters of an answer in which a refusal is looked for
_FOLLOWS = {
    None: ("system", "user"),
    "system": ("user",),
    "user": ("assistant",),
    "assistant": ("user", "tool"),
    "tool": ("tool", "assistant"),
}
_FENCE = re.compile(r"^[ \t]*(?:```[^`\n]*|~~~.*)$", re.MULTILINE)  # CommonMark 0.31, section 4.5
# Lines that stop without a mark where nothing was cut: items, headings, rows of a table, quotes, indented code.
_LISTED = re.compile(r"\s*(?:[-*+\u2022>#|]|\(?\w{1,3}[.):]\s|\d)|\s{4}")
_UNFINISHED = re.compile(r"(?:\w|[,(\[{<\u2018\u201c\u00ab\u3001\uff0c-])$")


def _check(*, rules: Sequence[str] = RULES, refusals: Sequence[str] = REFUSALS, **_: object) -> None:
    for rule in rules:
        if rule not in RULES:
            raise UserError(f"the rule {rule!r}, which chat does not know", do=did_you_mean(rule, RULES))
    for pattern in refusals:
        try:
            found = re.compile(pattern, re.IGNORECASE)
        except re.error as error:
            raise UserError(
                f"a refusal that is no regular expression: {pattern!r}: {error}",
                do="The syntax is that of Python's re.",
            ) from error
        if found.search(""):
            raise UserError(f"the pattern {pattern!r}, which fits any answer", do="Say what a refusal must hold.")


_RULES = list(RULES)


@filter(version=1, labels=measures.labels(RULES), defaults={"keep": [measures.FINE]}, check=_check)
def chat(
    rows: pa.Table,
    *,
    rules: list[str] = _RULES,
    min_repeated: Annotated[int, at_least(1)] = 20,
    min_words: Annotated[int, at_least(1)] = 10,
    refusals: list[str] = REFUSALS,
) -> pa.StructArray:
    """Whether a chat is whole: "fine", or the first rule that it breaks. Keeps "fine" by default.

    The rules, in this order:
        roles: a system's message may come first; then user and assistant take turns, the user first. Tools speak after
            the assistant, who speaks after them. Which turn is the last is free.
        empty: a turn without anything but white space. An assistant that calls a tool may say nothing.
        repeated: a user or assistant says what was said before, but for case and white space.
        refusal: an answer fits one of the patterns in its first 300 characters. Those given are English.
        broken_off: an answer has a code fence that is not closed; or its last line has `min_words` words and ends in a
            letter, a digit, a comma, an opening bracket or quotation mark, or a hyphen, and is no item of a list, heading,
            row of a table, or code. A script without spaces has few words, so there only fences tell.

    Args:
        rows: a shard. A row that is a plain text, or has no messages, has no score.
        rules: those that are looked at.
        min_repeated: characters from which a turn counts as repeated; "yes" may be said twice.
        min_words: words (runs of anything but white space) from which a last line must end like a sentence; shorter ones are
            signatures and bare results.
        refusals: regular expressions of Python's re; case does not count, a curly apostrophe is a straight one.

    Returns:
        Per row `score`, the label, and `because`, which turn it is (from 1) and what is wrong with it.
    """
    patterns = _compiled(tuple(refusals))

    def broken(messages: Sequence[dict[str, Any]]) -> tuple[str, str | None]:
        found = {
            "roles": lambda: _out_of_order(messages),
            "empty": lambda: _empty(messages),
            "repeated": lambda: _repeated(messages, min_repeated),
            "refusal": lambda: _refusal(messages, patterns),
            "broken_off": lambda: _broken_off(messages, min_words),
        }
        told = ((rule, next(found[rule](), None)) for rule in RULES if rule in rules)
        return next(((rule, because) for rule, because in told if because), (measures.FINE, None))

    given = rows["messages"].to_pylist()
    return measures.verdicts([broken(messages) if _is_chat(messages) else None for messages in given])


def _is_chat(messages: Sequence[dict[str, Any]] | None) -> bool:
    return bool(messages) and any(message["role"] != "text" for message in messages or ())


def _out_of_order(messages: Sequence[dict[str, Any]]) -> Iterator[str]:
    before = None
    for number, message in enumerate(messages, start=1):
        role = message["role"]
        if role not in _FOLLOWS.get(before, ()):
            yield f"turn {number}: {role} after {before}" if before else f"turn 1: {role} begins"
        before = role


def _empty(messages: Sequence[dict[str, Any]]) -> Iterator[str]:
    for number, message in enumerate(messages, start=1):
        calls = message["role"] == "assistant" and number < len(messages) and messages[number]["role"] == "tool"
        if not (message["content"] or "").strip() and not calls:
            yield f"turn {number}: {message['role']} says nothing"


def _repeated(messages: Sequence[dict[str, Any]], shortest: int) -> Iterator[str]:
    first: dict[str, int] = {}
    for number, message in enumerate(messages, start=1):
        folded = text.fold(message["content"] or "")
        if message["role"] in ("user", "assistant") and len(folded) >= shortest:
            if folded in first:
                yield f"turn {number}: says what turn {first[folded]} says"
            first.setdefault(folded, number)


def _refusal(messages: Sequence[dict[str, Any]], patterns: Sequence[re.Pattern[str]]) -> Iterator[str]:
    for number, answer in _answers(messages):
        beginning = answer[:_BEGINNING].replace("\u2019", "'")
        for place, pattern in enumerate(patterns, start=1):
            if pattern.search(beginning):
                yield f"turn {number}: fits pattern {place} of {len(patterns)}"


def _broken_off(messages: Sequence[dict[str, Any]], shortest: int) -> Iterator[str]:
    for number, answer in _answers(messages):
        if len(_FENCE.findall(answer)) % 2:
            yield f"turn {number}: a code fence is open at its end"
        last = answer.rpartition("\n")[2]
        if len(last.split()) >= shortest and _UNFINISHED.search(last) and not _LISTED.match(last):
            yield f"turn {number}: ends in {last[-20:]!r}"


def _answers(messages: Sequence[dict[str, Any]]) -> Iterator[tuple[int, str]]:
    """The number of each of the assistant's turns and what it says, without white space at its ends."""
    for number, message in enumerate(messages, start=1):
        if message["role"] == "assistant":
            yield number, (message["content"] or "").strip()


@lru_cache(maxsize=16)
def _compiled(patterns: tuple[str, ...]) -> tuple[re.Pattern[str], ...]:
    return tuple(re.compile(pattern, re.IGNORECASE) for pattern in patterns)
