"""How likely a person would keep a text, learnt from examples of texts that were kept and dropped.

Knows examples and their words. Knows nothing of what is good: it learns what the examples differ in, also if that is their
topic or length of lines rather than their worth.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from adaptline.core.registry import filter
from adaptline.core.rows import texts as texts_of
from adaptline.core.sources import Files, refuse_changed
from adaptline.data import linear, reviews
from adaptline.data import text as words_of
from adaptline.data.reading import read_table
from adaptline.data.schemas import UNNAMED, Columns
from adaptline.errors import UserError

LEAST = 20  # examples of either kind: with fewer the folds, of a fifth each, tell nothing
_TELLING, _LEAST_TEXTS = 8, 3  # words that are told of either kind; in so many examples at least
_NUMBER = "0"  # stands for all of them, as in the features
_CHANCE = 0.6  # an area below this is hardly better than guessing (0.5)

Given = tuple[Files | None, Files | None, Files | None, Files | None, str | None]


def _check(
    *,
    kept: Files | None = None,
    dropped: Files | None = None,
    reviewed: Files | None = None,
    rows: Files | None = None,
    text: str | None = None,  # noqa: ARG001 - the form of every check
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


def _tell(
    *,
    kept: Files | None = None,
    dropped: Files | None = None,
    reviewed: Files | None = None,
    rows: Files | None = None,
    text: str | None = None,
) -> Sequence[str]:
    return _trained((kept, dropped, reviewed, rows, text)).told


@filter(version=1, gives="number", defaults={"min": 0.5}, uses=("format",), check=_check, tell=_tell)
def quality(
    texts: pa.StringArray,
    *,
    kept: Files | None = None,
    dropped: Files | None = None,
    reviewed: Files | None = None,
    rows: Files | None = None,
    text: str | None = None,
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
            is left out.
        rows: the source files that these verdicts are on.
        text: the field of those files that holds the text; by default it is told from the fields' names.

    Returns:
        One probability per text.

    Raises:
        UserError: an example cannot be read, a verdict is on no row of `rows`, or there are fewer than 20 examples of a kind.
    """
    model = _trained((kept, dropped, reviewed, rows, text)).model
    scores = model.probabilities(texts)
    return pa.array(scores, mask=pc.is_null(texts).to_numpy(zero_copy_only=False))


@dataclass(frozen=True)
class _Trained:
    model: linear.Linear
    told: tuple[str, ...]


@lru_cache(maxsize=2)
def _trained(given: Given) -> _Trained:
    """The model of some examples; trained once per process, not once per shard."""
    kept, dropped, reviewed, rows, text = given
    columns = UNNAMED if text is None else Columns(text=text)
    good = [one for files in (kept,) if files for one in _texts(files, columns)]
    bad = [one for files in (dropped,) if files for one in _texts(files, columns)]
    if reviewed and rows:
        for verdict, one in _verdicts(reviewed, rows, columns):
            (good if verdict == "keep" else bad).append(one)
    for files in given[:4]:
        if isinstance(files, Files):
            refuse_changed(files)  # what is kept for later shards must be what its key says
    both = set(good) & set(bad)
    good, bad = (sorted(set(found) - both) for found in (good, bad))
    _refuse_few(good, bad, given)
    examples = pa.array([*good, *bad], pa.string())
    trained = linear.train(examples, np.repeat([True, False], [len(good), len(bad)]))
    return _Trained(trained.model, tuple(_told(trained, good, bad, len(both))))


def _texts(files: Files, columns: Columns) -> Iterator[str]:
    for path, name in zip(files.paths, files.names, strict=True):
        yield from (one for _, one in _rows(path, name, columns))


def _rows(path: Path, name: str, columns: Columns) -> Iterator[tuple[int, str]]:
    """The number and text of each row of a file that has a text. Raises UserError for one that cannot be read."""
    table = read_table(path, name=name, columns=columns)
    for bad in table.filter(pc.is_valid(table["unreadable"])).slice(0, 1).to_pylist():
        what = f"row {bad['row']} cannot be read: {bad['unreadable']}"
        raise UserError(what, where=path, line=bad["line"], do="Mend it, or take it out: every example counts.")
    for number, one in zip(table["row"].to_pylist(), texts_of(table).to_pylist(), strict=True):
        if one and one.strip():
            yield number, one


def _verdicts(reviewed: Files, rows: Files, columns: Columns) -> Iterator[tuple[str, str]]:
    """The verdict and the text of each row that was reviewed; one on which people differ teaches nothing."""
    said = dict(reviews.read(reviewed))
    for path, name in zip(rows.paths, rows.names, strict=True):
        for number, one in _rows(path, name, columns):
            found = said.pop((name, number), ())
            if found and reviews.is_agreed(found):
                yield found[-1].verdict, one
    for (source, row), verdicts in said.items():
        raise UserError(
            f"{source}:{row} is no row of rows = {list(rows.names)} that has a text",
            where=verdicts[-1].where,
            line=verdicts[-1].line,
            do="Name its file in rows, too; or correct or remove the line.",
        )


def _refuse_few(good: Sequence[str], bad: Sequence[str], given: Given) -> None:
    files = [name for found in given[:3] if isinstance(found, Files) for name in found.names]
    for name, found in (("kept", good), ("dropped", bad)):
        if len(found) < LEAST:
            raise UserError(
                f"only {len(found)} different {name} texts to learn from: it takes {LEAST} of either kind",
                where=", ".join(files[:3]),
                do=f"Add examples of what is to be {name}.",
            )


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
