"""One person's review of a sample of rows: which are shown, what was said of them, and why the recipe decided as it did.

Knows a curate step's artifact and the review file. Knows nothing of HTTP and HTML. What is shown of a row says nothing of
what became of it: that is told when it is asked for, or once the verdict stands.
"""

from __future__ import annotations

import os
import threading
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from adaptline.core import moves
from adaptline.core.rows import Ref
from adaptline.core.store import Store
from adaptline.data import opinions, sampling
from adaptline.data.agreement import Agreement, agreement
from adaptline.data.review_file import ReviewFile
from adaptline.data.reviews import VERDICTS, Place
from adaptline.data.verdicts import reason
from adaptline.errors import UserError, did_you_mean
from adaptline.web import texts

MOST_CHARS = 20_000  # of one row: more than anybody reads before a verdict
_MOST_MESSAGES = 100
Data = dict[str, Any]


class Review:
    """The rows to look at, in order, and one person's verdicts on them."""

    def __init__(self, store: Store, manifest: Data, file: ReviewFile, *, count: int, seed: int = 0) -> None:
        """A sample of a curate step's rows.

        Args:
            store: where the step's artifact is.
            manifest: the artifact.
            file: where verdicts are written, and those given before.
            count: rows at most.
            seed: chooses the rows.
        """
        self.store, self.manifest, self.file = store, manifest, file
        self.picks = sampling.sample(store, manifest, count, seed)
        self._lock = threading.Lock()

    @cached_property
    def places(self) -> list[Place]:
        """Where each row came from."""
        by_shard: dict[int, list[int]] = {}
        for number, pick in enumerate(self.picks):
            by_shard.setdefault(pick.shard, []).append(number)
        found: list[Place] = [("", 0)] * len(self.picks)
        for shard, numbers in by_shard.items():
            where = self.store.read(self._text(shard), ["file", "row"])
            chosen = where.take(pa.array([self.picks[number].position for number in numbers]))
            for number, row in zip(numbers, chosen.to_pylist(), strict=True):
                found[number] = (row["file"], row["row"])
        return found

    def start(self) -> Data:
        """Where to go on, and how far one is."""
        first = next((i for i, place in enumerate(self.places) if place not in self.file.said), len(self.places))
        judged = sum(place in self.file.said for place in self.places)
        return {"next": first, "of": len(self.places), "judged": judged}

    def row(self, number: int) -> Data:
        """A row as a person sees it, with what they said of it before. Raises UserError for a number that there is not."""
        pick = self._pick(number)
        messages = self._messages(pick.shard)[pick.position].as_py() or []
        shown, room = [], MOST_CHARS
        for message in messages[:_MOST_MESSAGES]:
            content = message["content"] or ""
            shown.append(
                {"role": texts.visible(message["role"] or ""), "content": texts.visible(content, max(room, 1))}
            )
            room -= len(content)
            if room <= 0:
                break
        left = len(messages) - len(shown)
        said = self.file.said.get(self.places[number])
        return {"row": number, "messages": shown, "left_out": left, "said": said} | self._progress()

    def why(self, number: int) -> Data:
        """Where the row came from, what became of it, and what each rule says of it."""
        pick = self._pick(number)
        file, row = self.places[number]
        methods = self.manifest["detail"]["methods"]
        fate = int(self._fates[pick.shard][pick.position])
        fates = [*(f"dropped by {name}" for name in moves.rules(self.manifest)), sampling.KEPT]
        rules = [
            {"name": name, "drops": number == fate} | told
            for number, (name, method) in enumerate(zip(moves.rules(self.manifest), methods, strict=True))
            if (told := self._rule(method, pick, reached=fate >= number)) is not None
        ]
        return {"row": number, "place": texts.visible(f"{file}:{row}"), "fate": fates[fate], "rules": rules}

    def say(self, number: int, verdict: str) -> Data:
        """Writes a verdict down; it is on disk when this returns. Raises UserError for one that is none."""
        self._pick(number)
        if verdict not in VERDICTS:
            raise UserError(f"unknown verdict {verdict!r}", do=did_you_mean(str(verdict), VERDICTS))
        with self._lock:
            self.file.say(self.places[number], verdict)
        after = [*range(number + 1, len(self.picks)), *range(number)]
        following = next((i for i in after if self.places[i] not in self.file.said), len(self.picks))
        return {"row": number, "said": verdict, "next": following, "why": self.why(number)} | self._progress()

    def undo(self) -> Data:
        """Takes the last verdict back; `row` is None where there is none."""
        with self._lock:
            place = self.file.undo(set(self.places))
        return {"row": None if place is None else self.places.index(place)} | self._progress()

    def summary(self) -> Data:
        """How many rows were judged, and how each filter agrees with the person."""
        agreements = [
            {
                "name": name,
                "rows": found.rows,
                "share": found.share,
                "kappa": found.kappa,
                "low": found.low,
                "high": found.high,
            }
            for name, found in self.agreements().items()
        ]
        verdicts = [self.file.said.get(place) for place in self.places]
        counts = {verdict: verdicts.count(verdict) for verdict in VERDICTS}
        return {
            "counts": counts,
            "agreements": agreements,
            "file": texts.visible(str(self.file.path)),
        } | self._progress()

    def agreements(self) -> dict[str, Agreement]:
        """Per filter, on the rows that it and the person judged, how they agree."""
        starts = np.cumsum([0, *(len(fate) for fate in self._fates)])
        mine = [
            (pick, said)
            for pick, place in zip(self.picks, self.places, strict=True)
            if (said := self.file.said.get(place))
        ]
        at = np.array([int(starts[pick.shard]) + pick.position for pick, _ in mine], np.int64)
        drops = np.array([said == "drop" for _, said in mine], np.bool_)
        return {
            one.name: agreement(drops[one.judged[at]], one.out[at][one.judged[at]])
            for one in opinions.opinions(self.store, self.manifest)
        }

    def _pick(self, number: int) -> sampling.Pick:
        if not 0 <= number < len(self.picks):
            raise UserError(f"no row {number} in the sample", do=f"It has {len(self.picks)}.")
        return self.picks[number]

    def _progress(self) -> Data:
        return {"of": len(self.places), "judged": sum(place in self.file.said for place in self.places)}

    def _rule(self, method: Data, pick: sampling.Pick, *, reached: bool) -> Data | None:
        """What one rule says of a row; None where it has no word on it."""
        if "scores" in method and method["use"] != opinions.REVIEW:
            told = self.store.read_row(Ref(*method["scores"][pick.shard]), pick.position)
            score = told["score"]
            bound = reason(score, method["settings"])
            return {"score": texts.visible(score) if isinstance(score, str) else score, "bound": texts.visible(bound),
                    "because": texts.visible(told.get("because") or "")}  # fmt: skip
        if "matches" in method and reached:
            return self._match(method, pick)
        return None

    def _match(self, method: Data, pick: sampling.Pick) -> Data | None:
        matches = self.store.read(Ref(*method["matches"]))
        mine = pc.and_(pc.equal(matches["shard"], pick.shard), pc.equal(matches["row"], pick.position))
        for match in matches.filter(mine).to_pylist():
            kept = (
                self.store.read(self._text(match["of_shard"]), ["file", "row"]).slice(match["of_row"], 1).to_pylist()[0]
            )
            return {"score": match["score"], "bound": "like", "because": texts.visible(f"{kept['file']}:{kept['row']}")}
        return None

    @cached_property
    def _fates(self) -> list[Any]:
        return opinions.fates(self.store, self.manifest)

    def _text(self, shard: int) -> Ref:
        return Ref(*self.manifest["shards"][shard]["text"])

    @lru_cache(maxsize=2)  # noqa: B019 - one review lives as long as its process
    def _messages(self, shard: int) -> pa.ChunkedArray:
        return self.store.read(self._text(shard), ["messages"])["messages"]


def chosen(manifests: dict[str, list[Data]], step: str | None) -> Data:
    """The artifact to review: a curate step's, of the last one by default. Raises UserError where there is none."""
    curated = {
        name: of[0]
        for name, of in manifests.items()
        if of and of[0]["kind"] == "rows" and "verdicts" in of[0]["detail"]
    }
    if not curated:
        raise UserError("no curate step has run", do="adaptline run the recipe first.")
    if step is not None and step not in curated:
        raise UserError(f"step {step!r} judged no rows", do=did_you_mean(step, curated))
    return curated[step or list(curated)[-1]]


def refuse_place(out: Path, beside: Path) -> None:
    """Raises UserError for a review file that cannot be written, or not be read by a recipe in the folder `beside`."""
    if out.is_dir():
        raise UserError("is a folder", where=out, do="Name a file: -o review.jsonl")
    if not out.absolute().parent.is_dir():
        raise UserError("no such folder", where=out.parent, do="Make it first.")
    if os.path.relpath(out.absolute(), beside.absolute()).startswith(".."):
        raise UserError(
            "lies outside the recipe's folder", where=out, do=f"A review names rows by paths: put it below {beside}."
        )
