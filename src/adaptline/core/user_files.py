"""A user's own Python file as a module: read anew whenever it or a helper beside it changed.

Knows Python's import system. Knows nothing of methods.
"""

from __future__ import annotations

import contextlib
import importlib
import importlib.util
import sys
import threading
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

from adaptline.errors import UserError

_IMPORTING = threading.RLock()  # the import system's own caches are not safe from two who clear them at once


@cache
def import_file(path: Path, source: str) -> Any:
    """A user's file as a module; its own folder is importable while it loads, so it can have helpers beside it."""
    module_name = f"adaptline_user_{source[:16]}"
    spec = importlib.util.spec_from_file_location(module_name, path)
    if spec is None or spec.loader is None:
        raise UserError("not a Python file", where=path, do="Its name must end in .py.")
    module = importlib.util.module_from_spec(spec)
    sys.modules[module_name] = module
    try:
        with _IMPORTING, _importable(path.parent):
            spec.loader.exec_module(module)
    except (Exception, SystemExit) as error:
        del sys.modules[module_name]
        raise UserError(
            f"cannot be imported: {type(error).__name__}: {error}", where=path, do="Run it with python to see why."
        ) from error
    return module


@contextlib.contextmanager
def _importable(folder: Path) -> Iterator[None]:
    """While the block runs, modules of a folder can be imported, and are read anew.

    A helper may have been edited since it was last imported, and another recipe may have one of the same name: neither
    what is in memory nor a bytecode file, which tells seconds only, may stand in for what the key was made from.
    """
    earlier = {name: module for name, module in sys.modules.items() if _is_of(folder, name)}
    for name in earlier:
        del sys.modules[name]
    writes_bytecode, sys.dont_write_bytecode = sys.dont_write_bytecode, True
    importlib.invalidate_caches()
    sys.path.insert(0, str(folder))
    try:
        yield
    finally:
        sys.path.remove(str(folder))
        sys.dont_write_bytecode = writes_bytecode
        for name in [name for name in sys.modules if _is_of(folder, name)]:
            del sys.modules[name]
        sys.modules.update(earlier)


def _is_of(folder: Path, name: str) -> bool:
    """Whether a loaded module, or the package that it belongs to, is a file or folder directly in `folder`."""
    top = name.partition(".")[0]
    module = sys.modules.get(top)
    is_file = getattr(module, "__file__", None) == str(folder / f"{top}.py")
    return top != "adaptline" and (is_file or str(folder / top) in getattr(module, "__path__", ()))
