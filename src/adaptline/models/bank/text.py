"""An answer's tokens as text that grows: what can be said of it already, and where it stops.

Knows text. Knows nothing of models. A character of several tokens waits until it is whole, white space at the end until
something follows, and what might be the beginning of a stop word until it is known.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

_HALF = "\N{REPLACEMENT CHARACTER}"  # what bytes decode to that are no whole character yet


@dataclass
class Growing:
    """One answer. `decode` turns tokens into text; `stops` are texts before which the answer ends.

    Only the last few tokens are decoded at each step, so a long answer costs no more a token than a short one: how a token
    is written depends on the one before it, not on all of them.
    """

    decode: Callable[[Sequence[int]], str]
    stops: Sequence[str] = ()
    tokens: list[int] = field(default_factory=list)
    text: str = ""  # of the tokens so far, less the beginning's white space
    said: int = 0  # characters that were given out
    stopped: bool = False
    _before: int = 0  # the first of the tokens that are decoded again
    _until: int = 0  # the tokens before this one are in `text`

    def add(self, token: int) -> str:
        """One more token; what can be said now that could not before. After `stopped` nothing is to be added."""
        self.tokens.append(token)
        grown = self._decoded()
        if grown.endswith(_HALF):
            return ""
        return self._take(grown)

    def rest(self) -> str:
        """What was held back, at the end."""
        if self.stopped:
            return ""
        told = self._take(self._decoded())
        return told if self.stopped else told + self._give(self.text.rstrip())

    def _decoded(self) -> str:
        """The text of the tokens that are not in `text`, as it follows what is."""
        known = self.decode(self.tokens[self._before : self._until])
        return self.decode(self.tokens[self._before :])[len(known) :]

    def _take(self, grown: str) -> str:
        if grown:
            self._before, self._until = self._until, len(self.tokens)
            self.text = (self.text + grown) if self.text else grown.lstrip()
        found = [at for stop in self.stops if (at := self.text.find(stop, max(0, self.said - len(stop)))) >= 0]
        if found:
            self.stopped = True
            return self._give(self.text[: min(found)].rstrip())
        return self._give(self.text[: len(self.text) - self._open()].rstrip())

    def _open(self) -> int:
        """Characters at the end that may be the beginning of a stop word."""
        most = max((len(stop) for stop in self.stops), default=1) - 1
        ends = range(min(most, len(self.text)), 0, -1)
        return next((n for n in ends if any(stop.startswith(self.text[-n:]) for stop in self.stops)), 0)

    def _give(self, text: str) -> str:
        new = text[self.said :]
        self.said = max(self.said, len(text))
        return new
