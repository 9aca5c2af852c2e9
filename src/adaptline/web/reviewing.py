"""One person's review of a sample of rows: which are shown, what was said of them, and why the recipe decided as it did.

Knows a curate step's artifact and the review file. Knows nothing of HTTP and HTML. What is shown of a row says nothing of
what became of it: that is told when it is asked for, or once the verdict stands. A row is shown as the filter `review` meets it,
so that what is written in its place is written of the same words; where the step has no such filter, as the step left it.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterable
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
from adaptline.data.reviews import DROP, KEEP, MEND, VERDICTS, Mend, Place, row_digest
from adaptline.data.verdicts import reason
from adaptline.errors import UserError, did_you_mean
from adaptline.web import review_words as words
from adaptline.web import texts

_MOST_LABELS = 500  # offered to choose from: more are no list to read
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
        self._digests: dict[int, str] = {}

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
        return {"next": self._unjudged(range(len(self.places)))} | self._progress()

    def row(self, number: int) -> Data:
        """A row as a person sees it, with what they said of it before. Raises UserError for a number that there is not."""
        messages, label = self._row(number)
        mend, said = self._mend(number), self._said(number)
        found: Data = {"row": number, "said": said, "outdated": mend is not None and said is None, "was": None}
        if mend is not None and said is not None:
            found["was"] = words.shown(messages, label)
            messages, label = words.mended(messages, label, mend)
        return found | words.shown(messages, label) | self._progress()

    def words(self, number: int) -> Data:
        """A row's own words, which a person may change: as they are, with nothing made visible.

        Raises:
            UserError: there is no such row, or it is too long to be mended on a page.
        """
        messages, label = self._row(number)
        mend = self._mend(number)
        if mend is not None and self._said(number) == MEND:
            messages, label = words.mended(messages, label, mend)
        if len(messages) > words.MOST_MESSAGES or sum(len(one["content"] or "") for one in messages) > words.MOST_CHARS:
            raise UserError("too long to be mended here", do="Drop it, or mend it in the source.")
        told = [{"role": texts.visible(one["role"] or ""), "content": one["content"]} for one in messages]
        return {"row": number, "messages": told, "label": label or "", "labels": self._labels}

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
        if verdict not in (KEEP, DROP):
            raise UserError(f"unknown verdict {verdict!r}", do=did_you_mean(str(verdict), (KEEP, DROP)))
        return self._say(number, verdict, None)

    def mend(self, number: int, contents: list[str | None], label: str | None) -> Data:
        """Writes down what a row is to say; it is on disk when this returns.

        Args:
            number: the row.
            contents: per message its new content; None leaves it as it was shown.
            label: the new label; None leaves it.

        Raises:
            UserError: nothing is changed, nothing is left, or it is no text.
        """
        messages, was_label = self._row(number)
        shown, shown_label = messages, was_label
        mend = self._mend(number)
        if mend is not None and self._said(number) == MEND:
            shown, shown_label = words.mended(messages, was_label, mend)
        if len(contents) != len(messages):
            raise UserError(f"{len(contents)} texts for {len(messages)} messages")
        after = [one["content"] if new is None else new for one, new in zip(shown, contents, strict=True)]
        words.refuse_unwritable(after, label)
        new = tuple(None if text == one["content"] else text for text, one in zip(after, messages, strict=True))
        new_label = shown_label if label is None else label
        if not any(text is not None for text in new) and new_label == was_label:
            raise UserError("nothing is changed", do="Keep the row, drop it, or change it.")
        return self._say(number, MEND, Mend(self._digest(number), new, None if new_label == was_label else new_label))

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
        verdicts = [self._said(number) for number in range(len(self.places))]
        counts = {verdict: verdicts.count(verdict) for verdict in VERDICTS}
        return {
            "counts": counts,
            "agreements": agreements,
            "file": texts.visible(str(self.file.path)),
        } | self._progress()

    def agreements(self) -> dict[str, Agreement]:
        """Per filter, on the rows that it and the person judged, how they agree."""
        starts = np.cumsum([0, *(len(fate) for fate in self._fates)])
        mine = [(pick, said) for number, pick in enumerate(self.picks) if (said := self._said(number))]
        at = np.array([int(starts[pick.shard]) + pick.position for pick, _ in mine], np.int64)
        drops = np.array([said == DROP for _, said in mine], np.bool_)
        return {
            one.name: agreement(drops[one.judged[at]], one.out[at][one.judged[at]])
            for one in opinions.opinions(self.store, self.manifest)
        }

    def _pick(self, number: int) -> sampling.Pick:
        if not 0 <= number < len(self.picks):
            raise UserError(f"no row {number} in the sample", do=f"It has {len(self.picks)}.")
        return self.picks[number]

    def _say(self, number: int, verdict: str, mend: Mend | None) -> Data:
        with self._lock:
            self.file.say(self.places[number], verdict, mend)
        following = self._unjudged([*range(number + 1, len(self.picks)), *range(number)])
        return {"row": number, "said": verdict, "next": following, "why": self.why(number)} | self._progress()

    def _unjudged(self, among: Iterable[int]) -> int:
        """The first of some rows without a verdict; the number of rows, where all have one."""
        return next((number for number in among if self._said(number) is None), len(self.picks))

    def _mend(self, number: int) -> Mend | None:
        """What the person wrote in a row's place, whatever the row says by now."""
        return self.file.mends.get(self.places[number])

    def _said(self, number: int) -> str | None:
        """The verdict on a row; None without one, and where the row that was mended has changed since."""
        mend = self._mend(number)
        is_outdated = mend is not None and mend.was != self._digest(number)
        return None if is_outdated else self.file.said.get(self.places[number])

    def _digest(self, number: int) -> str:
        if number not in self._digests:
            self._digests[number] = row_digest(*self._row(number))
        return self._digests[number]

    def _row(self, number: int) -> tuple[list[Data], str | None]:
        """A row's messages and its label."""
        pick = self._pick(number)
        messages, labels = self._columns(pick.shard)
        return messages[pick.position].as_py() or [], labels[pick.position].as_py()

    def _progress(self) -> Data:
        return {
            "of": len(self.places),
            "judged": sum(self._said(number) is not None for number in range(len(self.places))),
        }

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
        """A shard as the filter `review` met it; without one, as the step left it."""
        met = [
            method["texts"][shard]
            for method in self.manifest["detail"]["methods"]
            if method["use"] == opinions.REVIEW and "texts" in method
        ]
        return Ref(*(met[0] if met else self.manifest["shards"][shard]["text"]))

    @cached_property
    def _labels(self) -> list[str]:
        """The labels of all rows, to choose from; none where they are too many."""
        found: set[str] = set()
        for shard in range(len(self.manifest["shards"])):
            found |= set(pc.unique(self.store.read(self._text(shard), ["label"])["label"]).to_pylist()) - {None}
            found = {label for label in found if label.strip()}  # an empty one is refused
            if len(found) > _MOST_LABELS:
                return []
        return sorted(found)

    @lru_cache(maxsize=2)  # noqa: B019 - one review lives as long as its process
    def _columns(self, shard: int) -> tuple[pa.ChunkedArray, pa.ChunkedArray]:
        table = self.store.read(self._text(shard), ["messages", "label"])
        return table["messages"], table["label"]


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
