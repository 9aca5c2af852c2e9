"""What a step's signature can ask for besides parameters: artifacts of its inputs, and a place to work.

Knows the shapes only; run.py fills them.
"""

from __future__ import annotations

import contextlib
import traceback
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from adaptline.errors import RunError, UserError

if TYPE_CHECKING:
    import pyarrow as pa

    from adaptline.core.registry import Method
    from adaptline.core.rows import Ref
    from adaptline.core.sources import Folder


@dataclass(frozen=True)
class Weights:
    """An artifact of weights: a folder in the store, and the grid's cell that it is, for a step that is told of cells."""

    path: Path
    key: str
    digest: str
    cell: dict[str, Any]
    record: dict[str, Any]
    folders: dict[str, Folder] = field(default_factory=dict)  # the folders that its step named: its base


@dataclass(frozen=True)
class Report:
    """An artifact that is evidence: a folder in the store with a report.json, and the cell that it is, as for weights.

    `behind` holds, for a step that reads the ancestry of its inputs, every artifact of weights and every report that it
    was made from, directly or not.
    """

    path: Path
    key: str
    digest: str
    cell: dict[str, Any]
    behind: tuple[Weights | Report, ...] = ()


@dataclass(frozen=True)
class Use:
    """A method as a recipe uses it: its name, its own parameters, and what the step does with its result.

    `settings` holds the step's words (on, min, max, keep, drop, unjudged, and the name where results are stored under it),
    `parameters` those of the method's signature. `alias` is what a recipe calls a rule: it means nothing.
    """

    use: str
    kind: str
    parameters: dict[str, Any]
    settings: dict[str, Any]
    identity: list[Any]
    beside: Path = field(compare=False)
    alias: str | None = field(default=None, compare=False)

    @property
    def name(self) -> str:
        """What its result is called: as the recipe says, so that it can use a method twice, else the method's own name."""
        return self.settings.get("name") or self.load().name

    def load(self) -> Method:
        """The method itself; imports its file."""
        from adaptline.core import registry  # noqa: PLC0415 - shapes must not import what they describe

        method = registry.load(self.kind, self.use, self.beside)
        if method.identity != self.identity:
            # Its results would be kept under the key of what it was.
            raise UserError(f"{self.use} changed while it was used", where=self.beside, do="Run again.")
        return method

    @contextlib.contextmanager
    def blamed(self) -> Iterator[None]:
        """A method may be anybody's code: whatever goes wrong in it while the block runs is told with its name."""
        try:
            yield
        except (UserError, RunError):
            raise
        except Exception as error:
            where = _last_line_in(error, (self.beside / self.use.rpartition(":")[0]).resolve())
            brief = f"{self.use} failed: {where}{type(error).__name__}"
            raise RunError(f"{brief}: {error}. --debug shows more.", brief=brief) from error


def _last_line_in(error: Exception, path: Path) -> str:
    """The place in a user's file where an error came about, as "mine.py, line 12: "; nothing for a method of the package."""
    lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if Path(frame.filename) == path]
    return f"{path.name}, line {lines[-1]}: " if lines else ""


@dataclass(frozen=True)
class Unit:
    """One piece of a step's work: what it means (JSON-like, for its key) and what its function gets."""

    meaning: Any
    arguments: dict[str, Any]


Read = Callable[..., "pa.Table"]  # (ref, columns=None): the table of a unit, or some columns of it


class Units(Protocol):
    """Where the units of a step that makes rows run: found if they exist, else computed, committed, and never lost."""

    def map(self, function: Callable[..., pa.Table], units: Sequence[Unit], note: str) -> list[Ref]:
        """The units' results in order. `function(read, **arguments)` may run in another process; `note` names the work."""

    def first_there(self, meanings: Sequence[Any]) -> list[Ref]:
        """Units that are there already, by what they mean: those before the first that is not."""

    def read(self, ref: Ref, columns: list[str] | None = None) -> pa.Table:
        """The table of a unit, or some columns of it."""

    def memory_of_match(self) -> int | None:
        """Bytes that a unit may take which looks at all rows at once, None where nobody says. Processes that wait are ended."""

    def subject_secret(self) -> bytes:
        """The store's secret for HMACs of subjects."""


@dataclass(frozen=True)
class Desk:
    """Where a step that makes weights or a report works.

    `output` is an empty folder to fill; it becomes the artifact when the step returns. `scratch` survives a kill, and
    the next run of the same step finds it as it was left. `progress(done, total, note)` may be called at any rate.
    """

    output: Path
    scratch: Path
    read: Read
    progress: Callable[[int, int, str], None]
