"""A limit on the size of files, which the system refuses as it refuses a full disk, to everybody and root too."""

from __future__ import annotations

import contextlib
import resource
from collections.abc import Iterator


@contextlib.contextmanager
def limited(size: int) -> Iterator[None]:
    """While the block runs, this process writes no file beyond `size` bytes.

    Nor its own output where that goes to a file: keep everything that prints, and pytest's own dots, out of the block.
    """
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
