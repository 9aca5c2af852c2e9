"""The messages of the desk: phrases put together to a request, often beside an aside about another intent.

Knows how phrases expand and how a message is composed. Knows nothing of typing errors, files or planted dirt.
The phrases lie in the folder `phrases`, one table per intent.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

from draws import Draws
from lexicon import PHRASES, Slots

FAMILIES = ("bookings", "visits", "listings", "complaints", "accounts", "money")
ASIDE_SHARE = 0.62  # of the messages also mention another intent: what a bag of words cannot tell apart
NEAR_ASIDE_SHARE = 0.5  # of the asides are about an intent of the same family
FORMS = {"ask": 45, "do": 43, "about": 12}  # of a request, in percent
REASONS = {"none": 64, "beside": 24, "only": 12}  # whether a fact stands beside the request, or in its place
ASIDES = {"do": 60, "about": 20, "fact": 20}
MIN_WORDS, MAX_WORDS = 8, 34
_PART = re.compile(r"\{\w+\}|[(|)]|[^({|)}]+")

Phrases = dict[str, list[str]]
Node = list["list[str | Node]"]  # alternatives, each a sequence of text, {slot} and further alternatives


@dataclass(frozen=True)
class Message:
    """A message before anybody mistyped it, the intent that it asks for, and the one it mentions besides."""

    text: str
    intent: str
    aside: str | None


@cache
def families() -> dict[str, dict[str, Phrases]]:
    """The phrases of every intent by family."""
    return {name: tomllib.loads((PHRASES / f"{name}.toml").read_text("utf-8")) for name in FAMILIES}


@cache
def intents() -> tuple[str, ...]:
    """The names of the intents, in the order of the phrase files."""
    return tuple(intent for family in families().values() for intent in family)


@cache
def frames() -> dict[str, Phrases]:
    """The frames that make a message of an intent's phrases."""
    return tomllib.loads((PHRASES / "frames.toml").read_text("utf-8"))


@cache
def _parsed(template: str) -> Node:
    stack: list[Node] = [[[]]]
    for part in _PART.findall(template):
        if part == "(":
            stack.append([[]])
        elif part == "|":
            stack[-1].append([])
        elif part == ")":
            stack[-2][-1].append(stack.pop())
        else:
            stack[-1][-1].append(part)
    return stack[0]


def expand(template: str, draws: Draws, fill: Callable[[str], str]) -> str:
    """One text of a template: of (a|b) one alternative is drawn, and `fill` gives the words of a {slot}."""

    def write(node: Node) -> str:
        return "".join(
            write(part) if isinstance(part, list) else fill(part[1:-1]) if part[0] == "{" else part
            for part in draws.choice(node)
        )

    return write(_parsed(template))


class _Writer:
    """Clauses that speak of the same place, persons and numbers, drawn one after the other."""

    def __init__(self, draws: Draws) -> None:
        self.draws = draws
        self._slots = Slots(draws)

    def of(self, templates: list[str], **given: str) -> str:
        """One text of one of the templates; what is not given is filled from the lexicon."""
        template = self.draws.choice(templates)
        return expand(template, self.draws, lambda name: given[name] if name in given else self._slots.fill(name))

    def framed(self, part: str, kind: str, phrases: Phrases) -> str:
        """The intent's phrase of a kind, do, about or fact, in one of the frames of request or aside."""
        return self.of(frames()[part][kind], **{kind: self.of(phrases[kind])})


def _request(draws: Draws, phrases: Phrases) -> str:
    """What the writer asks for: outright, in a frame, with a reason, or only implied by what happened."""
    writer, frame = _Writer(draws), frames()["request"]
    form, reason = draws.weighted(FORMS), draws.weighted(REASONS)
    if reason == "only":
        return writer.of(frame["implied"], fact=writer.of(phrases["fact"]))
    asked = writer.of(phrases["ask"]) if form == "ask" else writer.framed("request", form, phrases)
    return writer.of(frame["because"], fact=writer.of(phrases["fact"]), request=asked) if reason == "beside" else asked


def _aside(draws: Draws, phrases: Phrases) -> str:
    """A mention of another intent that asks for nothing."""
    return _Writer(draws).framed("aside", draws.weighted(ASIDES), phrases)


def _edges(draws: Draws, core: str, *, follow_up: bool) -> str:
    """The message with a greeting before it and thanks after it, or without."""
    writer, edge = _Writer(draws), frames()["edge"]
    if follow_up and draws.chance(0.5):
        core = f"{writer.of(edge['follow_up'])} {core}"
    elif draws.chance(0.4):
        core = f"{writer.of(edge['opener'])} {core}"
    return f"{core} {writer.of(edge['closer'])}" if draws.chance(0.35) else core


def _other(draws: Draws, intent: str) -> str:
    """Another intent, half of the time one of the same family."""
    family = next(tuple(family) for family in families().values() if intent in family)
    near = draws.chance(NEAR_ASIDE_SHARE)
    return draws.choice([name for name in (family if near else intents()) if name != intent])


def phrases_of(intent: str) -> Phrases:
    """The phrases of one intent."""
    return next(family[intent] for family in families().values() if intent in family)


def _sentences(text: str) -> str:
    """The text with a capital at the start of each sentence and no stop doubled."""
    text = re.sub(r"([.?!])\.", r"\1", re.sub(r"\s+", " ", text).strip())
    return re.sub(r"(^|[.?!] )([a-zé])", lambda found: found[1] + found[2].upper(), text)


def compose(draws: Draws, intent: str, *, follow_up: bool = False, edges: bool = True) -> Message:
    """A message of 8 to 34 words that asks for the intent; a follow-up may open as one; without edges, no greeting."""
    while True:
        core, aside = _request(draws, phrases_of(intent)), None
        if draws.chance(ASIDE_SHARE):
            aside = _other(draws, intent)
            joins = frames()["join"]["aside_first" if draws.chance(0.6) else "aside_last"]
            core = _Writer(draws).of(joins, request=core, aside=_aside(draws, phrases_of(aside)))
        text = _sentences(_edges(draws, core, follow_up=follow_up) if edges else core)
        if MIN_WORDS <= len(text.split()) <= MAX_WORDS:
            return Message(text, intent, aside)
