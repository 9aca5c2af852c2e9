"""What a method was told, in a person's words: names where a key holds digests.

Knows how keys hold files, tasks and folders (signatures.meaning). Knows nothing of methods. A folder's name is no part of its
meaning: it is recorded beside (`folders` of a manifest's record).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from adaptline.core.keys import short
from adaptline.web import rewritten, texts

LONGEST = 80  # characters: one line of a table
_DIGEST = re.compile(r"[0-9a-f]{64}")


def told(value: Any, record: Mapping[str, Any], *, between: str = ", ") -> str:
    """A parameter's value as its manifest holds it, in a few words.

    Args:
        value: files by their names, tasks by theirs, folders by what the record calls them, plain values as they are.
        record: the manifest's.
        between: what stands between the entries of a list.
    """
    return texts.fitted(_told(value, record.get("folders", {}), between), LONGEST)


def difference(name: str, old: Any, new: Any) -> Iterator[str]:
    """What differs between two values of a parameter, a line each: of files and tasks which ones, of a table which entries."""
    if isinstance(old, dict) and isinstance(new, dict):
        for key in dict.fromkeys([*old, *new]):
            if old.get(key) != new.get(key):
                yield from difference(f"{name}.{key}", old.get(key), new.get(key))
    elif _are_named(old) and _are_named(new):
        yield f"{name}: {', '.join(_differing(old, new)) or 'in another order'}"
    else:
        yield f"{name}: {' -> '.join(rewritten.pair(_told(old, {}, ', '), _told(new, {}, ', '), LONGEST))}"


def _differing(old: Any, new: Any) -> Iterator[str]:
    before, after = ({entry[0]: entry for entry in entries} for entries in (old, new))
    for name in dict.fromkeys([*before, *after]):
        if name not in after or name not in before:
            yield f"{name} {'added' if name in after else 'gone'}"
        elif before[name] != after[name]:
            yield f"{name} changed"


def _told(value: Any, folders: Mapping[str, str], between: str) -> str:
    if isinstance(value, str):
        return folders.get(short(value), f"content {short(value)}") if _is_digest(value) else value
    if isinstance(value, float) and float(f"{value:g}") == value:
        return f"{value:g}"
    if _are_named(value):
        return between.join(entry[0] for entry in value)
    if isinstance(value, list) and value and all(isinstance(entry, str) for entry in value):
        return between.join(_told(entry, folders, between) for entry in value)
    return json.dumps(_plain(value, folders), ensure_ascii=False)


def _plain(value: Any, folders: Mapping[str, str]) -> Any:
    """A table with names in it where it holds files, tasks or folders."""
    if isinstance(value, dict):
        return {key: _plain(entry, folders) for key, entry in value.items()}
    return _told(value, folders, ", ") if _are_named(value) or _is_digest(value) else value


def _are_named(value: Any) -> bool:
    """Whether it is files or tasks."""
    return isinstance(value, list) and bool(value) and (all(map(_is_file, value)) or all(map(_is_task, value)))


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
