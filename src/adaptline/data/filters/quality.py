"""How likely a person would keep a text, learnt from examples of texts that were kept and dropped.

Knows examples and their words. Knows nothing of what is good: it learns what the examples differ in, also if that is their
topic or length of lines rather than their worth.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from adaptline.core.demands import EMPTY_FILES
from adaptline.core.registry import filter
from adaptline.core.rows import texts as texts_of
from adaptline.core.sources import Files, refuse_changed
from adaptline.data import linear, reviews
from adaptline.data import text as words_of
from adaptline.data.opening import OPTIONS, Delimiter, Encoding, RowPer, idle
from adaptline.data.reading import read_table
from adaptline.data.schemas import UNNAMED, Columns
from adaptline.errors import UserError

LEAST = 20  # examples of either kind: with fewer the folds, of a fifth each, tell nothing
_MOST_BYTES = (
    32 << 20
)  # of examples, in UTF-8: all their features are in memory at once, 30 to 40 bytes for each of these
_FILES_TOLD = 3
_TELLING, _LEAST_TEXTS = 8, 3  # words that are told of either kind; in so many examples at least
_NUMBER = "0"  # stands for all of them, as in the features
_CHANCE = 0.6  # an area below this is hardly better than guessing (0.5)

Given = tuple[Files | None, Files | None, Files | None, Files | None]
_READING = (
    "text",
    "format",
    "encoding",
    *OPTIONS,
)  # what says how the files are read; by default their bytes and names


def _check(
    *,
    kept: Files | None = None,
    dropped: Files | None = None,
    reviewed: Files | None = None,
    rows: Files | None = None,
    **reading: Any,
) -> None:
    if (kept is None) != (dropped is None):
        have, lack = ("kept", "dropped") if dropped is None else ("dropped", "kept")
        raise UserError(f"{have} without {lack}", do="It learns from texts of both kinds: name files of either.")
    if (reviewed is None) != (rows is None):
        have, lack = ("reviewed", "rows") if rows is None else ("rows", "reviewed")
        raise UserError(f"{have} without {lack}", do="reviewed names verdicts, rows the source files that they are on.")
    if kept is None and reviewed is None:
        raise UserError(
            "no examples",
            do='Name them: kept = ["good.jsonl"], dropped = ["bad.jsonl"]; or reviewed = "review.jsonl", rows = ["a.jsonl"].',
        )
    files = [found for found in (kept, dropped, rows) if found is not None]
    if reading.keys() - {"text"} and (told := idle(reading, *files)):
        raise UserError(f"{told[0]}, which does nothing: the files are {told[1]}", do="Leave it out.")
    if reviewed is not None and rows is not None:
        _refuse_other_files(reviewed, rows)
        if kept is None:
            _refuse_few_verdicts(reviewed, rows)


def _refuse_other_files(reviewed: Files, rows: Files) -> None:
    """Raises UserError where no verdict is on a row of `rows`."""
    judged = sorted({source for source, _ in reviews.read(reviewed)})
    if judged and not set(judged) & set(rows.names):
        raise UserError(
            f"no verdict on a row of rows = {list(rows.names)}",
            do=f"Name in rows the files that the verdicts are on: {', '.join(judged[:_FILES_TOLD])}.",
        )


def _refuse_few_verdicts(reviewed: Files, rows: Files) -> None:
    """Raises UserError where the texts cannot be enough, before one is read."""
    said = [verdicts for (source, _), verdicts in reviews.read(reviewed).items() if source in rows.names]
    agreed = Counter(verdicts[-1].verdict for verdicts in said if reviews.is_agreed(verdicts))
    for verdict in (reviews.KEEP, reviews.DROP):
        if agreed[verdict] < LEAST:
            raise UserError(
                f"only {agreed[verdict]} rows with the verdict {verdict!r} to learn from: it takes {LEAST} of either kind",
                do="Review more rows, or name files of examples, too: kept = [...], dropped = [...].",
            )


def _tell(_: Iterable[pa.Table], **given: Any) -> Sequence[str]:
    return _trained(*_sorted(given)).told


@filter(version=1, gives="number", bounds=(0, 1), defaults={"min": 0.5}, uses=("format",), check=_check, tell=_tell)
def quality(
    texts: pa.StringArray,
    *,
    kept: Files | None = None,
    dropped: Files | None = None,
    reviewed: Annotated[Files, EMPTY_FILES] | None = None,
    rows: Files | None = None,
    text: str | None = None,
    format: Annotated[str, "format"] | None = None,
    encoding: Encoding | None = None,
    header: bool | None = None,
    quotes: bool | None = None,
    delimiter: Delimiter | None = None,
    row_per: RowPer = "line",
    records: str | None = None,
) -> pa.Array:
    """How likely a text would be kept, 0 to 1, learnt from kept and dropped examples. Drops below 0.5, unless a recipe gives min.

    Logistic regression on hashed words, pairs of words and n-grams of characters; the same examples give the same scores. Both
    kinds count alike, however many examples there are of each, so 0.5 is even odds. The area under the curve over held-out
    fifths and the most telling words are kept beside the scores: read them before you trust it. Rows that it learnt from have
    scores that are too sure.

    Args:
        texts: one text per row; a null one has no score.
        kept: files of texts to keep, of any format.
        dropped: files of texts to drop.
        reviewed: review files, as the review filter reads them, with verdicts of both kinds; a row on which people differ
            is left out, and so is one that is to be mended: as it is it is neither.
        rows: the source files that these verdicts are on; verdicts on others are left out, and counted. A verdict names a row by its number, so these files must be read as
            the step ingest read them: give it the same parameters from here on as ingest.
        text: the field of all these files that holds the text; by default it is told from the fields' names.
        format: their format, if the suffix does not tell.
        encoding: their encoding, if the bytes do not tell.
        header: csv and tsv: whether the first line names the columns; as ingest by default.
        quotes: csv and tsv: whether quotes enclose fields; by default in csv only.
        delimiter: csv and tsv: what stands between fields.
        row_per: txt: what a row is.
        records: json: the path of the list whose entries are the records.

    Returns:
        One probability per text.

    Raises:
        UserError: an example cannot be read, a verdict names no row of its file, none is on `rows`, or there are fewer than 20
            examples of a kind, or more than 34 MB of them: the features of all are in memory at once.
    """
    names = {"kept": kept, "dropped": dropped, "reviewed": reviewed, "rows": rows}
    reading = {"text": text, "format": format, "encoding": encoding, "header": header, "quotes": quotes}
    rest = {"delimiter": delimiter, "row_per": row_per, "records": records}
    model = _trained(*_sorted(names | reading | rest)).model
    scores = model.probabilities(texts)
    return pa.array(scores, mask=pc.is_null(texts).to_numpy(zero_copy_only=False))


@dataclass(frozen=True)
class _Trained:
    model: linear.Linear
    told: tuple[str, ...]


@dataclass(frozen=True)
class _Reading:
    """How the files of examples are read."""

    columns: Columns = UNNAMED
    format: str | None = None
    encoding: str | None = None
    options: tuple[tuple[str, Any], ...] = ()

    def table(self, path: Path, name: str) -> pa.Table:
        """A file's rows."""
        return read_table(
            path,
            name=name,
            columns=self.columns,
            format=self.format,
            encoding=self.encoding,
            options=dict(self.options),
        )


