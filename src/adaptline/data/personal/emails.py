"""E-mail addresses. Knows RFC 5321's lengths, and what has an @ and is no address: code, images' sizes, packages."""

from __future__ import annotations

import re
from collections.abc import Iterator

from adaptline.data.personal.page import Page, Span

_DOMAIN = re.compile(r"@((?:[^\W_](?:[\w-]{0,61}+)\.){1,8}([^\W\d_]{2,24}+|xn--[a-z0-9-]{2,40}+))(?![\w@-])")
_LOCAL = re.compile(r"[\w.+'%&*/=?^{}~!#$-]{1,65}+")  # read from the @ to the left
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
    if "@" not in page.plain:
        return
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
    match = _LOCAL.match(plain[max(0, at - _LOCAL_LONGEST - 1) : at][::-1])
    if match is None or match.end() > _LOCAL_LONGEST or match[0][0] == ".":
        return 0
    # What may stand in a name, and stands before one more often: quotes, a parameter's or a path's end.
    return len(re.split(r"[/=?&'{}#!$*^~%]", match[0])[0].rstrip(".-"))
