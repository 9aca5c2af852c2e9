"""yaml: a list whose entries, or documents whose separators, begin at the start of a line; each is a record of its own.

So a file is read as a stream, and what is wrong with a record costs that one only. Plain words mean what YAML 1.2's core
schema says (`no` is a word; a number that would not come back as it is written stays one). Tags, anchors and aliases are
refused: nothing is made of a record but text, numbers, lists and objects, and nothing is repeated.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import partial
from itertools import pairwise
from typing import Any

import yaml as library

from adaptline.core.registry import format
from adaptline.data import cutting
from adaptline.data.blocks import Block, Record, Source
from adaptline.data.cutting import Tape
from adaptline.data.jsons import fields_of
from adaptline.data.schemas import Value, shortened
from adaptline.data.streams import CHUNK

_DEEPEST = 100  # lists and objects inside one another
_STARTS = {"-": re.compile(rb"^(?=-[ \t\r\n]|---[ \t\r\n])", re.MULTILINE), "---": re.compile(rb"^(?=---[ \t\r\n])", re.MULTILINE)}  # fmt: skip
_FILLED = re.compile(rb"^(?!---[ \t]*(?:#.*)?\r?$|\.\.\.|%|[ \t]*#)(?=.*\S)", re.MULTILINE)
_WORDS = {word: value for value, name in ((None, "null"), (True, "true"), (False, "false")) for word in (name, name.title(), name.upper())} | {"~": None, "": None}  # fmt: skip
_INTEGER = re.compile(r"0|-?[1-9][0-9]{0,17}")
_FLOAT = re.compile(r"-?(0|[1-9][0-9]*)\.[0-9]+([eE][-+]?[0-9]{1,2})?")
_NO_KEY: Any = object()
_LOADER = getattr(library, "CSafeLoader", library.SafeLoader)


def cut(source: Source) -> Iterator[Block]:
    """Blocks of whole records."""
    tape = Tape(source)
    tape.reach(CHUNK)
    first = _FILLED.search(tape.data)
    is_list = first is not None and tape.data[first.start() :].startswith((b"- ", b"-\t", b"-\r", b"-\n"))
    tape.context = "-" if is_list else "---"
    return cutting.cut(tape, partial(_measure, starts=_STARTS[tape.context]))


@format(version=2, suffixes=(".yaml", ".yml"), cut=cut)
def yaml(block: Block) -> Iterator[Record]:
    """The records of a block."""
    data, encoding = block.data(), block.source.coding.of_stream
    line, counted, row = block.first_line, 0, block.first_row
    for start, end in _spans(data, _STARTS[block.context]):
        line, counted = line + data.count(b"\n", counted, start), start
        raw = data[start:end].decode(encoding, "surrogateescape")
        error = block.flaw(raw)
        value, why = (None, error) if error else _read(raw, is_entry=block.context == "-" and raw[:3] != "---")
        yield Record(row, line, value, why, raw)
        row += 1


def _spans(data: bytes | bytearray, starts: re.Pattern[bytes]) -> Iterator[tuple[int, int]]:
    """Where each record begins and ends; a separator, and a stretch of comments alone, are none."""
    places = [0, *(found.start() for found in starts.finditer(data) if found.start()), len(data)]
    return ((start, end) for start, end in pairwise(places) if _FILLED.search(data, start, end))


def _measure(data: bytearray, at: int, final: bool, *, starts: re.Pattern[bytes]) -> tuple[int, int] | None:
    """The first record's end at or after `at`; see cutting.Measure."""
    found = starts.search(data, max(at, 1))
    if found is None and not final:
        return None
    end = found.start() if found else len(data)
    return end, sum(1 for _ in _spans(data[:end], starts))


def _read(raw: str, *, is_entry: bool) -> tuple[Value | None, str | None]:
    """A record's fields, or why it cannot be read."""
    try:
        value = _built(raw)
        return fields_of(value[0] if is_entry else value), None
    except library.MarkedYAMLError as error:
        return None, f"not YAML: {error.problem or error.context}"
    except library.YAMLError as error:
        return None, "not YAML: " + str(error).split("\n")[0]
    except ValueError as error:
        return None, str(error)


def _built(raw: str) -> Any:
    """The value of one document. Raises YAMLError where it is none, ValueError for what is not taken."""
    found: list[Any] = []
    open_: list[Any] = [found]
    keys: list[Any] = [_NO_KEY]  # of each open object the name whose value comes next
    for event in library.parse(raw, _LOADER):
        if isinstance(event, library.CollectionEndEvent):
            open_.pop()
            keys.pop()
        elif isinstance(event, library.NodeEvent):
            value = _value(event)
            keys[-1] = _put(open_[-1], keys[-1], value, event)
            if isinstance(value, list | dict):
                if len(open_) > _DEEPEST:
                    raise ValueError("nested too deeply")
                open_.append(value)
                keys.append(_NO_KEY)
    if len(found) != 1:
        raise ValueError("several documents in one" if found else "no document")
    return found[0]


def _put(holder: Any, key: Any, value: Any, event: Any) -> Any:
    """Puts a value where it belongs; returns the name whose value comes next, which a value in an object's name is."""
    if isinstance(holder, list):
        holder.append(value)
    elif key is not _NO_KEY:
        if key in holder:  # YAML 1.2.2, 3.2.1.1: keys are unique
            raise ValueError(f"the name {shortened([key])} stands twice in one object")
        holder[key] = value
    elif isinstance(event, library.ScalarEvent):
        return event.value
    else:
        raise ValueError("a name is a list or an object")
    return _NO_KEY


def _value(event: Any) -> Any:
    if isinstance(event, library.AliasEvent) or event.anchor is not None or _is_tagged(event):
        raise ValueError("it has a tag, an anchor or an alias")
    if isinstance(event, library.ScalarEvent):
        return _word(event)
    return [] if isinstance(event, library.SequenceStartEvent) else {}


def _is_tagged(event: Any) -> bool:
    return event.tag is not None and event.tag != "!"


def _word(event: Any) -> Any:
    """What a scalar stands for: a quoted one, a block and every other word is text."""
    text: str = event.value
    if not event.implicit[0]:
        return text
    if text in _WORDS:
        return _WORDS[text]
    if _INTEGER.fullmatch(text):
        return int(text)
    return float(text) if _FLOAT.fullmatch(text) and repr(float(text)) == text else text
