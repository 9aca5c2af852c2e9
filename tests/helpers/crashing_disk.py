"""A disk that loses power at a chosen moment: what was not synced is gone, as POSIX allows.

Patches the functions of `os` through which the store writes, in a child process that is lost afterwards. Counts every
write, fsync, link, rename, replace, unlink and mkdir below a folder; at the n-th it drops what no fsync covered
(any part of the contents of files and of the names in folders) and ends the process.
"""

from __future__ import annotations

import os
import random
import shutil
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

EXIT = 137
_SURVIVES = 0.4  # the chance that an unsynced name reached the disk all the same
COUNTED = ("write", "fsync", "link", "rename", "replace", "unlink", "mkdir")


class CrashingDisk:
    """Counts operations below `root`, and crashes at number `at` (never, if None)."""

    def __init__(self, root: Path, at: int | None) -> None:
        self.root, self.at, self.count = root, at, 0
        self.real: dict[str, Callable[..., Any]] = {name: getattr(os, name) for name in COUNTED}
        self.known = {path: path.stat().st_ino for path in root.rglob("*")} if root.exists() else {}
        self.synced_files = {inode for path, inode in self.known.items() if path.is_file()}
        self.synced_bytes = {path: path.stat().st_size for path in self.known if path.is_file()}
        self.unsynced_names: dict[Path, bytes | None] = {}  # new name -> what the name stood for before
        self.log: list[str] = []

    def install(self) -> None:
        for name in COUNTED:
            setattr(os, name, self._counting(name))

    def _counting(self, name: str) -> Callable[..., Any]:
        def operation(*arguments: Any, **options: Any) -> Any:
            path = self._path(name, arguments)
            if path is None:
                return self.real[name](*arguments, **options)
            self.count += 1
            self.log.append(f"{name} {path.relative_to(self.root)}")
            if self.count == self.at:
                self._crash()
            before = path.read_bytes() if name == "replace" and path.exists() else None
            result = self.real[name](*arguments, **options)
            self._note(name, path, before)
            return result

        return operation

    def _path(self, name: str, arguments: tuple[Any, ...]) -> Path | None:
        if name in ("write", "fsync"):
            path = Path(f"/proc/self/fd/{arguments[0]}").readlink()
        else:
            path = Path(os.fspath(arguments[1 if name in ("link", "rename", "replace") else 0]))
        return path if path == self.root or self.root in path.parents else None

    def _note(self, name: str, path: Path, before: bytes | None) -> None:
        if name == "fsync" and path.is_dir():
            self.unsynced_names = {new: old for new, old in self.unsynced_names.items() if new.parent != path}
        elif name == "fsync":
            self.synced_files.add(path.stat().st_ino)
            self.synced_bytes[path] = path.stat().st_size
        elif name == "write":
            self.synced_files.discard(path.stat().st_ino)
        elif name in ("link", "rename", "mkdir", "replace") and path != self.root:
            self.unsynced_names[path] = before
            self.synced_bytes.pop(path, None)  # another file has this name now

    def _crash(self) -> None:
        # A disk writes in any order: any part of what was not synced may have reached it. What stands before it, in a
        # file that is appended to, was synced and stays.
        chance = random.Random(self.at)  # noqa: S311 - not for secrets
        for path, before in reversed(self.unsynced_names.items()):
            if chance.random() < _SURVIVES:
                continue
            if before is not None:
                path.write_bytes(before)
            elif path.is_dir():
                shutil.rmtree(path)
            else:
                path.unlink(missing_ok=True)
        for path in self.root.rglob("*"):
            mode = path.lstat()
            if stat.S_ISREG(mode.st_mode) and mode.st_ino not in self.synced_files and path.suffix != ".lock":
                kept = min(mode.st_size, self.synced_bytes.get(path, 0))
                os.truncate(path, chance.randint(kept, mode.st_size))
        os._exit(EXIT)
