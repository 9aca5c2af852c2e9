"""Compiling once: what numba makes of these loops is kept in the user's cache, under the digest of all their sources.

numba's own cache looks at the file of a function alone, and would go on with what that file had compiled of another. Knows
numba and files; knows nothing of what the loops do.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Any

import numba

config: Any = numba.config  # its names come from the environment
_HERE = Path(__file__).parent
_SOURCES = (_HERE.parent / "folding.py", *sorted(_HERE.glob("*.py")))  # folding's constants are compiled in


def compiled(function: Callable[..., Any]) -> Any:
    """A function as machine code, without Python's lock. Where nothing can be kept, each process compiles it anew."""
    found = cache_folder()
    if found is None:
        return numba.njit(nogil=True)(function)
    before, config.CACHE_DIR = config.CACHE_DIR, str(found)  # numba looks at it now and never again
    try:
        return numba.njit(nogil=True, cache=True)(function)
    finally:
        config.CACHE_DIR = before


@lru_cache(maxsize=1)
def cache_folder() -> Path | None:
    """Where compiled loops lie; None where no folder can be written.

    Its files are read by pickle, so it must be the user's own: below NUMBA_CACHE_DIR, else XDG_CACHE_HOME, else ~/.cache.
    """
    digest = hashlib.blake2b(b"\0".join(path.read_bytes() for path in _SOURCES), digest_size=8).hexdigest()
    base = config.CACHE_DIR or os.environ.get("XDG_CACHE_HOME") or Path("~/.cache").expanduser()
    folder = Path(base) / "adaptline" / f"loops-{digest}"
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        if folder.stat().st_uid != os.getuid():
            return None
        with tempfile.TemporaryFile(dir=folder):
            return folder
    except (OSError, RuntimeError):
        return None
