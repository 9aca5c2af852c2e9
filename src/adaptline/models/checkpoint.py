"""Where a training stands, on disk: two files of tensors and one of facts, so that it survives a kill at any moment.

Knows names, tensors and JSON. Knows nothing of models. The facts name the tensor files and are written last, each file
by write, fsync, rename: until the new facts are in place the old ones hold, and the files that they name are still there.
"""

from __future__ import annotations

import json
import shutil
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from safetensors.torch import load_file
from safetensors.torch import save as to_bytes
from torch import Tensor

from adaptline.core import disk

_FACTS = "checkpoint.json"


@dataclass(frozen=True)
class Checkpoint:
    """A moment of a training: the facts (JSON-like), the tensors as of now, and those of the best epoch so far."""

    facts: dict[str, Any]
    now: dict[str, Tensor] = field(repr=False)
    best: dict[str, Tensor] = field(repr=False)


class Checkpoints:
    """The one checkpoint in a folder, of the training that `meaning` names; due again `seconds` after the last."""

    def __init__(self, folder: Path, meaning: str, seconds: float) -> None:
        """Nothing is read or written yet; the clock starts."""
        self.folder, self.meaning, self.seconds = folder, meaning, seconds
        self._written = time.monotonic()

    def due(self) -> bool:
        """Whether so much time has passed since the last one that losing it would hurt."""
        return time.monotonic() - self._written >= self.seconds

    def load(self) -> Checkpoint | None:
        """The folder's checkpoint; None where there is none of this meaning, and then what else lies there is removed."""
        path = self.folder / _FACTS
        content = json.loads(path.read_text("utf-8")) if path.exists() else {}
        if content.get("meaning") != self.meaning:
            shutil.rmtree(self.folder, ignore_errors=True)
            return None
        now, best = (load_file(self.folder / content[name]) for name in ("now", "best"))
        return Checkpoint(content["facts"], now, best)

    def save(self, checkpoint: Checkpoint, *, step: int, best_step: int) -> None:
        """Replace the folder's checkpoint by this one, of `step`; the best epoch's tensors date from `best_step`."""
        disk.make_folder(self.folder)
        now, best = f"now-{step}.safetensors", f"best-{best_step}.safetensors"
        _put(self.folder / now, to_bytes(checkpoint.now))
        if not (self.folder / best).exists():
            _put(self.folder / best, to_bytes(checkpoint.best))
        content = {"meaning": self.meaning, "now": now, "best": best, "facts": checkpoint.facts}
        _put(self.folder / _FACTS, json.dumps(content).encode())
        for path in list(self.folder.iterdir()):
            if path.name not in (_FACTS, now, best):
                path.unlink()
        self._written = time.monotonic()


def _put(path: Path, data: bytes) -> None:
    disk.replace_file(path.with_suffix(".tmp"), path, data)