def _sorted(given: dict[str, Any]) -> tuple[Given, _Reading]:
    """What names files, and what says how they are read."""
    given = {"row_per": "line"} | given  # so that what is not given is the same as its default, and trained once
    text, format_, encoding, *options = (given.get(key) for key in _READING)
    columns = UNNAMED if text is None else Columns(text=text)
    reading = _Reading(columns, format_, encoding, tuple(zip(OPTIONS, options, strict=True)))
    return (given.get("kept"), given.get("dropped"), given.get("reviewed"), given.get("rows")), reading


@lru_cache(maxsize=2)
def _trained(given: Given, reading: _Reading) -> _Trained:
    """The model of some examples; trained once per process, not once per shard."""
    kept, dropped, reviewed, rows = given
    good = [one for files in (kept,) if files for one in _texts(files, reading)]
    bad = [one for files in (dropped,) if files for one in _texts(files, reading)]
    if reviewed and rows:
        _refuse_other_files(reviewed, rows)
        for verdict, one in _verdicts(reviewed, rows, reading):
            (good if verdict == "keep" else bad).append(one)
    for files in given:
        if files is not None:
            refuse_changed(files)  # what is kept for later shards must be what its key says
    both = set(good) & set(bad)
    good, bad = (sorted(set(found) - both) for found in (good, bad))
    _refuse_few(good, bad, given)
    _refuse_much(good, bad, given)
    examples = pa.array([*good, *bad], pa.string())
    trained = linear.train(examples, np.repeat([True, False], [len(good), len(bad)]))
    told = list(_told(trained, good, bad, len(both)))
    if reviewed and rows:
        told[1:1] = _left_out(reviewed, rows)
    return _Trained(trained.model, tuple(told))


def _texts(files: Files, reading: _Reading) -> Iterator[str]:
    for path, name in zip(files.paths, files.names, strict=True):
        yield from (one for _, one in _rows(reading.table(path, name), path))


