"""xml: the records are the children of the root. Read as a stream; entities that a document declares are refused.

What the root's own tag says beside its name is not kept. What is not well-formed costs its record; a document's DTD is never
read, so an entity of it is such a fault, too. How an element becomes fields, elements.py says.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import partial
from typing import Any
from xml.parsers import expat

from adaptline.core.registry import format
from adaptline.data.blocks import Block, Record, Source
from adaptline.data.cutting import LONGEST_ROW, Tape
from adaptline.data.elements import elements
from adaptline.data.markup import Passage
from adaptline.errors import UserError

_LONGEST_PROLOG = 1 << 20  # bytes before the root
_NO_RECORD = rb"(?:[ \t\r\n]+|<!--.*?-->|<\?.*?\?>|</%s\s*>)+"
_TAG = re.compile(rb"""<[^\s/>]+(?:[^>"']|"[^"]*"|'[^']*')*>""")


class _RootError(Exception):
    """The root was found: its name, and where its tag begins."""


def cut(source: Source) -> Iterator[Block]:
    """Blocks of whole records; one for each that is longer than any may be. Raises UserError where it is no XML, or declares entities."""
    tape = Tape(source)
    name, length = _root(tape)
    tape.skip(length)
    tape.context = name
    root = name.encode(tape.source.coding.of_stream, "replace")
    no_record = re.compile(_NO_RECORD % re.escape(root), re.DOTALL)
    measure = partial(_measure, encoding=source.coding.of_stream, root=name)
    while tape.reach(tape.size):
        while (found := measure(tape.data, tape.size, tape.ended)) is None and len(tape.data) <= LONGEST_ROW:
            tape.reach(min(2 * len(tape.data), LONGEST_ROW + 1))
        if found:
            yield tape.block(*found)
        elif nothing := no_record.match(tape.data):
            tape.skip(nothing.end())  # so that the record's own line is told
        else:
            yield tape.overlong(partial(_pass_over, root=root))
    if tape.broken:
        yield tape.break_off()


def _pass_over(tape: Tape, root: bytes) -> bool:
    passage = Passage(tape.data, 0, root, tape)
    found = passage.over()
    tape.skip(passage.at)
    return found


@format(version=3, suffixes=(".xml",), cut=cut)
def xml(block: Block) -> Iterator[Record]:
    """The records of a block."""
    data, encoding = block.data(), block.source.coding.of_stream
    line, counted = block.first_line, 0
    found = elements(data, encoding, block.context, final=True)
    for row, (start, end, value, error) in enumerate(found, block.first_row):
        line, counted = line + data.count(b"\n", counted, start), start
        raw = data[start:end].decode(encoding, "surrogateescape")
        yield Record(row, line, value, error and (block.flaw(raw) or error), raw)


def _measure(data: bytearray, at: int, final: bool, *, encoding: str, root: str) -> tuple[int, int] | None:
    """The first record's end at or after `at`; see cutting.Measure. Before a record longer than any may be, the last one's end."""
    end = rows = 0
    for rows, element in enumerate(elements(data, encoding, root, final=final, with_fields=False), 1):
        end = element.end
        if end >= at:
            return end, rows
    if final:
        return len(data), rows
    return (end, rows) if rows and len(data) > LONGEST_ROW else None


def _root(tape: Tape) -> tuple[str, int]:
    """The root's name, and where the first record can begin."""
    length = 1 << 12
    while tape.reach(length):
        data = bytes(tape.data)
        try:
            _prolog(tape.source.coding.of_stream).Parse(data, tape.ended)
        except _RootError as found:
            name, place = found.args
            tag = _TAG.match(data, place)
            return name, tag.end() if tag else len(data)
        except expat.ExpatError as error:
            what = f"is no XML: {expat.ErrorString(error.code)}"
            raise UserError(what, line=error.lineno, do="Is it of the format that its name says?") from error
        if length > _LONGEST_PROLOG:
            raise UserError("has no root element in its first MiB", do="Is it XML?")
        length *= 4
    raise UserError("has no rows", do="Leave it out.")


def _prolog(encoding: str) -> Any:
    parser = expat.ParserCreate(encoding)

    def root(name: str, _: Any) -> None:
        raise _RootError(name, parser.CurrentByteIndex)

    def entity(name: str, *_: Any) -> None:
        raise UserError(f"declares the entity {name!r}", do="Write out what it stands for, and leave its DTD out.")

    parser.StartElementHandler, parser.EntityDeclHandler = root, entity
    return parser
