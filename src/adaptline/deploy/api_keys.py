"""API keys: who may ask. Knows a file of names and hashes; knows no key itself.

A key is 32 random bytes, so one SHA-256 of it can be neither guessed nor reversed, and checking costs a microsecond; what
slows guessing of passwords (scrypt) would let anybody slow the gateway down. See OWASP, Password Storage Cheat Sheet.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from dataclasses import dataclass
from pathlib import Path

from adaptline.core import disk
from adaptline.errors import UserError

PREFIX = "al-"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_LINE = re.compile(rf"({_NAME.pattern})\s+([0-9a-f]{{64}})")


@dataclass(frozen=True)
class Keys:
    """Hashes of keys by the names that logs show."""

    hashes: tuple[tuple[str, bytes], ...]

    def name_of(self, key: str) -> str | None:
        """The name of a key, or None. Every hash is compared, each in constant time."""
        given = hashlib.sha256(key.encode("utf-8", "surrogatepass")).digest()
        found = None
        for name, known in self.hashes:
            if hmac.compare_digest(known, given):
                found = name
        return found


def read(path: Path) -> Keys:
    """The keys of a file: `NAME sha256-in-hexadecimal` a line, # begins a comment. Raises UserError."""
    try:
        lines = path.read_text("utf-8").splitlines()
    except FileNotFoundError as error:
        raise UserError("no such file of keys", where=path, do=f"adaptline key NAME --keys {path}") from error
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"the file of keys cannot be read: {error}", where=path) from error
    found: dict[str, bytes] = {}
    for number, line in enumerate(lines, start=1):
        text = line.partition("#")[0].strip()
        if not text:
            continue
        match = _LINE.fullmatch(text)
        if match is None or match[1] in found:
            what = f"two keys are called {match[1]!r}" if match else "not a line of NAME sha256-in-hexadecimal"
            raise UserError(what, where=path, line=number, do="`adaptline key NAME` writes such lines.")
        found[match[1]] = bytes.fromhex(match[2])
    if not found:
        raise UserError("no keys in it", where=path, do=f"adaptline key NAME --keys {path}")
    return Keys(tuple(found.items()))


def add(path: Path, name: str) -> str:
    """Makes a key, appends its hash to a file that only its owner can read, and returns the key: nobody has it again.

    Raises:
        UserError: the name cannot be one, or is taken.
    """
    if not _NAME.fullmatch(name):
        raise UserError(
            f"not a name for a key: {name!r}", do="Letters, digits, dots, dashes and underscores, up to 64."
        )
    if path.exists() and any(line.split()[:1] == [name] for line in path.read_text("utf-8").splitlines()):
        raise UserError(f"a key called {name!r} is there already", where=path, do="Remove its line first.")
    key = PREFIX + secrets.token_urlsafe(32)
    with disk.explained(path):
        path.touch(mode=0o600, exist_ok=True)
    disk.append_line(path, f"{name} {hashlib.sha256(key.encode()).hexdigest()}".encode())
    return key
