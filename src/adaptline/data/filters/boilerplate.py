"""How much of a text is boilerplate: lines of cookie banners, licences, navigation and placeholder text.

Knows phrases and the form of lines, English ones but for cookie banners. Knows nothing of what stands around a line.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache

import pyarrow as pa

from adaptline.core.registry import filter
from adaptline.data import measures
from adaptline.errors import UserError, did_you_mean

_MOST_WORDS = 10  # of a line that is navigation, as RefinedWeb has it
_CHARACTERS = 2000  # of a line are looked at
# A phrase tells where it is enough by itself; case does not count.
PHRASES: dict[str, tuple[str, ...]] = {
    # The policy notices of C4's authors' program, c4_utils.py, and the verbs of banners that ask for consent.
    "cookies": (
        r"\b(?:cookie|privacy) policy\b|\bterms of (?:use|service)\b",
        r"\b(?:uses?|use of|using|accept(?: all)?|manage|essential) cookies\b",
        r"\bcookie (?:settings|preferences|consent|notice)\b",
        r"\b(?:verwende[tn]|akzeptieren?|nutz(?:t|en)) (?:\w+ ){0,4}cookies\b|\bcookies (?:\w+ ){0,2}(?:akzeptieren|zustimmen)\b",
        r"\b(?:utilise|accepter|acceptez) (?:\w+ ){0,2}cookies\b|\b(?:utiliza|utilizamos|aceptar) (?:\w+ ){0,2}cookies\b",
    ),
    # First words of the texts in the SPDX licence list (https://spdx.org/licenses), and notices of copyright.
    "licence": (
        r"\bspdx-license-identifier:",
        r"^\W*(?:copyright(?: \(c\)| \u00a9)?|\(c\)|\u00a9) ?\d{4}\b|\ball rights reserved\b",
        r"\blicensed under the (?:apache|mit|bsd|gnu|mozilla|creative commons)\b",
        r"\bpermission is hereby granted, free of charge\b|\bthe software is provided \W?as is\b",
        r"\bredistribution and use in source and binary forms\b|\bthis software is provided by\b",
        r"\bis free software[:;,] you can redistribute it\b|\bwithout even the implied warranty of\b",
        r"\bwithout warranties or conditions of any kind\b|\byou may not use this file except in compliance\b",
    ),
    # As C4 looks for it, and the words that follow it.
    "placeholder": (r"\blorem ipsum\b|\bdolor sit amet\b|\bconsectetur adipiscing\b|^\W*(?:todo|tbd|placeholder)\W*$",),
}
# Line-wise corrections of RefinedWeb (Penedo et al. 2023, arXiv 2306.01116, appendix G.2): short lines that are a counter
# ("3 likes") or begin, end or consist with what pages say of themselves; and lists of links on one line.
_NAVIGATION = re.compile(
    r"^\W*(?:sign[ -]?(?:in|up|out)|log[ -]?(?:in|out)|register(?= now|\W*$)|skip to (?:main )?(?:content|navigation)|back to top"
    r"|share (?:this|on|via)|tweet|follow us|subscribe|add to (?:cart|basket|wishlist)|view (?:all|cart)|load more"
    r"|(?:next|previous) (?:page|post|article)|leave a (?:comment|reply)|related (?:posts|articles)|you may also like"
    r"|toggle navigation|advertisement|sponsored)\b"
    r"|\b(?:read more|continue reading|click here|items? in cart)\W*$"
    r"|^\W*[\d,.]+[km]? (?:likes?|shares?|comments?|views?|retweets?|followers?|replies)\W*$",
    re.IGNORECASE,
)
_LINKS = re.compile(
    r"(?:[^|\u00bb\u203a\u2022\u00b7>]{1,40}[|\u00bb\u203a\u2022\u00b7>]){3,}[^|\u00bb\u203a\u2022\u00b7>]{0,40}"
)
_NUMBERS = re.compile(r"\d[\d.,]*\s*[|\u2022\u00b7]|^\s*\|")  # a table's cells, or rows of Markdown's, are no links
KINDS = [*PHRASES, "navigation"]


def _check(*, kinds: Sequence[str] = KINDS, phrases: Sequence[str] = (), **_: object) -> None:
    for kind in kinds:
        if kind not in KINDS:
            raise UserError(f"the kind {kind!r}, which boilerplate does not know", do=did_you_mean(kind, KINDS))
    for phrase in phrases:
        if not phrase.strip():
            raise UserError("an empty phrase, which stands in any line", do="Say what a line must hold.")
    if not kinds and not phrases:
        raise UserError("no kinds and no phrases: nothing is boilerplate", do=f"Name some of {', '.join(KINDS)}.")


@filter(version=1, finds=("boilerplate",), gives="number", check=_check)
def boilerplate(texts: pa.StringArray, *, kinds: list[str] = KINDS, phrases: list[str] = []) -> pa.StructArray:  # noqa: B006 - a parameter's default is never changed
    """The share of a text's lines that are boilerplate, 0 to 1. Bound it with max.

    Lines are what stands between line feeds; blank ones do not count. The kinds:
        cookies: policy notices (those of C4, Raffel et al. 2020) and banners that ask for consent, in English, German, French
            and Spanish.
        licence: copyright notices and first words of licences (of the SPDX list).
        placeholder: "lorem ipsum" and what follows it, and lines that say TODO alone.
        navigation: lines of at most 10 words that are a counter, or begin or end with what pages say of themselves ("sign in",
            "read more"), after RefinedWeb's line-wise corrections (Penedo et al. 2023, appendix G.2); and lists of links.

    Args:
        texts: one text per row; a null one, and one without lines, has no score.
        kinds: those that count.
        phrases: others of your own, found anywhere in a line; case does not count.

    Returns:
        Per row `score`, and `because`, the kind and the number (from 1, blank lines not counted) of the first such line,
        null at score 0.
    """
    scores: list[float | None] = []
    because: list[str | None] = []
    for text in texts.to_pylist():
        lines = measures.lines(text or "")
        found = [_kind_of(line[:_CHARACTERS], tuple(kinds), tuple(phrases)) for line in lines]
        hits = [(number, kind) for number, kind in enumerate(found, start=1) if kind]
        scores.append(len(hits) / len(lines) if lines else None)
        because.append(f"{hits[0][1]}: line {hits[0][0]}" if hits else None)
    columns = [pa.array(scores, pa.float64()), pa.array(because, pa.string())]
    return pa.StructArray.from_arrays(columns, names=["score", "because"])


def _kind_of(line: str, kinds: tuple[str, ...], phrases: tuple[str, ...]) -> str | None:
    """What makes a line boilerplate, or None."""
    if pattern := _pattern(kinds, phrases):
        found = pattern.search(line)
        if found:
            return found.lastgroup
    return "navigation" if "navigation" in kinds and _navigates(line) else None


def _navigates(line: str) -> bool:
    if len(line.split(maxsplit=_MOST_WORDS)) <= _MOST_WORDS and _NAVIGATION.search(line):
        return True
    return bool(_LINKS.fullmatch(line)) and not _NUMBERS.search(line) and "<" not in line


@lru_cache(maxsize=16)
def _pattern(kinds: tuple[str, ...], phrases: tuple[str, ...]) -> re.Pattern[str] | None:
    """One expression for all phrases, whose groups are the kinds."""
    groups = [f"(?P<{kind}>{'|'.join(PHRASES[kind])})" for kind in PHRASES if kind in kinds]
    groups += [f"(?P<phrase>{'|'.join(map(re.escape, phrases))})"] if phrases else []
    return re.compile("|".join(groups), re.IGNORECASE) if groups else None
