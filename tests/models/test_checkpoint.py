from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from adaptline.models.checkpoint import Checkpoint, Checkpoints

CUTS = Path(__file__).parent.parent / "helpers" / "cut_checkpoints.py"


def checkpoint(step: int, best: int) -> Checkpoint:
    return Checkpoint(
        {"losses": [0.1 * number for number in range(step)], "best_step": best},
        {"parameter.a": torch.full((3, 2), float(step)), "step.a": torch.tensor(float(step))},
        {"a": torch.full((3, 2), float(best))} if best else {},
    )


def same(found: Checkpoint | None, expected: Checkpoint) -> bool:
    def tensors(of: dict[str, torch.Tensor]) -> dict[str, tuple[list[int], object]]:
        return {name: (list(value.shape), value.tolist()) for name, value in of.items()}

    return (
        found is not None
        and found.facts == expected.facts
        and tensors(found.now) == tensors(expected.now)
        and tensors(found.best) == tensors(expected.best)
    )


def test_there_and_back(tmp_path: Path) -> None:
    written = checkpoint(3, 2)
    Checkpoints(tmp_path / "c", "this", 0).save(written, step=3, best_step=2)
    assert same(Checkpoints(tmp_path / "c", "this", 0).load(), written)


def test_before_the_first_epoch_nothing_is_best(tmp_path: Path) -> None:
    Checkpoints(tmp_path / "c", "this", 0).save(checkpoint(1, 0), step=1, best_step=0)
    assert same(Checkpoints(tmp_path / "c", "this", 0).load(), checkpoint(1, 0))


def test_none_at_first(tmp_path: Path) -> None:
    assert Checkpoints(tmp_path / "c", "this", 0).load() is None


def test_the_last_one_counts_and_the_others_are_gone(tmp_path: Path) -> None:
    kept = Checkpoints(tmp_path / "c", "this", 0)
    for step, best in ((1, 0), (2, 2), (3, 2), (4, 4)):
        kept.save(checkpoint(step, best), step=step, best_step=best)
    assert same(kept.load(), checkpoint(4, 4))
    assert sorted(path.name for path in (tmp_path / "c").iterdir()) == [
        "best-4.safetensors",
        "checkpoint.json",
        "now-4.safetensors",
    ]


def test_the_best_is_written_once(tmp_path: Path) -> None:
    kept = Checkpoints(tmp_path / "c", "this", 0)
    kept.save(checkpoint(2, 2), step=2, best_step=2)
    before = (tmp_path / "c" / "best-2.safetensors").stat().st_mtime_ns
    kept.save(checkpoint(3, 2), step=3, best_step=2)
    assert (tmp_path / "c" / "best-2.safetensors").stat().st_mtime_ns == before


def test_another_trainings_checkpoint_is_not_ours_and_goes(tmp_path: Path) -> None:
    Checkpoints(tmp_path / "c", "other", 0).save(checkpoint(2, 2), step=2, best_step=2)
    ours = Checkpoints(tmp_path / "c", "this", 0)
    assert ours.load() is None
    different = Checkpoint({"best_step": 2}, {}, {"a": torch.zeros(1)})
    ours.save(different, step=1, best_step=2)  # the same name as the other's best
    assert same(ours.load(), different)


def test_no_pickle_in_any_file(tmp_path: Path) -> None:
    Checkpoints(tmp_path / "c", "this", 0).save(checkpoint(2, 2), step=2, best_step=2)
    for path in (tmp_path / "c").iterdir():
        data = path.read_bytes()
        header = data if path.suffix == ".json" else data[8 : 8 + int.from_bytes(data[:8], "little")]
        json.loads(header)


@pytest.mark.parametrize(("seconds", "due"), [(0.0, True), (3600.0, False)])
def test_due_by_the_clock(tmp_path: Path, seconds: float, *, due: bool) -> None:
    kept = Checkpoints(tmp_path / "c", "this", seconds)
    assert kept.due() is due
    kept.save(checkpoint(1, 0), step=1, best_step=0)
    assert kept.due() is due


def test_a_power_cut_at_any_operation_leaves_the_last_whole_checkpoint(tmp_path: Path) -> None:
    """At every write, sync, rename and removal of five checkpoints in a row, what was not synced is lost."""
    done = subprocess.run([sys.executable, CUTS, tmp_path], capture_output=True, text=True, check=True)
    cuts = json.loads(done.stdout)
    assert len(cuts) > 40
    found = [cut["found"] for cut in cuts]
    assert found == sorted(found), "a later cut lost more than an earlier one"
    assert set(found) == {0, 1, 2, 3, 4, 5}
    for cut in cuts:
        assert cut["intact"], f"cut at operation {cut['at']}: {cut}"
        assert cut["found"] >= cut["completed"], "a finished checkpoint was lost"
