"""Teaching a writer answers: chats as tokens, and the loss of what is to be learnt of them.

Knows writers, batches and packing. Knows nothing of optimisers, files or recipes. Legend: R rows, T tokens, V vocabulary.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

from adaptline.errors import RunError, UserError
from adaptline.models import export
from adaptline.models.batches import bins, pad, scoring_batches
from adaptline.models.lesson import Outcome
from adaptline.models.modules import head_parameters
from adaptline.models.scoring import arithmetic
from adaptline.models.writer import Encoded, TemplateMisfitError, Writer

Chat = list[dict[str, Any]]

_PROOF_ROWS = 32
_LOOK_ROWS = 16  # computed at once
_SEEN = 1e-3  # of logits: more than rounding, less than a neighbour's word


@dataclass(frozen=True)
class Answers:
    """A writer with its rows: a Lesson. With `packed`, rows stand behind one another in rows of at most so many tokens."""

    writer: Writer
    training: list[Encoded] = field(repr=False)
    validation: list[Encoded] = field(repr=False)
    passed_over: dict[str, int]
    cut: int
    proof: list[Chat] = field(repr=False)  # what the first validation rows were before they were tokens
    packed: int | None = None

    @property
    def model(self) -> torch.nn.Module:
        """The writer's."""
        return self.writer.model

    @property
    def lengths(self) -> list[int]:
        """Tokens of each training row."""
        return [len(row.tokens) for row in self.training]

    def weight(self, row: int) -> float:
        """Tokens that are to be learnt: one token counts as much as any other, whatever row it stands in."""
        return float(sum(self.training[row].learnt[1:]))

    def loss(self, rows: Sequence[int], precision: str) -> Tensor:
        """Cross-entropy in nats, summed over the tokens that are to be learnt."""
        with arithmetic(precision):
            logits, targets = self._predicted([self.training[row] for row in rows])
        return cross_entropy(logits.float(), targets, reduction="sum")

    def faster(self) -> set[str]:
        """Nothing of a writer is new."""
        return head_parameters(self.model)

    def look(self, precision: str = "fp32") -> tuple[float, float]:
        """Share of the validation answers' tokens that are the model's first choice after those before, and their loss."""
        right, loss, count = 0.0, 0.0, 0
        for logits, targets in self._seen(self.validation, precision):
            right += (logits.argmax(1) == targets).sum().item()
            loss += cross_entropy(logits.double(), targets, reduction="sum").item()
            count += len(targets)
        return right / count, loss / count

    def outcome(self) -> Outcome:
        """Of the first validation answers: each token's log probability, and what the model would have said instead."""
        numbers, choices = [], []
        for logits, targets in self._seen(self.validation[:_PROOF_ROWS], "fp32"):
            numbers.append(logits.log_softmax(1).gather(1, targets[:, None]))
            choices.append(logits.argmax(1))
        return Outcome(torch.cat(numbers), torch.cat(choices))

    def save(self, folder: Path, base: str) -> None:
        """Adapter or model, and writer.json."""
        export.save_writer(self.writer, folder, base)

    def reloaded(self, folder: Path, base: Path) -> Answers:
        """The same rows with the writer that was saved, which must read them as the one in memory did. Raises RunError."""
        writer = export.load_trained_writer(folder, base)
        try:
            read = [_cut(writer.lesson(messages), writer.max_tokens) for messages in self.proof]
        except TemplateMisfitError as error:
            brief = "the saved template does not take all validation rows"
            raise RunError(f"{brief}: {error}", brief=brief) from error
        export.prove_reading(read, self.validation[:_PROOF_ROWS])
        return replace(self, writer=writer)

    def facts(self) -> dict[str, Any]:
        """What of the rows was not learnt, and how many tokens were."""
        learnt = sum(int(self.weight(row)) for row in range(len(self.training)))
        return {"passed_over": self.passed_over, "cut": self.cut, "tokens_learnt": learnt}

    def refuse_sight(self) -> None:
        """Raises UserError where the base lets packed rows see each other: not every architecture keeps them apart."""
        if self.packed is None or len(self.training) < 2:  # noqa: PLR2004 - nobody to see
            return
        pair = sorted(self.training, key=lambda row: len(row.tokens))[:2]
        self.model.eval()
        with torch.inference_mode():
            together = self._predicted(pair)[0]
            apart = torch.cat([replace(self, packed=None)._predicted([row])[0] for row in pair])  # noqa: SLF001
        if not (together - apart).abs().max() <= _SEEN:
            raise UserError("packed rows of this base would see each other", do="Leave out pack = true.")

    def _seen(self, rows: list[Encoded], precision: str) -> Iterator[tuple[Tensor, Tensor]]:
        self.model.eval()
        with torch.inference_mode(), arithmetic(precision):
            for batch in scoring_batches([len(row.tokens) for row in rows], _LOOK_ROWS):
                logits, targets = self._predicted([rows[number] for number in batch])
                yield logits.float(), targets

    def _predicted(self, rows: list[Encoded]) -> tuple[Tensor, Tensor]:
        """Logits (N, V) for the N tokens of the rows that are to be learnt, and these tokens (N,)."""
        if self.packed is None:
            batch = pad([row.tokens for row in rows], self.writer.pad_token)
            placed = [(number, 0, row) for number, row in enumerate(rows)]
        else:
            batch, placed = _pack(rows, self.packed, self.writer.pad_token)
        at = [
            (line, start + place - 1, row.tokens[place])
            for line, start, row in placed
            for place, learnt in enumerate(row.learnt)
            if learnt and place > 0
        ]
        lines, columns, targets = (torch.tensor(part) for part in zip(*at, strict=True))
        kept, columns = torch.unique(
            columns, return_inverse=True
        )  # logits of a vocabulary are large: only where they count
        logits = self.model(**batch, logits_to_keep=kept, use_cache=False).logits
        return logits[lines, columns], targets


