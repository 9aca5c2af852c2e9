"""kill -9 and power cuts at any moment: the next run goes on, and ends with the same bytes as one that was not disturbed."""

from __future__ import annotations

import os
import random
import signal
import time
from pathlib import Path

import crashing_disk
import lines
import pytest
from forks import in_child, start

import adaptline.core.engines.local
from adaptline.core.run import run


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, str], float]:
    """A recipe, the payloads of a run that nothing disturbed, and how many seconds it took when warm."""
    recipe = lines.make(tmp_path_factory.mktemp("undisturbed"))
    run(recipe, store=recipe.parent / "first")
    start = time.monotonic()
    assert in_child(lambda: run(recipe, store=recipe.parent / "second", workers=1)) == 0
    took = time.monotonic() - start
    expected = lines.payloads(recipe.parent / "second")
    assert expected == lines.payloads(recipe.parent / "first")
    return recipe, expected, took


def _unit_times(store: Path) -> dict[str, int]:
    return {str(path.relative_to(store)): path.stat().st_mtime_ns for path in store.glob("units/*/*")}


def _check_resumed(recipe: Path, store: Path, expected: dict[str, str]) -> None:
    """A second run finishes, equals the undisturbed one byte for byte, and leaves what was finished alone."""
    finished = _unit_times(store)
    assert in_child(lambda: run(recipe, store=store, workers=1)) == 0
    assert lines.payloads(store) == expected
    after = _unit_times(store)
    assert {name: after[name] for name in finished} == finished, "a finished unit was made again"
    assert not list((store / "temporary").iterdir()), "half-written files were left behind"


def _kill_at_random(undisturbed: tuple[Path, dict[str, str], float], folder: Path, times: int, seed: int) -> int:
    recipe, expected, took = undisturbed
    chance = random.Random(seed)  # noqa: S311 - not for secrets
    killed = 0
    for i in range(times):
        store = folder / f"store-{i}"
        code = in_child(lambda store=store: run(recipe, store=store, workers=1), kill_after=chance.uniform(0, took))  # type: ignore[misc]
        killed += code == -signal.SIGKILL
        _check_resumed(recipe, store, expected)
    return killed


def test_killed_at_random_moments(undisturbed: tuple[Path, dict[str, str], float], tmp_path: Path) -> None:
    assert _kill_at_random(undisturbed, tmp_path, 10, seed=0) >= 5


@pytest.mark.slow
def test_killed_at_200_random_moments(undisturbed: tuple[Path, dict[str, str], float], tmp_path: Path) -> None:
    assert _kill_at_random(undisturbed, tmp_path, 200, seed=1) >= 150


def _operations(recipe: Path, store: Path) -> int:
    """How many operations on the disk a whole run takes."""
    read, write = os.pipe()

    def counted() -> None:
        disk = crashing_disk.CrashingDisk(store, None)
        disk.install()
        run(recipe, store=store, workers=1)
        disk.real["write"](write, str(disk.count).encode())

    assert in_child(counted) == 0
    return int(os.read(read, 64))


def _crash_at(undisturbed: tuple[Path, dict[str, str], float], folder: Path, moments: range) -> None:
    recipe, expected, _ = undisturbed
    for at in moments:
        store = folder / f"store-{at}"

        def crashing(store: Path = store, at: int = at) -> None:
            crashing_disk.CrashingDisk(store, at).install()
            run(recipe, store=store, workers=1)

        assert in_child(crashing) == crashing_disk.EXIT
        _check_resumed(recipe, store, expected)


def test_power_cut_at_some_operations(undisturbed: tuple[Path, dict[str, str], float], tmp_path: Path) -> None:
    total = _operations(undisturbed[0], tmp_path / "counted")
    _crash_at(undisturbed, tmp_path, range(1, total + 1, max(1, total // 20)))


@pytest.mark.slow
def test_power_cut_at_every_operation(undisturbed: tuple[Path, dict[str, str], float], tmp_path: Path) -> None:
    total = _operations(undisturbed[0], tmp_path / "counted")
    assert total > 100
    _crash_at(undisturbed, tmp_path, range(1, total + 1))


def test_the_shim_does_drop_what_is_not_synced(tmp_path: Path) -> None:
    """The shim itself must be able to fail a store that forgets an fsync."""

    def careless() -> None:
        crashing_disk.CrashingDisk(tmp_path, 21).install()
        for i in range(10):
            descriptor = os.open(tmp_path / f"file-{i}", os.O_WRONLY | os.O_CREAT)
            os.write(descriptor, b"not synced")
            (tmp_path / f"file-{i}").rename(tmp_path / f"named-{i}")
        os.mkdir(tmp_path / "the operation that crashes")  # noqa: PTH102 - counted by name

    assert in_child(careless) == crashing_disk.EXIT
    left = list(tmp_path.iterdir())
    assert 0 < len(left) < 10
    assert any(path.stat().st_size < len(b"not synced") for path in left)


def test_two_runs_at_once_end_well_with_equal_results(
    undisturbed: tuple[Path, dict[str, str], float], tmp_path: Path
) -> None:
    recipe, expected, _ = undisturbed
    for i in range(5):
        store = tmp_path / f"store-{i}"
        children = [start(lambda store=store: run(recipe, store=store, workers=1)) for _ in range(2)]  # type: ignore[misc]
        assert [child.end() for child in children] == [(0, ""), (0, "")]
        assert lines.payloads(store) == expected


def test_workers_give_the_same_bytes(
    undisturbed: tuple[Path, dict[str, str], float], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe, expected, _ = undisturbed
    monkeypatch.setattr(adaptline.core.engines.local, "WORTH_A_WORKER", 1)
    run(recipe, store=tmp_path / "store", workers=2)
    assert lines.payloads(tmp_path / "store") == expected
