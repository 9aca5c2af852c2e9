"""Keys and digests: one hash, one canonical form. Knows nothing of what is hashed.

BLAKE2b (RFC 7693) with 32 bytes, written in hexadecimal.
"""

from __future__ import annotations

import ast
import hashlib
import io
import json
import tokenize
from pathlib import Path
from typing import Any

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


def digest(data: bytes) -> str:
    """The digest of bytes."""
    return hashlib.blake2b(data, digest_size=32).hexdigest()


def key(*meaning: Any) -> str:
    """The key of a JSON-like meaning: the digest of its canonical form (sorted names, no white space)."""
    return digest(json.dumps(meaning, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode())


def file_digest(path: Path) -> str:
    """The digest of a file's bytes, read in pieces."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.blake2b(digest_size=32)).hexdigest()


def folder_digest(folder: Path) -> str:
    """The digest of a folder: of every file's relative name and bytes, in sorted order. Hidden files do not count."""
    files = sorted(path for path in folder.rglob("*") if path.is_file() and not path.name.startswith("."))
    return key("folder", [[path.relative_to(folder).as_posix(), file_digest(path)] for path in files])


def source_digest(path: Path) -> str:
    """The digest of a Python file's meaning: its tokens without comments, and those of the files it imports from its folder.

    Layout that carries meaning survives: an indent and a line's end are tokens; blank lines and comments are not.
    """
    parts: list[Any] = []
    seen: set[Path] = set()
    waiting = [path.resolve()]
    while waiting:
        current = waiting.pop()
        if current in seen:
            continue
        seen.add(current)
        text = current.read_text("utf-8")
        parts.append([current.name, _tokens(text)])
        waiting += _imported_beside(text, current.parent)
    return key("source", sorted(parts))


def short(key_or_digest: str) -> str:
    """The first characters of a key or digest, enough for a person to tell two apart."""
    return key_or_digest[:_SHORT]


def _tokens(text: str) -> list[list[Any]]:
    try:
        tokens = list(tokenize.generate_tokens(io.StringIO(text).readline))
    except (tokenize.TokenError, SyntaxError):
        return [[0, text]]  # does not parse: importing it will say so
    layout = {tokenize.INDENT: "indent", tokenize.DEDENT: "dedent", tokenize.NEWLINE: "end"}
    return [
        [token.type, layout.get(token.type, token.string)]
        for token in tokens
        if token.type in layout or token.type not in _SKIPPED
    ]


def _imported_beside(text: str, folder: Path) -> list[Path]:
    try:
        tree = ast.parse(text)
    except SyntaxError:
        return []
    modules = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            modules |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            modules.add(node.module.split(".")[0])
    return [path for name in sorted(modules) if (path := folder / f"{name}.py").is_file()]
