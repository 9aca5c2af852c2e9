"""Units of work: each found if it was ever done, else computed, committed and never lost.

Knows the store and the engine. Knows nothing of what a unit computes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import takewhile
from pathlib import Path
from typing import Any

import pyarrow as pa

from adaptline.core import keys, signatures
from adaptline.core.artifacts import Unit
from adaptline.core.engines.local import LocalEngine
from adaptline.core.memory import Memory
from adaptline.core.progress import Progress, Silent
from adaptline.core.rows import Ref
from adaptline.core.store import Store

_ASSUMED_ROW_BYTES = 256  # only for the choice between this process and workers


@dataclass
class StoreUnits:
    """The units of one step, in a store and on an engine. Counts what ran and what was found, by note."""

    store: Store
    engine: LocalEngine
    progress: Progress = field(default_factory=Silent)
    memory: Memory = field(default_factory=Memory)
    title: str = ""  # goes before the notes that progress shows
    ran: dict[str, int] = field(default_factory=dict)
    found: dict[str, int] = field(default_factory=dict)
    cpu_seconds_elsewhere: float = 0.0  # in worker processes

    def map(self, function: Callable[..., pa.Table], units: Sequence[Unit], note: str) -> list[Ref]:
        """The units' results in order; see artifacts.Units."""
        named = [keys.key("unit", unit.meaning) for unit in units]
        refs: dict[str, Ref] = {}
        for key in named:
            if key not in refs and (ref := self.store.find_unit(key)) is not None:
                refs[key] = ref
        # Two shards with the same bytes are one unit.
        missing = {key: unit for key, unit in zip(named, units, strict=True) if key not in refs}
        self.found[note] = self.found.get(note, 0) + len(refs)
        self.ran[note] = self.ran.get(note, 0) + len(missing)
        calls = [(self.store.root, key, function, unit.arguments) for key, unit in missing.items()]
        order = list(missing)
        shown = f"{self.title}: {note}" if self.title else note
        for done, result in enumerate(self.engine.map(compute_unit, calls, weight=_weight(missing.values())), 1):
            refs[order[result.index]] = result.value
            self.cpu_seconds_elsewhere += result.cpu_seconds if result.elsewhere else 0.0
            self.progress.at(shown, done, len(calls))
        self.progress.end(shown)
        return [refs[key] for key in named]

    def first_there(self, meanings: Sequence[Any]) -> list[Ref]:
        """Units that are there already, by what they mean: those before the first that is not."""
        found = (self.store.find_unit(keys.key("unit", meaning)) for meaning in meanings)
        return list(takewhile(lambda ref: ref is not None, found))  # type: ignore[arg-type]

    def read(self, ref: Ref, columns: list[str] | None = None) -> pa.Table:
        """The table of a unit, or some columns of it."""
        return self.store.read(ref, columns)

    def memory_for(self, rows: int) -> int:
        """Bytes that a unit that looks at so many rows may hold of them at a time. Raises UserError where there is no room."""
        return self.memory.for_rows(rows, self.engine.workers)

    def subject_secret(self) -> bytes:
        """The store's secret for HMACs of subjects."""
        return self.store.subject_secret()


def compute_unit(root: Path, key: str, function: Callable[..., pa.Table], arguments: dict[str, Any]) -> Ref:
    """Computes one unit and commits it; runs here or in a worker. Raises RunError where a file changed meanwhile."""
    store = Store(root)
    table = function(store.read, **arguments)
    signatures.refuse_changed(arguments)  # it would be found for ever under the key of what the file had been
    return store.commit_unit(key, table)


def _weight(units: Any) -> float:
    """Bytes of rows that units work on: what their arguments say, whole sources and shards alike."""
    total = 0.0
    for unit in units:
        for value in unit.arguments.values():
            for entry in value if isinstance(value, list | tuple) else [value]:
                total += entry.rows * _ASSUMED_ROW_BYTES if isinstance(entry, Ref) else getattr(entry, "size", 0)
    return total
