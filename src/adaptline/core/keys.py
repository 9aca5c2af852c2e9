"""Keys and digests: one canonical form, and what bytes are known by. Knows nothing of what is hashed.

Digests are BLAKE3 (https://github.com/BLAKE3-team/BLAKE3-specs): about five times as fast as the hashes of Python's own library,
and each byte of a source is hashed when it is found, cut, read and stored. Keys, which are short and which random streams
begin with, are BLAKE2b (RFC 7693). Both have 32 bytes, written in hexadecimal.
"""

from __future__ import annotations

import ast
import hashlib
import io
import json
import os
import time
import tokenize
from collections.abc import Collection
from pathlib import Path
from typing import Any

from blake3 import blake3

_SKIPPED = {
    tokenize.COMMENT,
    tokenize.NL,
    tokenize.NEWLINE,
    tokenize.INDENT,
    tokenize.DEDENT,
    tokenize.ENCODING,
    tokenize.ENDMARKER,
}
_SHORT = 12
_TICK_NS = 2_000_000_000  # the coarsest clock of a file system that is still met: FAT's
_known_digests: dict[Path, tuple[tuple[int, ...], str]] = {}


def digest(data: bytes | memoryview) -> str:
    """The digest of bytes."""
    return blake3(data).hexdigest()


def key(*meaning: Any) -> str:
    """The key of a JSON-like meaning: the hash of its canonical form (sorted names, no white space)."""
    canonical = json.dumps(meaning, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.blake2b(canonical.encode(), digest_size=32).hexdigest()


def can_hold(value: Any) -> bool:
    """Whether a value can enter a key: what JSON can say; TOML also knows dates and times."""
    if isinstance(value, dict | list):
        return all(can_hold(entry) for entry in (value.values() if isinstance(value, dict) else value))
    return value is None or isinstance(value, str | int | float)


def file_digest(path: Path) -> str:
    """The digest of a file's bytes, read in pieces; once in a process for as long as the file stays as it is.

    Whoever changes a file changes its ctime, whatever is done to its mtime. One that changed a moment ago may change
    again within the clock's tick, so it is not remembered (as git's index does with what is racily clean).
    """
    with path.open("rb") as file:
        now, found = time.time_ns(), os.fstat(file.fileno())
        seen = (found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns)
        if (known := _known_digests.get(path)) and known[0] == seen:
            return known[1]
        digest = hashlib.file_digest(file, blake3).hexdigest()  # type: ignore[arg-type]
    if now - found.st_ctime_ns > _TICK_NS:
        _known_digests[path] = seen, digest
    return digest


def folder_digest(folder: Path, only: Collection[str] | None = None) -> str:
    """The digest of a folder: of every file's relative name and bytes, in sorted order. A link counts as its file.

    Hidden files and folders do not count: a model's download leaves its own notes, with dates, in `.cache`. With `only`,
    no others than these files do: what else lies in a shared cache is not part of it.
    """
    names = sorted(path.relative_to(folder) for path in folder.rglob("*") if path.is_file())
    seen = [name for name in names if not any(part.startswith(".") for part in name.parts)]
    if only is not None:
        seen = [name for name in seen if name.as_posix() in only]
    return key("folder", [[name.as_posix(), file_digest(folder / name)] for name in seen])


def source_digest(path: Path) -> str:
    """The digest of a Python file's meaning: its tokens without comments, and those of what it imports from its folder.

    Layout that carries meaning survives: an indent and a line's end are tokens; blank lines and comments are not.
    """
    path = path.resolve()
    texts: dict[Path, str] = {}
    waiting = [path]
    while waiting:
        current = waiting.pop()
        if current not in texts:
            texts[current] = _source_text(current)
            waiting += _imported_beside(texts[current], path.parent)
    own = _tokens(texts.pop(path))
    return key(
        "source", own, sorted([file.relative_to(path.parent).as_posix(), _tokens(texts[file])] for file in texts)
    )


def short(key_or_digest: str) -> str:
    """The first characters of a key or digest, enough for a person to tell two apart."""
    return key_or_digest[:_SHORT]


def _source_text(path: Path) -> str:
    try:
        with tokenize.open(path) as file:  # in the encoding that the file declares, without a byte order mark
            return file.read()
    except (SyntaxError, UnicodeDecodeError):
        return path.read_bytes().decode("latin-1")  # cannot be read as it says: importing it will say so


def _tokens(text: str) -> list[list[str]]:
    try:
        tokens = list(tokenize.generate_tokens(io.StringIO(text).readline))
    except (tokenize.TokenError, SyntaxError):
        return [["", text]]  # does not parse: importing it will say so
    # Names of kinds, not their numbers, which change from one version of Python to the next.
    layout = {tokenize.INDENT: "indent", tokenize.DEDENT: "dedent", tokenize.NEWLINE: "end"}
    return [
        [tokenize.tok_name[token.type], layout.get(token.type, token.string)]
        for token in tokens
        if token.type in layout or token.type not in _SKIPPED
    ]


def _imported_beside(text: str, folder: Path) -> list[Path]:
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError):  # ValueError: a zero byte, in Python 3.11
        return []
    modules = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            modules |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            modules.add(node.module.split(".")[0])
    files = [folder / f"{name}.py" for name in sorted(modules)]
    packages = [path for name in sorted(modules) for path in sorted((folder / name).rglob("*.py"))]
    return [path for path in [*files, *packages] if path.is_file()]