def _rows(table: pa.Table, path: Path) -> Iterator[tuple[int, str]]:
    """The number and text of each row of a file that has a text. Raises UserError for one that cannot be read."""
    for bad in table.filter(pc.is_valid(table["unreadable"])).slice(0, 1).to_pylist():
        what = f"row {bad['row']} cannot be read: {bad['unreadable']}"
        raise UserError(what, where=path, line=bad["line"], do="Mend it, or take it out: every example counts.")
    for number, one in zip(table["row"].to_pylist(), texts_of(table).to_pylist(), strict=True):
        if one and one.strip():
            yield number, one


def _verdicts(reviewed: Files, rows: Files, reading: _Reading) -> Iterator[tuple[str, str]]:
    """The verdict and the text of each row that was reviewed; one on which people differ, or that is to be mended, teaches nothing."""
    said = reviews.read(reviewed)
    for path, name in zip(rows.paths, rows.names, strict=True):
        judged = {row: verdicts for (source, row), verdicts in said.items() if source == name}
        if not judged:
            continue
        table = reading.table(path, name)
        table = table.filter(pc.is_in(table["row"], pa.array(judged, table["row"].type)))
        _refuse_no_row(judged, set(table["row"].to_pylist()), rows)
        for number, one in _rows(table, path):  # of the others none need be readable
            found = judged[number]
            if reviews.is_agreed(found) and found[-1].verdict != reviews.MEND:
                yield found[-1].verdict, one


def _refuse_no_row(judged: dict[int, tuple[reviews.Verdict, ...]], there: set[int], rows: Files) -> None:
    """Raises UserError for a verdict on a row that its file does not have: others are then on wrong rows, too."""
    for row, verdicts in judged.items():
        if row not in there:
            raise UserError(
                f"{verdicts[-1].source}:{row} is no row of rows = {list(rows.names)}",
                where=verdicts[-1].where,
                line=verdicts[-1].line,
                do="Give quality the parameters that ingest reads the file with; or correct or remove the line.",
            )


def _left_out(reviewed: Files, rows: Files) -> Iterator[str]:
    """What is told of verdicts on files that are not named."""
    others = Counter(source for source, _ in reviews.read(reviewed) if source not in rows.names)
    if others:
        names = sorted(others)
        more = ", ..." if len(names) > _FILES_TOLD else ""
        where = f"of files that rows does not name: {', '.join(names[:_FILES_TOLD])}{more}"
        yield f"{others.total():,} {'verdict is' if others.total() == 1 else 'verdicts are'} left out, {where}"


def _refuse_few(good: Sequence[str], bad: Sequence[str], given: Given) -> None:
    for name, found in (("kept", good), ("dropped", bad)):
        if len(found) < LEAST:
            raise UserError(
                f"only {len(found)} different {name} texts to learn from: it takes {LEAST} of either kind",
                where=_named(given),
                do=f"Add examples of what is to be {name}.",
            )


def _refuse_much(good: Sequence[str], bad: Sequence[str], given: Given) -> None:
    size = sum(len(one.encode()) for found in (good, bad) for one in found)
    if size > _MOST_BYTES:
        raise UserError(
            f"{size / 1e6:,.0f} MB of texts to learn from: it takes {_MOST_BYTES / 1e6:,.0f} at most",
            where=_named(given),
            do="Name fewer files of examples; some thousand texts of either kind are enough.",
        )


def _named(given: Given) -> str:
    return ", ".join([name for files in given[:3] if files is not None for name in files.names][:3])


def _told(trained: linear.Trained, good: Sequence[str], bad: Sequence[str], both: int) -> Iterator[str]:
    area = f"area under the curve {trained.auc:.3f} over {linear.FOLDS} folds"
    hardly = ": hardly better than guessing (0.5)" if trained.auc < _CHANCE else ""
    yield f"learnt from {len(good):,} kept and {len(bad):,} dropped texts; {area}{hardly}"
    if both:
        yield f"{both:,} texts are both kept and dropped, and count for neither"
    for name, telling in zip(("kept", "dropped"), _telling(trained.model, [*good, *bad]), strict=True):
        yield f"most telling for {name}: {', '.join(telling) or 'no word'}"


def _words(example: str) -> list[str]:
    return words_of.tokens(words_of.fold(example))


def _telling(model: linear.Linear, examples: Sequence[str]) -> tuple[list[str], list[str]]:
    """The words that by themselves speak most for either class, of those in several examples."""
    counts = Counter(word for one in examples for word in {_NUMBER if w.isdecimal() else w for w in _words(one)})
    words = sorted(word for word, count in counts.items() if count >= _LEAST_TEXTS)
    found = model.margins(pa.array(words, pa.string())) - model.bias
    order = np.argsort(found, kind="stable")
    return (
        [words[at] for at in order[::-1][:_TELLING] if found[at] > 0],
        [words[at] for at in order[:_TELLING] if found[at] < 0],
    )
