"""Cuts the power at every operation on the disk while checkpoints are written, and tells what a new process finds.

A program of its own, because it forks: `python cut_checkpoints.py FOLDER` prints a JSON list, one entry per cut.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import crashing_disk
import torch
from forks import in_child

from adaptline.models.checkpoint import Checkpoint, Checkpoints

STEPS = ((1, 0), (2, 2), (3, 2), (4, 4), (5, 4))  # step, and the step of the best epoch


def checkpoint(step: int, best: int) -> Checkpoint:
    tensors = {"parameter.a": torch.full((50,), float(step))}
    return Checkpoint({"step": step, "best": best}, tensors, {"a": torch.full((50,), float(best))})


def write_all(folder: Path, progress: int) -> None:
    kept = Checkpoints(folder / "checkpoint", "this", 0)
    kept.load()
    for step, best in STEPS:
        kept.save(checkpoint(step, best), step=step, best_step=best)
        os.pwrite(progress, bytes([step]), 0)


def cut_at(folder: Path, at: int) -> tuple[int, int]:
    """The child's exit code, and how many checkpoints it had finished."""
    folder.mkdir()
    counter = folder.with_suffix(".finished")
    counter.write_bytes(b"\0")

    def work() -> None:
        progress = os.open(counter, os.O_WRONLY)
        crashing_disk.CrashingDisk(folder, at).install()
        write_all(folder, progress)

    return in_child(work), counter.read_bytes()[0]


def examine(folder: Path) -> tuple[int, bool]:
    """The step of the checkpoint that is found, 0 for none, and whether all of it is what was written."""
    found = Checkpoints(folder / "checkpoint", "this", 0).load()
    if found is None:
        return 0, True
    step, best = found.facts["step"], found.facts["best"]
    expected = checkpoint(step, best)
    intact = (step, best) in STEPS and all(
        torch.equal(mine[name], value)
        for mine, theirs in ((found.now, expected.now), (found.best, expected.best))
        for name, value in theirs.items()
    )
    return step, intact


def main() -> None:
    root, cuts, at = Path(sys.argv[1]), [], 1
    while True:
        code, completed = cut_at(root / f"cut-{at}", at)
        if code not in (0, crashing_disk.EXIT):
            raise SystemExit(f"the child failed at operation {at}")
        found, intact = examine(root / f"cut-{at}")
        cuts.append({"at": at, "completed": completed, "found": found, "intact": intact})
        if code == 0:
            break
        at += 1
    print(json.dumps(cuts))


if __name__ == "__main__":
    main()
