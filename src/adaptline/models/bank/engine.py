"""Writing for many at once: requests join and leave a running batch, each row with its own adapter.

A step reads a bounded part of the prompts that wait and computes one token for every row whose prompt is read, so that
however long a prompt is, the others' tokens keep coming (chunked prefill, Agrawal et al. 2024, arXiv:2403.02310). Knows
tokens, adapters' names and sampling. Knows nothing of chats, HTTP or who asks.

    cache   live rows, one after another | the row whose prompt is read in part, if there is one | free
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import torch
from torch import Tensor

from adaptline.models.bank.adapters import AdapterBank
from adaptline.models.bank.cache import RowCache

Reason = Literal["stop", "length"]

PROMPT_TOKENS = (
    256  # read in a step: streams wait for them, and with far fewer the model's calls cost more than its sums
)
_BURST_TOKENS = (
    2048  # of short prompts read in a step while nothing is written, so that nobody's next token waits for them
)
_COLDEST = 1e-3  # a temperature below it is none: its shares could not be told from one and nothing


@dataclass(frozen=True)
class Request:
    """What is to be written. With a temperature of 0 the likeliest token is taken, as in evaluation."""

    id: str
    adapter: str | None
    prompt: list[int] = field(repr=False)
    max_new_tokens: int
    temperature: float = 0.0
    top_p: float = 1.0
    seed: int | None = None


@dataclass(frozen=True)
class Token:
    """One more token of a request, or its end: `reason` is then set, and the token None if it only marks the end."""

    id: str
    token: int | None
    reason: Reason | None = None


@dataclass
class _Row:
    request: Request
    chance: torch.Generator | None
    last: int = 0
    length: int = 0  # tokens of which keys and values are kept
    written: int = 0


class Engine:
    """A batch that never stops. Not for several threads: whoever owns it calls it from one."""

    def __init__(
        self,
        model: Any,
        bank: AdapterBank | None,
        *,
        ends: Iterable[int],
        rows: int,
        tokens: int,
        pad_token: int = 0,
        chunk: int = PROMPT_TOKENS,
    ) -> None:
        """For at most `rows` requests at once, each of at most `tokens` tokens with its answer.

        While rows are written, a step reads at most `chunk` tokens of prompts.
        """
        self.model, self.bank, self.ends = model.eval(), bank, frozenset(ends)
        self.rows, self.tokens, self.pad_token, self.chunk = rows, tokens, pad_token, chunk
        self._cache = RowCache(rows, tokens)
        self._waiting: deque[Request] = deque()
        self._reading: _Row | None = None  # the one prompt that is read in part; its row is behind the live ones
        self._live: list[_Row] = []

    @property
    def busy(self) -> int:
        """Rows that are being written, or read in part."""
        return len(self._live) + (self._reading is not None)

    @property
    def waiting(self) -> int:
        """Requests that have no row yet."""
        return len(self._waiting)

    def submit(self, request: Request) -> None:
        """Takes a request in. Its prompt must leave room for a token at least."""
        if not 0 < len(request.prompt) < self.tokens:
            raise ValueError(f"a prompt of {len(request.prompt)} tokens; there is room for 1 to {self.tokens - 1}")
        self._waiting.append(request)

    @torch.inference_mode()
    def cancel(self, id: str) -> bool:  # noqa: A002 - what requests are called by
        """Lets a request go, and its row be another's at once. Returns whether there was one."""
        for waiting in self._waiting:
            if waiting.id == id:
                self._waiting.remove(waiting)
                return True
        if self._reading is not None and self._reading.request.id == id:
            self._reading = None
            return True
        for number, row in enumerate(self._live):
            if row.request.id == id:
                self._leave([number])
                return True
        return False

    def uses(self, adapter: str | None) -> bool:
        """Whether a request with this adapter waits, or is being read or written."""
        rows = self._live if self._reading is None else [*self._live, self._reading]
        return any(r.adapter == adapter for r in (*self._waiting, *(row.request for row in rows)))

    @torch.inference_mode()
    def step(self) -> list[Token]:
        """Reads some of what waits, and computes one more token for every row that is read."""
        new = [self._reading] if self._reading is not None else self._admitted()
        found = self._read(new) if new else []
        return found + (self._go_on() if self._live else [])

    def _admitted(self) -> list[_Row]:
        """New rows, oldest first: as many as are free and a step may read whole, or one alone of which it reads a part."""
        new: list[_Row] = []
        longest, room = 0, self.chunk if self._live else max(self.chunk, _BURST_TOKENS)
        while self._waiting and len(self._live) + len(new) < self.rows:
            longest = max(longest, len(self._waiting[0].prompt))
            if new and (longest > self.chunk or longest * (len(new) + 1) > room):
                break
            request = self._waiting.popleft()
            chance = None
            if request.temperature > _COLDEST:
                chance = torch.Generator()
                chance.seed() if request.seed is None else chance.manual_seed(request.seed)
            new.append(_Row(request, chance))
        return new

    def _read(self, new: list[_Row]) -> list[Token]:
        """Reads on in the prompts of rows that have read equally much; whoever is at its end gets a first token."""
        start = new[0].length
        parts = [row.request.prompt[start : start + self.chunk] for row in new]
        longest = max(map(len, parts))
        ids = torch.tensor([part + [self.pad_token] * (longest - len(part)) for part in parts])
        self._use(new)
        self._cache.begin(len(self._live), start)
        mask = torch.full((longest, start + longest), torch.finfo(torch.float32).min).triu(start + 1)[None, None]
        lasts, columns = torch.unique(torch.tensor([len(part) - 1 for part in parts]), return_inverse=True)
        logits = self.model(
            input_ids=ids,
            attention_mask=mask,
            position_ids=torch.arange(start, start + longest)[None],
            past_key_values=self._cache,
            use_cache=True,
            logits_to_keep=lasts,
        ).logits
        for row, part in zip(new, parts, strict=True):
            row.length += len(part)
        if new[0].length < len(new[0].request.prompt):
            (self._reading,) = new
            return []
        self._reading = None
        first = len(self._live)
        self._live += new
        return self._taken(first, logits[torch.arange(len(new)), columns].float())

    def _go_on(self) -> list[Token]:
        """One more token for every row."""
        rows = self._live
        places = torch.tensor([row.length for row in rows])
        length = int(places.max()) + 1
        self._use(rows)
        self._cache.grow(places, length)
        seen = torch.arange(length)[None] <= places[:, None]
        mask = torch.zeros(seen.shape).masked_fill_(~seen, torch.finfo(torch.float32).min)[:, None, None]
        logits = self.model(
            input_ids=torch.tensor([[row.last] for row in rows]),
            attention_mask=mask,
            position_ids=places[:, None],
            past_key_values=self._cache,
            use_cache=True,
            logits_to_keep=1,
        ).logits
        for row in rows:
            row.length += 1
        return self._taken(0, logits[:, -1].float())

    def _use(self, rows: Sequence[_Row]) -> None:
        if self.bank is not None:
            self.bank.use([row.request.adapter for row in rows])

    def _taken(self, first: int, logits: Tensor) -> list[Token]:
        """Chooses a token for each row from the first on, and lets those go that have ended."""
        best = logits.argmax(1).tolist()
        found, gone = [], []
        for number, (row, likeliest) in enumerate(zip(self._live[first:], best, strict=True)):
            row.last = likeliest if row.chance is None else _drawn(logits[number], row.request, row.chance)
            if row.last in self.ends:
                found.append(Token(row.request.id, None, "stop"))
                gone.append(first + number)
                continue
            row.written += 1
            full = row.written >= row.request.max_new_tokens or row.length + 1 >= self.tokens
            found.append(Token(row.request.id, row.last, "length" if full else None))
            if full:
                gone.append(first + number)
        self._leave(gone)
        return found

    def _leave(self, gone: Sequence[int]) -> None:
        """Takes rows out; the last ones take their places, and the one that is being read follows them."""
        before = len(self._live)
        for number in sorted(gone, reverse=True):
            last = self._live.pop()
            if number < len(self._live):
                self._live[number] = last
                self._cache.move(len(self._live), number)
        if gone and self._reading is not None:
            self._cache.move(before, len(self._live))


def _drawn(logits: Tensor, request: Request, chance: torch.Generator) -> int:
    """A token by chance: the likeliest ones that hold top_p of the probability together (Holtzman et al. 2020)."""
    shares = (logits / request.temperature).softmax(0)
    if request.top_p < 1:
        ordered, order = shares.sort(descending=True)
        beyond = ordered.cumsum(0) - ordered >= request.top_p
        shares[order[beyond]] = 0
    return int(torch.multinomial(shares, 1, generator=chance))
