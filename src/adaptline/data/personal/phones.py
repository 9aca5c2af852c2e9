"""Telephone numbers: international ones, the national forms of large countries, and others near a word that tells.

Knows E.164's country codes and how people group digits. Does not know which numbers were given to somebody.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from adaptline.data.personal.page import Page, Span, digits_of, word
from adaptline.data.personal.words import COUNTED, IS_MINE, LABEL, LABEL_OF_TRUNK, PHONE

# ITU-T E.164, the list of assigned country codes (2016), and nothing longer than three digits.
_COUNTRY = (
    r"(?:1|7|2(?:0|7|1[12368]|[2346]\d|5[0-8]|9[0-1789])|3(?:[0-469]|5\d|7[0-8]|8[0-35-79])|4(?:[013-9]|2[013])"
    r"|5(?:[1-8]|0\d|9\d)|6(?:[0-6]|7[02-9]|8[0-35-9]|9[0-2])|8(?:[1246]|0[08]|5[02356]|70|8[0-3]|86)"
    r"|9(?:[0-58]|6[0-8]|7[0-79]|9[2-68]))"
)
# All digits with what may part them; never a piece of a longer run.
_RUN = re.compile(
    r"(?:0[1-9]\d{0,3} / (?=\d)|\(\+|\+?\(?)\d(?:[ .\-/()]{0,2}\d){6,}+(?:(?i: ?x ?| ?ext\.? ?| extension )\d{1,6}+)?",
    re.ASCII,
)
_EXTENSION = re.compile(r" ?(?:x|ext)", re.IGNORECASE)
_NANP = re.compile(r"(?:1[-. ])?(?:\([2-9]\d\d\)[ -]?|[2-9]\d\d([-.]))\d{3}(?(1)\1|[-. ])\d{4}", re.ASCII)
_ROOM = re.compile(rf"(?!1 )\d{{3,5}} (?={_NANP.pattern}\Z)", re.ASCII)  # what stands in a signature before the number
_ZIP = re.compile(r"\d{5}-\d{4}", re.ASCII)  # a US postal code
_STRONG = re.compile(
    r"(?:0[1-9]\d{1,3} / |\(?0[1-9]\d{0,3}(?:\) ?|([ .-])))\d{2,8}(?:(?(1)\1|[ -])\d{2,4}){0,3}"  # with the trunk prefix 0
    r"|\([1-9]\d\) ?9?\d{4}-\d{4}"  # Brazil
    r"|8 ?\(\d{3}\) ?\d{3}-\d\d-\d\d"  # Russia
    r"|8([ -])[3489]\d\d\2\d{3}([ -])\d\d\3\d\d"
    r"|1[3-9]\d([ -])\d{4}\4\d{4}",  # China's mobile numbers
    re.ASCII,
)
_INTERNATIONAL = re.compile(
    rf"(?:\+|\(\+|\+\((?=\d{{1,3}}\))){_COUNTRY}\)?(?:[ .\-/]?\(0\)[ .-]?|[ .\-/]?\(?)\d(?:[ .\-/()]{{0,2}}\d){{5,13}}",
    re.ASCII,
)
_AMERICAN = re.compile(r"\+1[ .-]?\(?[2-9]\d\d(?:[ .\-)]{0,2}\d){7}", re.ASCII)
_ABROAD = re.compile(rf"00{_COUNTRY}(?:[ .\-/]\(?\d{{1,5}}\)?)(?:[ .\-/]\d{{2,8}}){{1,5}}", re.ASCII)
_WEAK = re.compile(r"\(?\d{1,5}\)?(?:[ .\-/]{1,2}\d{2,9}){1,5}|\(\d{1,4}\)\d{5,9}|\d{7,12}", re.ASCII)
_SPACED_DATE = re.compile(r"[0-3]?\d [01]?\d (?:1[89]|20)\d\d|(?:1[89]|20)\d\d [01]?\d [0-3]?\d", re.ASCII)
_PAPER = re.compile(r"\d{4}\.\d{4,5}", re.ASCII)  # of arXiv
_DOI = re.compile(r"10\.\d{4,5}/\d+", re.ASCII)
_PART = re.compile(r"\d+", re.ASCII)
_PARTS = 6  # groups at the most of a number near a word, whose groups have any length
_DATE = re.compile(
    r"(?:1[89]|20)\d\d[-./ ]?[01]\d(?:[-./ ]?[0-3]\d|\Z)|[12]\d{3}[-/][12]\d{3}\Z|[0-3]?\d[./-][0-3]?\d[./-](?:1[89]|20)?\d\d(?!\d)",
    re.ASCII,
)
_PLAIN = 10  # digits of an international number without separators, at the least
_SHORT = re.compile(r"\+(?:298|352|376|4[36])", re.ASCII)  # Faroes, Luxembourg, Andorra, Austria, Sweden have some of 9
_SHORTEST = 7
_GROUPED = 14  # digits of a number in groups at the most, near a word
_DIFFERENT = 3  # 1000000 is nobody's
_NATIONAL = range(9, 13)  # digits of a number with its trunk prefix
_NO_TIMES = {9, 11}  # digits that no date and time of day has
_THOUSANDS = re.compile(r"[1-9](?: \d{3}){2}|[1-9]\d{0,2}(?:(?:\.\d{3}){2,}|(?: \d{3})* 000)", re.ASCII)
_COUNTING = "010203040506"  # bytes of an example rather than a number in France
_LABEL_WIDTH = 32  # characters
_LONGEST = 40  # characters of a run: what is longer is a table

_LOOSE = re.compile(  # what tells of numbers with separators only
    PHONE.pattern
    + "|"
    + word(
        r"office|desk|registered|answering|messages? (?:to|from|at|on)|numbers? (?:is|was)",
        r"(?:reach|contact|ring) (?:me|us)|cell|portable|call(?:ed|ing)?(?: \w+){0,2} (?:at|on)",
    ).pattern,
    re.IGNORECASE,
)


def phones(page: Page) -> Iterator[Span]:
    """Telephone numbers with their extensions."""
    for match in _RUN.finditer(page.plain):
        start, end = match.span()
        start += match[0].startswith("(") and ")" not in match[0]
        if _SHORTEST <= end - start <= _LONGEST and _stands_alone(page.plain, start, end):
            number = _EXTENSION.split(page.plain[start:end], maxsplit=1)[0]
            if room := _ROOM.match(number):
                number, start = number[room.end() :], start + room.end()
            if _is_strong(number) or _is_weak(page, number, start, end):
                yield start, end


def _stands_alone(plain: str, start: int, end: int) -> bool:
    before, after = plain[max(0, start - 2) : start], plain[end : end + 2]
    if before and (
        (
            not _is_attached(before)
            and re.match(r"[\w$#%@/=+*^~€£¥<>&-]", before[-1], re.ASCII)
            and before[-1] not in "=<>"
        )
        or _glued(before)
    ):
        return False
    if after and re.match(r"[\w$%@/*+^=€£¥°]", after[0], re.ASCII):
        return False
    # The number goes on: a time, an address, a decimal, a name; but not where "-Office" tells what it is.
    return (
        not re.match(r":[0-9A-Fa-f:]|[.,-]\d|[-_]\w", after, re.ASCII) or re.match(r"-[A-Z][a-z]?", after) is not None
    )


def _is_attached(before: str) -> bool:
    """A hyphen after a letter that is not Latin, as after Hebrew's prefixes."""
    return before[-1] == "-" and before[0].isalpha() and before[0] > "\u02ff"