def answers_of(writer: Writer, chats: pa.Table, *, pack: bool = False) -> Answers:
    """The writer with the rows of the splits train and validation; `chats` as select_chats gives them.

    Raises:
        UserError: a split with no row that teaches anything, or a base whose packed rows would see each other.
    """
    passed_over: Counter[str] = Counter()
    encoded: dict[str, list[Encoded]] = {"train": [], "validation": []}
    proof: list[Chat] = []
    cut = 0
    for split, rows in encoded.items():
        for messages in chats.filter(pc.equal(chats["split"], split))["messages"].to_pylist():
            taught = _taught(writer, messages)
            if isinstance(taught, str):
                passed_over[taught] += 1
                continue
            row, is_cut = taught
            cut += is_cut
            rows.append(row)
            if split == "validation" and len(rows) <= _PROOF_ROWS:
                proof.append(messages)
        if not rows:
            why = "; ".join(f"{count:,} rows: {reason}" for reason, count in passed_over.most_common(3))
            raise UserError(
                f'the split "{split}" has nothing to learn: {why}', do="Raise max_tokens, or mend the chats."
            )
    found = Answers(
        writer,
        training=encoded["train"],
        validation=encoded["validation"],
        passed_over=dict(passed_over),
        cut=cut,
        proof=proof,
        packed=writer.max_tokens if pack else None,
    )
    found.refuse_sight()
    return found


def _taught(writer: Writer, messages: Chat) -> tuple[Encoded, bool] | str:
    """What a chat teaches, and whether its end was cut off; or why it teaches nothing."""
    try:
        whole = writer.lesson(messages)
    except TemplateMisfitError as error:
        return f"not a chat that the template takes: {error}"
    row = _cut(whole, writer.max_tokens)
    if any(row.learnt[1:]):
        return row, len(row.tokens) < len(whole.tokens)
    if any(whole.learnt[1:]):
        return f"no answer within {writer.max_tokens} tokens"
    return "no answer that the template sets apart"


def _cut(row: Encoded, most: int) -> Encoded:
    return Encoded(row.tokens[:most], row.learnt[:most])


def _pack(rows: list[Encoded], room: int, pad_token: int) -> tuple[dict[str, Tensor], list[tuple[int, int, Encoded]]]:
    """Rows behind one another: `input_ids` and `position_ids` (R, T), and line and start of each row.

    Positions begin anew with each row; by that transformers keeps them apart. What fills a line is a row of its own.
    """
    lines = bins([len(row.tokens) for row in rows], room)
    longest = max(sum(len(rows[number].tokens) for number in line) for line in lines)
    ids, positions, places = [], [], {}
    for at, line in enumerate(lines):
        tokens: list[int] = []
        counted: list[int] = []
        for number in line:
            places[number] = at, len(tokens), rows[number]
            tokens += rows[number].tokens
            counted += range(len(rows[number].tokens))
        rest = longest - len(tokens)
        ids.append([*tokens, *[pad_token] * rest])
        positions.append([*counted, *range(rest)])
    placed = [places[number] for number in range(len(rows))]
    return {"input_ids": torch.tensor(ids), "position_ids": torch.tensor(positions)}, placed
