"""XML elements one after another, as records: where each begins and ends, and what its fields are.

Knows expat and how an element becomes fields. Knows nothing of files and blocks (formats/xml.py), nor where what is too long
for expat ends (markup.py). Reading starts at any record's start, under a root of our own, so no record's meaning depends on
what came before: no entity, DTD or declaration of the document is ever used. What is not well-formed costs the record that
it is in, up to its end tag; `_meant` says which is the one of a record whose start tag is misspelt.

An element's attributes are fields "@name", its children fields by their names (a list where there are several), its text
alone a string, and beside fields "#text"; as xmltodict names them, after Goessner's "Converting Between XML and JSON" (2006).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, NamedTuple
from xml.parsers import expat

from adaptline.data.markup import DEEPEST, Passage
from adaptline.data.schemas import Value

_ROOT = b"<_>"  # ours
_PIECE = 1 << 16  # bytes given to expat at a time
_LONGEST_TOKEN = 10_000_000  # bytes of a tag or comment, which expat holds in memory; about libxml2's bound
_START_TAG = re.compile(rb"<[^/!?\s<>&]")
_END_TAG = re.compile(rb"</([^\s<>]+)\s*>")
_BLANK = " \t\r\n"  # white space as XML 1.0 has it
_NOT_BLANK = re.compile(rb"[^ \t\r\n]")
_NOT_CLOSED = expat.errors.codes[expat.errors.XML_ERROR_NO_ELEMENTS]
_MISMATCH = expat.errors.codes[expat.errors.XML_ERROR_TAG_MISMATCH]
_OUTSIDE = "text outside of any record"
_TOO_LONG = f"a tag or comment longer than {_LONGEST_TOKEN // 1_000_000} million bytes"
_ENDS_INSIDE = "the document ends inside of this record"


class Element(NamedTuple):
    """A record: where its bytes lie, its fields, or why it cannot be read."""

    start: int
    end: int
    value: Value | None
    error: str | None


class _FlawError(Exception):
    """What is well-formed for expat, and not for us."""


def elements(
    data: bytes | bytearray, encoding: str, root: str, *, final: bool, with_fields: bool = True
) -> Iterator[Element]:
    """The records of a stretch that begins between two records; an incomplete one at its end only if it is `final`.

    Args:
        data: bytes; positions count from their start.
        encoding: theirs: UTF-8 or of one byte a character.
        root: the name of the document's root, whose end tag is no record.
        final: whether the document ends with the data.
        with_fields: whether there are fields; who only asks where records end needs no memory for them.
    """
    at = 0
    while at < len(data):
        run = _Run(data, at, encoding, with_fields=with_fields)
        yield from run.records(final=final)
        if run.error is None:
            return
        if run.error == _TOO_LONG:
            begun = run.failed_at if run.open_at is None else run.open_at
            passage = Passage(data, begun, root.encode(encoding, "replace"))
            ends = passage.over() and passage.at < len(data)  # at the very end, more of it could follow
            if not (ends or final):
                return
            at = passage.at
            yield Element(begun, at, None, run.error)
            continue
        end_tag = re.compile(rb"</%s\s*>" % re.escape((run.open_name or root).encode(encoding, "replace")))
        token = run.failed_at - 2 if data[max(run.failed_at - 2, 0) : run.failed_at] == b"</" else run.failed_at
        if run.open_name is not None:
            begun, wrong = run.open_at or 0, _END_TAG.match(data, token) if run.mismatched else None
            found = end_tag.search(data, token)
            if wrong is not None:
                found = _meant(data, wrong, found, root.encode(encoding, "replace"), final=final)
        elif found := end_tag.match(data, token):
            if run.stray is not None:
                yield Element(run.stray, token, None, _OUTSIDE)
            at = found.end()
            continue
        else:
            begun, found = run.covered, _START_TAG.search(data, token + 1)
        if found is None and not final:
            return
        at = len(data) if found is None else found.end() if run.open_name else found.start()
        yield Element(begun, at, None, run.error)


def _meant(
    data: bytes | bytearray, wrong: re.Match[bytes], own: re.Match[bytes] | None, root: bytes, *, final: bool
) -> re.Match[bytes] | None:
    """The tag that ends a record in which, outside of its children, another name is closed; None if it is not yet known.

    Where the next thing is a record of that other name, or the end of the root, the record's start tag is misspelt and the
    wrong tag ends it; where the record's own end tag comes first, the wrong one is a stray inside of it.
    """
    following = re.compile(rb"<%s[\s/>]|</%s\s*>" % (re.escape(wrong[1]), re.escape(root))).search(data, wrong.end())
    if own is not None and (following is None or own.start() <= following.start()):
        return own
    return wrong if following is not None or final else None


class _Run:
    """One pass of expat from a place between two records, up to the first thing that is not well-formed."""

    def __init__(self, data: bytes | bytearray, at: int, encoding: str, *, with_fields: bool) -> None:
        self.error: str | None = None
        self.failed_at = 0
        self.open_at: int | None = None  # where the record begins that is not complete yet
        self.open_name: str | None = None
        self.mismatched = False  # whether it fails at an end tag of another name where only the record is open
        self._data, self._at, self._with_fields = data, at, with_fields
        self._covered = at  # the end of the last record
        self._done: list[Element] = []
        self._stack: list[tuple[dict[str, list[Any]], list[str]]] = []  # of each open element: fields, pieces of text
        self.stray: int | None = None  # where text outside of any record begins
        self._fresh = False  # whether the last event was a start tag
        self._parser = parser = expat.ParserCreate(encoding)
        parser.Parse(_ROOT, False)
        parser.StartElementHandler, parser.EndElementHandler = self._start, self._end
        parser.CharacterDataHandler = self._text

    def records(self, *, final: bool) -> Iterator[Element]:
        """The records up to where it fails; `error` then says why. Can be asked for once."""
        try:
            at, length = self._at, _PIECE
            while at < len(self._data) and self.error is None:
                piece = bytes(self._data[at : at + length])
                at += len(piece)
                self._feed(piece, final=False)
                length = max(_PIECE, self._hold(at))
                yield from self._done
                self._done = []
            if final and self.error is None:
                self._feed(b"", final=True)
                yield from self._done
        finally:
            del self._parser  # its handlers are ours, a cycle; what it holds is large

    def _feed(self, data: bytes, *, final: bool) -> None:
        try:
            self._parser.Parse(data, final)
        except expat.ExpatError as error:
            self.failed_at = min(self._place(self._parser.ErrorByteIndex), len(self._data))
            self.error = f"not XML: {expat.ErrorString(error.code)}"
            self.mismatched = error.code == _MISMATCH and len(self._stack) == 1
            if final and error.code == _NOT_CLOSED:  # our root never is
                self.error = None if self.open_at is None else _ENDS_INSIDE
        except _FlawError as error:
            self.error, self.failed_at = str(error), self._place(self._parser.CurrentByteIndex)
        if final and self.error is None:
            self._end_stray(len(self._data))

    def _hold(self, at: int) -> int:
        """The bytes that expat holds as it waits for a tag's or comment's end, with all before `at` read."""
        held = at - self._place(self._parser.CurrentByteIndex)
        if self.error is None and held > _LONGEST_TOKEN:
            self.error, self.failed_at = _TOO_LONG, at - held
            self._end_stray(at - held)
        return held

    @property
    def covered(self) -> int:
        """Where what follows the last record begins."""
        found = _NOT_BLANK.search(self._data, self._covered)
        return found.start() if found else len(self._data)

    def _place(self, index: int) -> int:
        return self._at + index - len(_ROOT)

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        place = self._place(self._parser.CurrentByteIndex)
        if not self._stack:
            self._end_stray(place)
            self.open_at, self.open_name = place, name
        elif len(self._stack) == DEEPEST:
            raise _FlawError("nested too deeply")
        kept = attributes if self._with_fields else {}
        self._stack.append(({f"@{key}": [value] for key, value in kept.items()}, []))
        self._fresh = True

    def _text(self, text: str) -> None:
        self._fresh = False
        if self._stack:
            if self._with_fields:
                self._stack[-1][1].append(text)
        elif self.stray is None and text.strip(_BLANK):
            place = self._place(self._parser.CurrentByteIndex)
            self.stray = place if place < len(self._data) else None  # not the end of our root, in a section without end

    def _end(self, name: str) -> None:
        if not self._stack:
            raise _FlawError(f"not XML: {expat.errors.XML_ERROR_TAG_MISMATCH}")
        value = _value(*self._stack.pop())
        fresh, self._fresh = self._fresh, False
        if self._stack:
            if self._with_fields:
                self._stack[-1][0].setdefault(name, []).append(value)
            return
        place = self._place(self._parser.CurrentByteIndex)
        is_empty = fresh and self._data[place - 2 : place] == b"/>"  # <row/>: expat points past it
        end = place if is_empty else self._data.find(b">", place) + 1
        fields = value if isinstance(value, dict) else {"#text": value}
        self._done.append(Element(self.open_at or 0, end, fields, None))
        self._covered = end
        self.open_at = self.open_name = None

    def _end_stray(self, place: int) -> None:
        if self.stray is not None:
            self._done.append(Element(self.stray, place, None, _OUTSIDE))
            self.stray, self._covered = None, place


def _value(fields: dict[str, list[Any]], texts: list[str]) -> Any:
    text = "".join(texts)
    if not fields:
        return text
    found = {name: values[0] if len(values) == 1 else values for name, values in fields.items()}
    return {**found, "#text": text} if text.strip(_BLANK) else found
