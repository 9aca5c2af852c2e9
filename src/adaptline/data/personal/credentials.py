"""What opens doors: passwords and tokens inside addresses, keys of services by their prefixes, private keys.

Knows the forms that the services publish. What ends with EXAMPLE, as the keys of their documents do, is no secret.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from adaptline.data.personal.page import Page, Span

_SAMPLE = "EXAMPLE"
_KEYS = {
    "AKIA": r"AKIA[A-Z0-9]{16}",
    "ASIA": r"ASIA[A-Z0-9]{16}",
    **{f"gh{kind}_": rf"gh{kind}_[A-Za-z0-9]{{36,255}}+" for kind in "pousr"},
    "github_pat_": r"github_pat_[A-Za-z0-9_]{60,255}+",
    "glpat-": r"glpat-[\w-]{20,64}+",
    "sk-": r"sk-(?:proj-|svcacct-|ant-|or-)?[\w-]{20,200}+",
    "xox": r"xox[abeoprs]-[A-Za-z0-9-]{10,250}+",
    "AIza": r"AIza[\w-]{35}",
    "_live_": r"[rs]k_live_[A-Za-z0-9]{16,128}+",
    "hf_": r"hf_[A-Za-z0-9]{34,40}+",
    "npm_": r"npm_[A-Za-z0-9]{36}",
    "pypi-": r"pypi-AgEIcHlwaS5vcmc[\w-]{50,250}+",
    "SG.": r"SG\.[\w-]{22}\.[\w-]{43}",
    "eyJ": r"eyJ[\w-]{10,2000}+\.eyJ[\w-]{10,4000}+\.[\w-]{10,1000}+",
}
_COMPILED = {start: re.compile(rf"(?<![\w-]){form}(?![\w-])", re.ASCII) for start, form in _KEYS.items()}
_PRIVATE_KEY = re.compile(
    r"-----BEGIN (?:[A-Z]{2,9} )?PRIVATE KEY(?: BLOCK)?-----(?P<body>(?:[^-]|-(?!----))*+)-----END [A-Z ]{10,40}-----"
)
_USER = re.compile(r"://([^\s/?#@:,<>\"'`{}$%*()\[\]]{1,256}+:([^\s/?#@:,<>\"'`{}$%*()\[\]]{1,256}+))@(?=[\w\[])")
_PARAMETER = re.compile(
    r"[?&;#](?:[\w-]{0,20}?(?:token|api_?-?key|secret|password|passwd|pwd|signature|session_?-?id|sessid)"
    r"|key|sig|auth|session|sid|jwt|code)=([\w.~+/%=-]{8,2000}+)",
    re.ASCII | re.IGNORECASE,
)
_PASSWORD = re.compile(
    r"[?&;#](?:password|passwd|passphrase|pass|pwd|pw)=([^\s&;#\"'<>{}$\[\]]{6,128}+)", re.ASCII | re.IGNORECASE
)
# Whole addresses that let anybody in: hooks of chats, a bot's, and a token alone before the host.
_OPEN = re.compile(
    r"hooks\.slack\.com/(?:services|workflows|triggers)/([\w/-]{20,200}+)"
    r"|discord(?:app)?\.com/api/webhooks/([0-9]{15,20}/[\w-]{50,100}+)"
    r"|api\.telegram\.org/(?:file/)?bot([0-9]{8,10}:[\w-]{30,50}+)"
    r"|://([\w-]{20,255}+)@(?=[\w\[])",
    re.ASCII,
)
_HEADER = re.compile(
    r"authorization[\"']?\s{0,3}[:=]\s{0,3}[\"']?(?:bearer|basic|token)\s{1,3}([\w.~+/=-]{16,4000}+)",
    re.ASCII | re.IGNORECASE,
)  # RFC 9110, 11.6.2
_PLACEHOLDERS = re.compile(
    r"(?:pass|passwd|password|pwd|secret|user|username|token|key|port|test|guest|example|[x*.]+|(?:your|my|some|the)[\w-]*)\Z",
    re.IGNORECASE,
)
_SHORT = 6  # characters: a password of so few letters is more likely a name
_LONG = 16  # characters: shorter values of `key=` name things


def may_hold_secrets(text: str) -> bool:
    """Whether a text has the beginning of a key at all."""
    return "PRIVATE KEY" in text or "uthorization" in text or any(start in text for start in _COMPILED)


def secrets(page: Page) -> Iterator[Span]:
    """Keys of well-known services, what authorises a request in its header, and blocks of private keys."""
    for start, form in _COMPILED.items():
        if start in page.plain:
            for match in form.finditer(page.plain):
                if not match[0].endswith(_SAMPLE) and _is_mixed(match[0]):
                    yield match.span()
    if "uthorization" in page.plain:
        yield from _in_headers(page.plain)
    if "PRIVATE KEY" in page.plain:
        for match in _PRIVATE_KEY.finditer(page.plain):
            body = match["body"]
            if not body.rstrip().endswith(_SAMPLE) and re.search(r"[A-Za-z0-9+/]{32}", body):
                yield match.span()


def _in_headers(plain: str) -> Iterator[Span]:
    for match in _HEADER.finditer(plain):
        if not match[1].endswith(_SAMPLE) and _is_mixed(match[1]):
            yield match.span(1)


def url_secrets(page: Page) -> Iterator[Span]:
    """`user:password` or a token before the host of a URL, hooks, and parameters that are tokens, keys or passwords."""
    if "://" in page.plain:
        yield from _in_addresses(page.plain)
    if "=" in page.plain and any(sign in page.plain for sign in "?&;#"):
        yield from _in_parameters(page.plain)


def _in_addresses(plain: str) -> Iterator[Span]:
    for match in _USER.finditer(plain):
        if not _PLACEHOLDERS.match(match[2]) and not match[2].endswith(_SAMPLE) and _is_chosen(match[2]):
            yield match.span(1)
    for match in _OPEN.finditer(plain):
        value = match.lastindex or 0
        if not match[value].endswith(_SAMPLE) and _is_mixed(match[value]):
            yield match.span(value)


def _in_parameters(plain: str) -> Iterator[Span]:
    for match in _PASSWORD.finditer(plain):
        if not match[1].endswith(_SAMPLE) and any(map(str.isdigit, match[1])) and any(map(str.isalpha, match[1])):
            yield match.span(1)
    for match in _PARAMETER.finditer(plain):
        if not match[1].endswith(_SAMPLE) and _is_mixed(match[1]) and len(match[1]) >= _LONG:
            yield match.span(1)


def _is_chosen(password: str) -> bool:
    return len(password) >= _SHORT or not password.isalpha()


def _is_mixed(value: str) -> bool:
    """Whether there are digits and letters, and more than a few of both together: names of things have mostly one kind."""
    return any(c.isdigit() for c in value) and any(c.isalpha() for c in value) and len(set(value)) > 6  # noqa: PLR2004
