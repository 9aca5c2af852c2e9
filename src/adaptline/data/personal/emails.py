"""E-mail addresses. Knows RFC 5321's lengths, and what has an @ and is no address: code, images' sizes, packages."""

from __future__ import annotations

import re
from collections.abc import Iterator

from adaptline.data.personal.page import Page, Span

# Vowel signs of Indian and South-East Asian scripts belong to letters, though Python's re has them for none.
_SIGN = r"\u0300-\u036f\u0900-\u0963\u0971-\u0df3\u0e31-\u0e4e\u0eb1-\u0ecd\u102b-\u103e\u17b4-\u17d3"
# A top level is of one script: in a text without spaces the next word may follow at once.
_TOP = rf"[A-Za-z]{{2,24}}+(?![0-9_@-])|(?![a-z]{{2}})(?:[^\W\d_]|[{_SIGN}]){{2,24}}+(?![\w@-])|xn--[a-z0-9-]{{2,40}}+(?![\w@-])"
_DOMAIN = re.compile(rf"@((?:[^\W_][\w{_SIGN}-]{{0,61}}+\.){{1,8}}({_TOP}))")
_LOCAL = re.compile(rf"[\w{_SIGN}.+'%&*/=?^{{}}~!#$-]{{1,65}}+")  # read from the @ to the left
_UNSPACED = "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af"  # scripts that join words, or end them with particles
_ASCII_NAME = re.compile(rf"[A-Za-z0-9.+'%&*/=?^{{}}~!#$_-]+(?=[{_UNSPACED}])")
# As URLs hold them (RFC 3986, 2.1).
_ENCODED = re.compile(
    r"(?<![\w.+-])[A-Za-z0-9._+-]{1,64}+%40((?:[a-z0-9-]{1,63}\.){1,8}[a-z]{2,24}+)(?![\w@-])", re.ASCII | re.IGNORECASE
)
_USER_OF_URL = re.compile(r"://[^\s/?#]*\Z")
_LOCAL_LONGEST = 64
# Files beside an @ (logo@2x.png), and attributes behind Python's operator (a@b.dot).
_NO_DOMAIN = re.compile(
    r"(?:png|jpe?g|gif|svg|webp|css|js|ts|mjs|json|html?|xml|py|ipynb|txt|md|sh|yml|yaml|toml|log|conj|dot|shape|reshape|inv"
    r"|sum|mean|transpose|real|imag|flat|ravel|copy|dtype|data|values|array|conjugate|size|diagonal|service|target|socket|timer)\Z"
)
# Nobody's: RFC 2606's names, and accounts of machines.
_NOBODYS = re.compile(
    r"(?:.*[.@])?(?:example(?:\.(?:com|org|net|edu))?|test|invalid|localhost|localdomain|local)\Z", re.IGNORECASE
)
_MACHINES = re.compile(r"(?:git|hg|svn|ssh|no-?reply|do-?not-?reply)\Z", re.IGNORECASE)


def emails(page: Page) -> Iterator[Span]:
    """Addresses of people; not those at example.com and its like, nor a user before the host of a URL."""
    if "%40" in page.plain:
        for match in _ENCODED.finditer(page.plain):
            if not _NOBODYS.match(match[1]):
                yield match.span()
    for match in _DOMAIN.finditer(page.plain):
        at, end = match.span()
        start = at - _local(page.plain, at)
        if start == at or _NO_DOMAIN.match(match[2]) or is_nobodys(match[0]):
            continue
        if page.plain[end : end + 1] in {"(", "["} or page.plain[end : end + 2] == "._":
            continue
        local = page.plain[start:at]
        if not _MACHINES.match(local) and not _USER_OF_URL.search(page.plain[max(0, start - 256) : start]):
            yield start, end


def is_nobodys(address: str) -> bool:
    """Whether the domain of an address, behind its @, is kept for examples or local."""
    return _NOBODYS.match(address.rpartition("@")[2]) is not None


def _local(plain: str, at: int) -> int:
    """How many characters before the @ are the name; 0 where there is none, or one that is too long."""
    backwards = plain[max(0, at - _LOCAL_LONGEST - 1) : at][::-1]
    match = _ASCII_NAME.match(backwards) or _LOCAL.match(backwards)
    if match is None or match.end() > _LOCAL_LONGEST or match[0][0] == ".":
        return 0
    # What may stand in a name, and stands before one more often: quotes, a parameter's or a path's end.
    return len(re.split(r"[/=?&'{}#!$*^~%]", match[0])[0].rstrip(".-"))
