"""Languages by their codes of two letters (ISO 639-1), as recipes name them, and of three (ISO 639-3), as translators do.

Knows the languages that translators here are made for, not all of them.
"""

from __future__ import annotations

_LONG = dict(
    pair.split(":")
    for pair in [
        "af:afr",
        "an:arg",
        "ar:ara",
        "be:bel",
        "bg:bul",
        "bn:ben",
        "br:bre",
        "bs:bos",
        "ca:cat",
        "cs:ces",
        "cy:cym",
        "da:dan",
        "de:deu",
        "el:ell",
        "en:eng",
        "eo:epo",
        "es:spa",
        "et:est",
        "eu:eus",
        "fa:fas",
        "fi:fin",
        "fr:fra",
        "ga:gle",
        "gl:glg",
        "he:heb",
        "hi:hin",
        "hr:hrv",
        "hu:hun",
        "id:ind",
        "is:isl",
        "it:ita",
        "ja:jpn",
        "ka:kat",
        "kk:kaz",
        "ko:kor",
        "lt:lit",
        "lv:lav",
        "mk:mkd",
        "ms:zlm",
        "mt:mlt",
        "nb:nob",
        "nl:nld",
        "nn:nno",
        "no:nor",
        "oc:oci",
        "pl:pol",
        "pt:por",
        "ro:ron",
        "ru:rus",
        "sc:srd",
        "se:sme",
        "sh:hbs",
        "sk:slk",
        "sl:slv",
        "sq:sqi",
        "sr:srp",
        "sv:swe",
        "th:tha",
        "tr:tur",
        "tt:tat",
        "uk:ukr",
        "ur:urd",
        "vi:vie",
        "zh:zho",
    ]
)


def codes(language: str) -> tuple[str, ...]:
    """A language's codes, the one that is given first."""
    return (language, _LONG[language]) if language in _LONG else (language,)
