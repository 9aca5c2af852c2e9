"""A step on one file, without a recipe: the file becomes a recipe of two steps, the work itself is an ordinary run.

Knows recipes and what is written beside an output. Knows nothing of command lines (cli_steps.py).
"""

from __future__ import annotations

import contextlib
import json
import re
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from adaptline.core import registry
from adaptline.errors import UserError, printable

if TYPE_CHECKING:
    from adaptline.core.progress import Progress

RUNNING = ("workers", "memory", "force")  # what a step on one file takes besides its parameters
_REASONS_SHOWN = 3


def _as_it_is(text: str) -> str:
    return text


def call(
    step: str,
    source: Path,
    out: Path,
    parameters: dict[str, Any],
    *,
    reading: dict[str, Any] | None = None,
    store: Path | None = None,
    workers: int | None = None,
    memory: str | None = None,
    force: bool = False,
    words: Callable[[str], str] = _as_it_is,
) -> Path:
    """Runs one step on one file and writes what comes out.

    What each method did is told on stderr. So are rows that cannot be read, which are written beside `out`, as
    `<out>.unreadable.jsonl`: nothing else remembers them where the store is temporary.

    Args:
        step: a step that takes rows.
        source: the file. It, and every file that the parameters name, is relative to the current folder.
        out: a file for rows, by whose suffix the format is chosen; a folder for weights.
        parameters: the step's parameters, as a recipe would give them.
        reading: parameters of ingest (format, text, label ...).
        store: keeps the work for another time; a temporary folder by default.
        workers: processes at most; the number of cores by default.
        memory: what making rows may take of private memory, like "2GB".
        force: writes over files that are there.
        words: makes of a message, which speaks as a recipe is written, one that speaks as the caller does.

    Raises:
        UserError: a mistake in the file or the parameters, or `out` or the file of unreadable rows exists.
    """
    from adaptline import output  # noqa: PLC0415 - start-up time
    from adaptline.core import naming, plan, progress, recipe, run, saved_sets, sources  # noqa: PLC0415 - start-up time
    from adaptline.core.store import Store  # noqa: PLC0415
    from adaptline.data import outcomes  # noqa: PLC0415
    from adaptline.data.writing import is_folder, refuse_unwritable  # noqa: PLC0415

    tables: dict[str, Any] = {"in": {"step": "ingest", "files": str(source.absolute()), **(reading or {})}}
    if step == "train":  # validation needs a part of its own
        tables["parts"] = {"step": "split", "from": "in", "share": {"train": 0.9, "validation": 0.1}}
    tables[step] = {"step": step, "from": list(tables)[-1], **parameters}
    has_rows = registry.load("step", step).options["output"] == "rows"
    inputs = [source, *sources.named_in(tables, Path.cwd()), *(file for file, _ in saved_sets.files_of(source))]
    output.refuse_place(out, inputs=inputs, force=force, folder=not has_rows or is_folder(out))
    aside = out.with_name(out.name + ".unreadable.jsonl")
    output.refuse_place(aside, inputs=inputs, force=force)
    if has_rows:
        refuse_unwritable(out)
    with tempfile.TemporaryDirectory(prefix="adaptline-") as temporary, of_no_recipe(words):
        found = recipe.from_tables(tables, f"oneshot-{step}", Path.cwd())
        with progress.for_terminal() as shown:
            show = _Reworded(shown, words)
            for planned in plan.plan(found, step, store=store or Path(temporary)):
                for note in planned.notes:
                    show.say(f"  note: {note}")
            made = run.run(found, store=store or Path(temporary), workers=workers, memory=memory, show=show)
        opened = Store.open(store or Path(temporary))
        first, last = (opened.manifest(artifact.key) or {} for artifact in (made[0], made[-1]))
        last = naming.with_rules(last, opened.refs(found.name)[step][0])
        for line in outcomes.lines(opened, last) if last["kind"] == "rows" else ():
            print(printable(f"  {words(line)}"), file=sys.stderr)  # labels and rows' words are foreign
        output.write(opened, last, out, inputs=inputs, force=force)
        aside.unlink(missing_ok=True)  # of the file that was written over
        if strange := list(output.unreadable(opened, first)):
            aside.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in strange), "utf-8")
            _tell(strange, aside)
    return out


class _Reworded:
    """Progress whose lines speak as the caller does."""

    def __init__(self, show: Progress, words: Callable[[str], str]) -> None:
        self.show, self.words = show, words
        self.at, self.end = show.at, show.end

    def say(self, line: str) -> None:
        """A line that stays."""
        self.show.say(self.words(line))


@contextlib.contextmanager
def of_no_recipe(words: Callable[[str], str] = _as_it_is) -> Iterator[None]:
    """Takes the recipe and its step out of a mistake's words: the user wrote neither."""
    try:
        yield
    except UserError as error:
        where = None if error.where == "recipe" else error.where
        what = error.what if where else re.sub(r"^\[\w+\] ", "", error.what)
        do = error.do.replace("Paths are relative to the recipe's folder", "Paths are relative to the current folder")
        raise UserError(words(what), where=where, line=error.line, do=words(do), brief=error.brief) from error


def _tell(unreadable: list[dict[str, Any]], aside: Path) -> None:
    count = len(unreadable)
    lines = [f"{count:,} {'row' if count == 1 else 'rows'} could not be read; see {aside}"]
    lines += [f"  {_place(row)}: {row['reason']}" for row in unreadable[:_REASONS_SHOWN]]
    lines += ["  ..."] if count > _REASONS_SHOWN else []
    for line in lines:  # names of files are foreign
        print(printable(line), file=sys.stderr)


def _place(row: dict[str, Any]) -> str:
    return f"{row['file']}, row {row['row']}" + (f" (line {row['line']})" if row["line"] else "")
