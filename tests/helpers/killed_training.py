"""Trains in forks that are killed, starts them again, and tells what came out.

A program of its own, because it forks: `python killed_training.py FOLDER BASE METHOD KILLS CUTS` prints JSON. Forking
after torch is loaded makes a start cost milliseconds; each child trains in a fresh copy of this process, as a worker would.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import crashing_disk
import tiny
from forks import in_child

from adaptline.core.artifacts import Desk
from adaptline.models import export, loop, setup  # noqa: F401 - loaded once, before the forks
from adaptline.models.steps.train import CHECKPOINT_SECONDS, train

STEPS = 14  # 54 rows in batches of 8, twice


class Trial:
    """One artifact to be made, in a folder of its own, however often its process is killed."""

    def __init__(self, folder: Path, base: Path, method: str) -> None:
        self.folder, self.base, self.method = folder, base, method

    def run(self, progress: Callable[[int, int, str], None] = lambda *_: None) -> dict[str, Any]:
        shutil.rmtree(self.folder / "output", ignore_errors=True)  # a run's output is a new temporary folder each time
        shards = tiny.Shards()
        rows = shards.rows(tiny.records(72))
        desk: Desk = tiny.make_desk(self.folder, shards.read, progress)
        return train(
            rows,
            desk=desk,
            base=tiny.base_folder(self.base),
            method=tiny.use(self.method),
            epochs=2,
            batch_size=8,
            precision="fp32",
            max_tokens=16,
            seed=11,
        )

    def killed_at(self, step: int) -> int:
        def progress(done: int, *_: object) -> None:
            if done == step:
                os.kill(os.getpid(), signal.SIGKILL)

        return in_child(lambda: self.run(progress))

    def cut_at(self, operation: int) -> int:
        """The power is cut at an operation on the disk below the scratch folder: in the middle of a checkpoint."""

        def work() -> None:
            (self.folder / "scratch").mkdir(parents=True, exist_ok=True)
            crashing_disk.CrashingDisk(self.folder / "scratch", operation).install()
            self.run()

        return in_child(work)

    def finish(self) -> dict[str, Any]:
        """The payload and the step from which the last run went on."""

        def work() -> None:
            (self.folder / "record.json").write_text(json.dumps(self.run()))

        code = in_child(work)
        if code != 0:
            raise SystemExit(f"{self.folder.name}: ended with {code}")
        record = json.loads((self.folder / "record.json").read_text())
        return {"payload": tiny.payload(self.folder / "output"), "resumed_from": record["resumed_from_step"]}


def main() -> None:
    root, base, method, kills, cuts = Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3], *map(int, sys.argv[4:])
    os.environ[CHECKPOINT_SECONDS] = "0"
    chance = random.Random(f"killed {method}")  # noqa: S311 - not for secrets
    found: dict[str, Any] = {"undisturbed": Trial(root / "undisturbed", base, method).finish(), "killed": [], "cut": []}
    for number in range(kills):
        trial = Trial(root / f"killed-{number}", base, method)
        steps = sorted(chance.sample(range(1, STEPS + 1), 1 + number % 4))
        codes = [trial.killed_at(step) for step in steps]
        found["killed"].append({"steps": steps, "codes": codes, **trial.finish()})
    for number in range(cuts):
        trial = Trial(root / f"cut-{number}", base, method)
        operation = chance.randint(1, 100)
        found["cut"].append({"operation": operation, "code": trial.cut_at(operation), **trial.finish()})
    print(json.dumps(found))


if __name__ == "__main__":
    main()
