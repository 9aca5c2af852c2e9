"""The store's only way to write: nothing is seen under its name before it is whole and on the disk.

Knows write, fsync, link and rename (POSIX). Knows nothing of what is written.
The order is always: write under a temporary name, fsync the file, give it its name, fsync the folder.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from adaptline.errors import UserError

_HINTS = {
    errno.ENOSPC: ("no space left on the disk", "Free some space, then run again: what is done stays done."),
    errno.EDQUOT: ("the disk quota is used up", "Free some space, then run again: what is done stays done."),
    errno.EACCES: ("no permission to write", "Make the folder writable, or name another with --store."),
    errno.EPERM: ("no permission to write", "Make the folder writable, or name another with --store."),
    errno.EROFS: ("the file system is read-only", "Name a folder elsewhere with --store."),
    errno.ENOTDIR: ("a file lies where a folder is needed", "Move it away, or name another folder with --store."),
    errno.EFBIG: ("the file is larger than this process may write", "Raise the limit (ulimit -f), then run again."),
}


@contextlib.contextmanager
def explained(path: Path) -> Iterator[None]:
    """Turns what the disk refuses into an error that a user can act on."""
    try:
        yield
    except OSError as error:
        if error.errno not in _HINTS:
            raise
        what, do = _HINTS[error.errno]
        raise UserError(what, where=path, do=do) from error


def make_folder(path: Path) -> None:
    """Makes a folder and its parents, each entry synced, so that what is put inside cannot lose its folder."""
    with explained(path):
        if path.is_dir():
            return
        make_folder(path.parent)
        with contextlib.suppress(FileExistsError):
            path.mkdir()
        sync(path.parent)


def write_file(path: Path, data: bytes, mode: int = 0o644) -> None:
    """Writes and syncs a file in place; for temporary names. `mode` holds from its first moment, less the umask."""
    with explained(path):
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode)
        try:
            _write_all(descriptor, data)
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def commit_new(temporary: Path, path: Path) -> bool:
    """Gives a synced temporary file its name unless the name is taken; the first commit wins. True if it was ours."""
    with explained(path):
        try:
            os.link(temporary, path)
            won = True
        except FileExistsError:
            won = False
        temporary.unlink()
        sync(path.parent)
        return won


def replace_file(temporary: Path, path: Path, data: bytes) -> None:
    """Writes `data` and puts it in the place of `path` in one step."""
    write_file(temporary, data)
    with explained(path):
        temporary.replace(path)
        sync(path.parent)


def append_line(path: Path, line: bytes) -> None:
    """Appends a line and syncs. One write with O_APPEND: lines of two processes do not mix. Mends a line cut by a crash."""
    with explained(path):
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o644)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            size = os.fstat(descriptor).st_size
            torn = size > 0 and os.pread(descriptor, 1, size - 1) != b"\n"
            _write_all(descriptor, (b"\n" if torn else b"") + line + b"\n")
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        sync(path.parent)


def commit_folder(temporary: Path, path: Path) -> bool:
    """Syncs a folder's files and folders and gives it its name; the first commit wins. True if it was ours."""
    with explained(path):
        for folder, _, names in os.walk(temporary, topdown=False):
            for name in names:
                sync(Path(folder, name))
            sync(Path(folder))
        try:
            temporary.rename(path)
            won = True
        except OSError as error:
            if error.errno not in (errno.ENOTEMPTY, errno.EEXIST):
                raise
            shutil.rmtree(temporary)
            won = False
        sync(path.parent)
        return won


def sync(path: Path) -> None:
    """Flushes a file or a folder's entries to the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def lock(path: Path, *, shared: bool = False, wait: bool = True) -> Iterator[bool]:
    """Holds an advisory lock on a file; a killed holder lets go. Yields whether it was got (always, if `wait`)."""
    with explained(path):
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        try:
            fcntl.flock(descriptor, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | (0 if wait else fcntl.LOCK_NB))
        except BlockingIOError:
            yield False
        else:
            yield True
    finally:
        os.close(descriptor)


def _write_all(descriptor: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]