def _glued(before: str) -> bool:
    """A decimal point, or a comma after a digit: the number goes on to the left."""
    return (before[-1] == "." and not before[0].isalpha()) or (before[-1] in ",:" and before[0].isdigit())


def _is_strong(number: str) -> bool:
    """Whether the form alone tells that it is a telephone number that could be somebody's."""
    digits = digits_of(number)
    if is_fictional(digits) or digits in _COUNTING:
        return False
    if number.startswith(("+", "(+")):
        form = _AMERICAN if number.startswith("+1") else _INTERNATIONAL
        enough = _PLAIN - (_SHORT.match(number) is not None)
        return form.fullmatch(number) is not None and (len(digits) >= enough or number[1:] != digits)
    if _NANP.fullmatch(number) or _ABROAD.fullmatch(number):
        return True
    return (
        len(digits) in _NATIONAL
        and not _DATE.match(number)
        and not _ZIP.fullmatch(number)
        and not _PAPER.fullmatch(number)
        and _STRONG.fullmatch(number) is not None
    )


def _is_weak(page: Page, number: str, start: int, end: int) -> bool:
    digits = digits_of(number)
    if len(digits) < _SHORTEST or len(set(digits)) < _DIFFERENT or is_fictional(digits):
        return False
    if COUNTED.match(page.plain, end):
        return False
    bare = number == digits
    dated = _DATE.match(number) and not (bare and len(digits) in _NO_TIMES)
    if dated or any(other.fullmatch(number) for other in (_ZIP, _DOI, _SPACED_DATE)):
        return False
    if len(digits) > (_NATIONAL[-1] if bare and digits[0] != "0" else _GROUPED):
        return False
    if not bare and not _WEAK.fullmatch(number.removeprefix("+")) and len(_PART.findall(number)) > _PARTS:
        return False
    words = (
        _LOOSE if _WEAK.fullmatch(number.removeprefix("+")) and not (bare or _THOUSANDS.fullmatch(number)) else PHONE
    )
    return page.near(words, start, end) or _is_labelled(page.plain, start, end)


def _is_labelled(plain: str, start: int, end: int) -> bool:
    """Whether a word that is often something else touches the number."""
    before = plain[max(0, start - _LABEL_WIDTH) : start]
    return (
        LABEL.search(before) is not None
        or (plain[start] in "0(" and LABEL_OF_TRUNK.search(before) is not None)
        or IS_MINE.match(plain, end) is not None
    )


def is_fictional(digits: str) -> bool:
    """555-0100 to 555-0199 in any area of North America: kept for fiction (ATIS-0300115)."""
    return re.fullmatch(r"(?:1?[2-9]\d\d)?55501\d\d", digits, re.ASCII) is not None
