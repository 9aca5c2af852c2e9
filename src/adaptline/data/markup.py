"""XML's markup, without what it means: where an element, a comment or text between elements ends, however long it is.

Knows tags, comments, CDATA sections and instructions as XML 1.0 writes them, and keeps none of them: expat holds a whole tag
or comment, so what is too long for it is passed over here. Knows neither fields nor why a document is wrong; where it is
not well-formed, a record ends with the first end tag of its name, as elements.py has it.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from adaptline.data.cutting import Tape

DEEPEST = 100  # elements inside one another
_SHORT = 1 << 12  # bytes that lie ahead while markup is told apart; names are shorter
_OPEN = re.compile(b"<")
_NOT_BLANK = re.compile(rb"[^ \t\r\n]")
_WITHIN_TAG = re.compile(rb"""/?>|["'<]""")
_QUOTE_END = {b'"': re.compile(rb'["<]'), b"'": re.compile(rb"['<]")}  # "<" may not stand in a value
_MARKUP = re.compile(
    rb"<(?:(?P<comment>!--)|(?P<instruction>\?)|(?P<cdata>!\[CDATA\[)"
    rb"|/(?P<end>[^\s<>/&]{1,2000})(?=[\s>])"
    rb"|(?P<start>[A-Za-z_:\x80-\xff][^\s<>/&\"'=]{0,2000})(?=[\s/>]))"
)
_SECTION_END = {"comment": re.compile(b"-->"), "instruction": re.compile(rb"\?>"), "cdata": re.compile(rb"\]\]>")}


class Passage:
    """A way through markup. `at` is how far it has come, in `data`; all before that is dropped where a tape is read on."""

    def __init__(self, data: bytes | bytearray, at: int, root: bytes, tape: Tape | None = None) -> None:
        self.data, self.at = data, at
        self._root, self._tape = root, tape

    def over(self) -> bool:
        """Passes over what begins at `at`: an element, a comment, an instruction, or text up to one of the first two.

        Returns whether its end was found; else all is passed over.
        """
        first = self._markup()
        kind = first.lastgroup if first else None
        if kind == "start":
            found = self._over_element()
        elif first and kind in ("comment", "instruction"):
            found = self._over_section(first)
        else:
            self.at += kind != "cdata"  # an end tag is text here, too
            found = self._over_text()
        self.at = self.at if found else len(self.data)
        return found

    def _over_element(self) -> bool:
        names: list[bytes] = []  # of the elements that are open
        while self._find(_OPEN):
            token = self._markup()
            if token is None or len(names) > DEEPEST:
                return self._over_rest(names)
            if token.lastgroup == "start":
                left = self._over_start(token, names)
            elif token.lastgroup == "end":
                left = self._over_end(token, names)
            else:
                left = None if self._over_section(token) else False
            if left is not None:
                return left
        return False

    def _over_start(self, token: re.Match[bytes], names: list[bytes]) -> bool | None:
        """Past a start tag; if the record is left with it, whether its end was found."""
        name, self.at = token["start"], token.end()  # a match shows what its data is now, so its name is taken at once
        end = self._over_tag()
        if end == b"<":
            return self._over_rest(names) if names else self._over_text()
        if end == b">":
            names.append(name)
        return True if end and not names else None

    def _over_end(self, token: re.Match[bytes], names: list[bytes]) -> bool | None:
        """Past an end tag; if the record is left with it, whether its end was found."""
        name = token["end"]
        if not self._closes(token):
            return self._over_rest(names)
        if name != names[-1]:
            return self._over_wrong_end(names, name)
        names.pop()
        return None if names else True

    def _over_wrong_end(self, names: list[bytes], wrong: bytes) -> bool:
        """Past the record in which another name is closed: here, if a record of that name or the root's end follows."""
        if wrong == names[0]:
            return True
        self._look_ahead()
        next_thing = re.compile(rb"\s*(?:<%s[\s/>]|</%s\s*>)" % (re.escape(wrong), re.escape(self._root)))
        return bool(len(names) == 1 and next_thing.match(self.data, self.at)) or self._over_rest(names)

    def _over_rest(self, names: list[bytes]) -> bool:
        """Past the next end tag of the record, whatever lies before it."""
        end = re.compile(rb"</(?P<end>%s)(?=[\s>])" % re.escape(names[0]))
        while found := self._find(end):
            if self._closes(found):
                return True
        return False

    def _over_text(self) -> bool:
        """Past what is in no record, up to the next record or the root's end."""
        while self._find(_OPEN):
            token = self._markup()
            if token and (token.lastgroup == "start" or token["end"] == self._root):
                return True
            if token is None or token.lastgroup == "end":
                self.at += 1
            elif not self._over_section(token):
                return False
        self.at = len(self.data)
        return True

    def _over_section(self, token: re.Match[bytes]) -> bool:
        self.at = token.end()
        return self._past(_SECTION_END[str(token.lastgroup)]) is not None

    def _over_tag(self) -> bytes | None:
        """Past the rest of a start tag. Returns what ends it; "<", before which it stays, if that is no tag; None if nothing."""
        while found := self._past(_WITHIN_TAG):
            if found in _QUOTE_END:
                found = self._past(_QUOTE_END[found])
            elif found != b"<":
                return found
            if found == b"<":
                self.at -= 1
                return found
        return None

    def _closes(self, token: re.Match[bytes]) -> bool:
        """Past an end tag, however much white space it holds. Returns whether it is one."""
        self.at = token.end()
        return self._past(_NOT_BLANK) == b">"

    def _markup(self) -> re.Match[bytes] | None:
        self._look_ahead()
        return _MARKUP.match(self.data, self.at)

    def _past(self, what: re.Pattern[bytes]) -> bytes | None:
        """Goes on past the next place of what is sought, and returns what stands there."""
        found = self._find(what)
        if found is None:
            return None
        self.at = found.end()
        return found[0]

    def _find(self, what: re.Pattern[bytes]) -> re.Match[bytes] | None:
        """Goes on to the next place of what is sought."""
        while (found := what.search(self.data, self.at)) is None:
            self.at = max(self.at, len(self.data) - _SHORT)  # it may lie across two chunks
            if not self._read_on():
                return None
        self.at = found.start()
        return found

    def _look_ahead(self) -> None:
        while len(self.data) - self.at < _SHORT and self._read_on():
            pass

    def _read_on(self) -> bool:
        if self._tape is None:
            return False
        self._tape.skip(self.at)
        self.at, length = 0, len(self.data)
        self._tape.reach(length + 1)
        return len(self.data) > length
