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
    """One answer. `decode` turns tokens into text; `stops` are texts before which the answer ends."""

    decode: Callable[[Sequence[int]], str]
    stops: Sequence[str] = ()
    tokens: list[int] = field(default_factory=list)
    said: int = 0  # characters that were given out
    stopped: bool = False

    def add(self, token: int) -> str:
        """One more token; what can be said now that could not before. After `stopped` nothing is to be added."""
        self.tokens.append(token)
        text = self.decode(self.tokens).lstrip()
        found = [at for stop in self.stops if (at := text.find(stop, max(0, self.said - len(stop)))) >= 0]
        if found:
            self.stopped = True
            return self._give(text[: min(found)].rstrip())
        if text.endswith(_HALF):
            return ""
        return self._give(text[: len(text) - self._open(text)].rstrip())

    def rest(self) -> str:
        """What was held back, at the end."""
        return "" if self.stopped else self._give(self.decode(self.tokens).strip())

    def _open(self, text: str) -> int:
        """Characters at the end that may be the beginning of a stop word."""
        most = max((len(stop) for stop in self.stops), default=1) - 1
        ends = range(min(most, len(text)), 0, -1)
        return next((n for n in ends if any(stop.startswith(text[-n:]) for stop in self.stops)), 0)

    def _give(self, text: str) -> str:
        new = text[self.said :]
        self.said = max(self.said, len(text))
        return new
