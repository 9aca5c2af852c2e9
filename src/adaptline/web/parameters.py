"""What a method was told, in a person's words: names where a key holds digests.

Knows how keys hold files, tasks and folders (signatures.meaning). Knows nothing of methods. A folder's name is no part of its
meaning: it is recorded beside (`folders` of a manifest's record).
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from adaptline.core.keys import short
from adaptline.web import texts

LONGEST = 80  # characters: one line of a table
_DIGEST = re.compile(r"[0-9a-f]{64}")


def told(value: Any, record: Mapping[str, Any]) -> str:
    """A parameter's value as its manifest holds it, in a few words.

    Args:
        value: files by their names, tasks by theirs, folders by what the record calls them, plain values as they are.
        record: the manifest's.
    """
    return texts.fitted(_told(value, record.get("folders", {})), LONGEST)


def _told(value: Any, folders: Mapping[str, str]) -> str:
    if isinstance(value, str):
        return folders.get(short(value), f"content {short(value)}") if _DIGEST.fullmatch(value) else value
    if isinstance(value, list) and value and (all(map(_is_file, value)) or all(map(_is_task, value))):
        return ", ".join(entry[0] for entry in value)
    if isinstance(value, list) and value and all(isinstance(entry, str) for entry in value):
        return ", ".join(_told(entry, folders) for entry in value)
    return json.dumps(value, ensure_ascii=False)


def _is_file(entry: Any) -> bool:
    return isinstance(entry, Sequence) and len(entry) == 3 and _is_digest(entry[1])  # noqa: PLR2004 - name, digest, part


def _is_task(entry: Any) -> bool:
    """Whether it is a name, settings, and files."""
    return (
        isinstance(entry, list)
        and len(entry) >= 3  # noqa: PLR2004 - methods of one's own may follow
        and isinstance(entry[0], str)
        and isinstance(entry[2], list)
        and all(map(_is_file, entry[2]))
    )


def _is_digest(value: Any) -> bool:
    return isinstance(value, str) and _DIGEST.fullmatch(value) is not None
