"""Addresses of machines, which tell of the people behind them: IPv4, IPv6, MAC.

Knows which ranges are anybody's (loopback, documentation, private networks) and which forms are versions or times.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator

from adaptline.data.personal.page import Page, Span, word

_V4 = re.compile(r"[0-9]{1,3}(?:\.[0-9]{1,3}){3}", re.ASCII)
# Behind a range (58.74.121.0/24) stands nobody; /32 and /128 are one machine.
_NO_NETWORK = r"(?!/(?:[0-9]|[12][0-9]|3[013-9]|[4-9][0-9]|1[01][0-9]|12[0-7])(?![0-9]))"
_V4_ALONE = (
    re.compile(r"(?<![\w.@~^!\-+])(?<!\d,)(?<![=<>~]=)", re.ASCII),
    re.compile(rf"(?![\w@])(?!\.\w)(?!-\w){_NO_NETWORK}", re.ASCII),
)
_V6 = re.compile(
    rf"(?<![\w:.])(?:[0-9A-F]{{1,4}}:|::)[0-9A-F:]{{1,37}}+(?![\w:])(?!\.\d){_NO_NETWORK}", re.ASCII | re.IGNORECASE
)
_MAC = re.compile(
    r"(?<![\w:.*-])[0-9A-F]{2}(?:(?::[0-9A-F]{2}){5}|(?:-[0-9A-F]{2}){5}|[0-9A-F]{2}(?:\.[0-9A-F]{4}){2})(?![\w:.-]\w|\w)",
    re.ASCII | re.IGNORECASE,
)
# Nobody's: RFC 6890's registries of special addresses, RFC 5737 and 3849 (documentation), and resolvers that all use.
_NOBODYS = [
    ipaddress.ip_network(network)
    for network in [
        "0.0.0.0/8",
        "1.2.3.4/32",
        "127.0.0.0/8",
        "192.0.0.0/24",
        "192.0.2.0/24",
        "198.51.100.0/24",
        "203.0.113.0/24",
        "192.88.99.0/24",
        "198.18.0.0/15",
        "224.0.0.0/3",
        "1.1.1.0/24",
        "1.0.0.0/24",
        "8.8.8.0/24",
        "8.8.4.0/24",
        "9.9.9.0/24",
        "2001:4860:4860::/48",
        "2606:4700:4700::/48",
        "::/8",
        "64:ff9b::/96",
        "100::/64",
        "2001::/23",
        "2001:db8::/32",
        "3fff::/20",
        "ff00::/8",
    ]
]
_PRIVATE_V4 = [
    ipaddress.ip_network(network)
    for network in ("10.0.0.0/8", "100.64.0.0/10", "169.254.0.0/16", "172.16.0.0/12", "192.168.0.0/16")
]
_PRIVATE_V6 = [ipaddress.ip_network(network) for network in ("fc00::/7", "fe80::/10")]
_GLOBAL_V6 = ipaddress.ip_network("2000::/3")
_VERSION = re.compile(
    r"(?:\bv|version\w*|releases?|rev(?:ision)?|build|sections?|§|oid|chapter|table|figure|(?:==|>=|<=|~=))[\s:=\"'(]*$",
    re.IGNORECASE,
)
_ABOUT_ADDRESSES = word(
    "ip", "ipv4", "address(?:es)?", "host(?:name)?s?", "servers?", "ping", "client", "remote", "login"
)
_ABOUT_MACS = word("mac", "ether(?:net)?", "hwaddr", "bssid", "wi-?fi", "device", "adapter")
_DOCUMENTATION_MAC = "00005e0053"  # RFC 7042
_SMALL = 20  # four numbers as small as this are more often a version or a section


def ips(page: Page, *, private: bool = False) -> Iterator[Span]:
    """Addresses of machines on the Internet, and with `private` those of private networks."""
    if "." in page.plain:
        for match in _V4.finditer(page.plain):
            start, end = match.span()
            alone = all(side.match(page.plain, at) for side, at in zip(_V4_ALONE, (start, end), strict=True))
            if alone and is_somebodys(match[0], private=private) and not _is_version(page, match[0], start, end):
                yield start, end
    if ":" in page.plain:
        for match in _V6.finditer(page.plain):
            value = match[0].rstrip(":") if not match[0].endswith("::") else match[0]
            if value.count(":") > 1 and is_somebodys(value, private=private):
                yield match.start(), match.start() + len(value)


def _is_version(page: Page, value: str, start: int, end: int) -> bool:
    if _VERSION.search(page.plain, max(0, start - 16), start):
        return True
    return all(int(part) < _SMALL for part in value.split(".")) and not page.near(_ABOUT_ADDRESSES, start, end)


def is_somebodys(value: str, *, private: bool) -> bool:
    """Whether a machine of somebody's has an address: not one of documentation, nor, unless `private`, of private networks."""
    try:
        address = ipaddress.ip_address(value)
    except ValueError:
        return False
    among = _NOBODYS if private else [*_NOBODYS, *_PRIVATE_V4, *_PRIVATE_V6]
    if any(address.version == network.version and address in network for network in among):
        return False
    if address.version == 4 or address in _GLOBAL_V6:  # noqa: PLR2004 - IPv4
        return True
    # What is no global address counts where all of its eight groups are there, and are no pairs of digits of a hash.
    groups = value.split(":")
    return any(len(group) > 2 for group in groups) and (  # noqa: PLR2004 - pairs
        "" not in groups or any(address in network for network in _PRIVATE_V6)
    )


def macs(page: Page) -> Iterator[Span]:
    """Hardware addresses in their three forms; pairs of digits alone, which times have too, only near a word for them."""
    for match in _MAC.finditer(page.plain):
        plain = _hexadecimal(match[0])
        if is_nobodys_mac(match[0]):
            continue
        if not plain.isdigit() or page.near(_ABOUT_MACS, *match.span()):
            yield match.span()


def is_nobodys_mac(value: str) -> bool:
    """Whether a hardware address is one of documentation, or that of none or all."""
    plain = _hexadecimal(value)
    return plain.startswith(_DOCUMENTATION_MAC) or len(set(plain)) < 3  # noqa: PLR2004 - zeros, broadcast


def _hexadecimal(value: str) -> str:
    return re.sub(r"[^0-9a-f]", "", value.lower())
