"""Text as it was meant: mojibake, HTML remains, invisible characters, line ends, normal form.

Knows characters, of any script. Knows nothing of words or languages, and takes away no character that a reader would
miss: curly quotes, ligatures and full-width forms stay, unless `form` is "NFKC" or an option of typography.py is on.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Sequence
from functools import partial
from typing import Literal

import ftfy.fixes

from adaptline.core.registry import transform
from adaptline.data import typography

Pass = Callable[[str], str]

_PASSES = 100  # damage upon damage is rarely 3 deep; the bound is for a text made to keep us busy

# Possessive quantifiers (++, *+) keep every expression here linear in the length of a hostile text.
_ATTRIBUTES = r"(?:\s++[\w:-]++\s*+=\s*+(?:\"[^\"]*+\"|'[^']*+'|[^\s\"'<>]++))*+\s*+/?"
_PARAGRAPH = "p|h[1-6]|blockquote"
_CELL = "td|th"
_LINE = f"{_PARAGRAPH}|{_CELL}|br|div|ul|ol|li|hr|table|tbody|thead|tr|center|section|article"
# A tag has one of these names and well-formed attributes or none, so `a < b`, `<T>` and `vector<map>` are no tags. Names
# of one letter, which code has too (`List<b>`), are tags only where the text also closes them; <s> marks sentences in
# the text of language models.
_LINE_TAGS = re.compile(rf"((?:</?(?:{_LINE}){_ATTRIBUTES}>\s*+)++)", re.IGNORECASE)
_PARAGRAPH_GAP = re.compile(rf"</?(?:{_PARAGRAPH})\b|(?:<br\s*+/?>\s*+){{2}}|\n[^\S\n]*+\n", re.IGNORECASE)
_CELL_TAGS = re.compile(rf"\s*+(?:</?(?:{_CELL}){_ATTRIBUTES}>\s*+)++", re.IGNORECASE)
_INLINE_TAG = re.compile(rf"</?(?:span|em|strong|font|img|small|big|tt|strike){_ATTRIBUTES}>", re.IGNORECASE)
_SHORT_TAG = re.compile(rf"<(/?)([abiu]){_ATTRIBUTES}>", re.IGNORECASE)
_AMPERSANDS = re.compile("&(?:amp;)++", re.IGNORECASE)
# Where tags are what the text is about (a page's source, code, an explanation), they are no remains.
_ABOUT_TAGS = re.compile(
    r"html|\b(?:tag|element)s?\b|```|`[^`\n]*+<|<(?:!doctype|\?|/?(?:script|style|head|body|form|input|button|code|pre|svg)\b)"
    r"|=>|[;{][ \t]*+\n|[\"'`]<[a-z/!]|className=",
    re.IGNORECASE,
)

_LINE_END = re.compile("\r\n|[\r\v\f\x85\u2028\u2029]")
# Characters after which a zero-width joiner or non-joiner shapes what is seen: Arabic, Syriac, N'Ko, the Indic scripts,
# Tibetan, Myanmar, Khmer, Mongolian and their extensions.
_SHAPED = (
    r"\u0600-\u08ff\u0900-\u0dff\u0f00-\u109f\u1780-\u18af\u1a20-\u1cff\ua800-\uabff\ufb50-\ufdff\ufe70-\ufefc"
    r"\U00010a00-\U00011fff\U0001e900-\U0001e95f"
)
# Between two of these a joiner makes one emoji of them (Unicode Technical Standard 51).
_EMOJI = (
    r"\u203c\u2049\u2122\u2139\u2190-\u21ff\u2300-\u27bf\u2900-\u297f\u2b00-\u2bff\u3030\u303d\u3297\u3299"
    r"\ufe0f\U0001f000-\U0001faff\U000e007f"
)
_UNSPACED = r"\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff"  # Thai, Lao, Myanmar, Khmer: a zero-width space parts words
# Tag characters are seen in flags of regions only (a black flag, five or so of them, an end); elsewhere they smuggle
# words past the eye.
_FLAG = r"\U0001f3f4[\U000e0030-\U000e0039\U000e0061-\U000e007a]{4,6}\U000e007f"
_SUSPECT = re.compile(  # one of these is in all that goes, and most texts have none
    r"[\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f\u00ad\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"
    r"\U000e0000-\U000e007f]"
)
_INVISIBLE = re.compile(
    rf"({_FLAG})"
    r"|[\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f\u00ad\u061c\u180e\u200e\u200f\u202a-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]"
    r"|[\U000e0000-\U000e007f]"
    rf"|(?<![{_UNSPACED}])\u200b|\u200b(?![{_UNSPACED}])"
    rf"|(?<![{_SHAPED}])\u200c"
    rf"|(?<![{_SHAPED}{_EMOJI}])\u200d|(?<=[{_EMOJI}])\u200d(?![{_EMOJI}])"
)


@transform(version=2, finds=("mojibake", "html"))
def unicode(
    texts: list[str],
    *,
    form: Literal["NFC", "NFKC", "none"] = "NFC",
    mojibake: bool = True,
    html: bool = True,
    breaks: Literal["line", "space"] = "line",
    invisible: bool = True,
    white_space: bool = True,
    single_spaces: bool = False,
    straight_quotes: bool = False,
    plain_dashes: bool = False,
    lower_case: bool = False,
    no_punctuation: bool = False,
) -> list[str]:
    r"""Mends how a text is written down. A mended text stays as it is when mended again.

    The last five are off because they take away what a model is to write itself: one that learns from lower-cased text
    without punctuation answers so. They suit what is only read (a classifier's input, a comparison). Markdown's code
    between fences or backticks stays as it is under each of them; what is indented alone is text.

    Args:
        texts: the texts.
        form: Unicode's normal form; "NFKC" also replaces compatibility characters (full-width letters, ligatures).
        mojibake: undoes UTF-8 that was read as another encoding, line by line, where ftfy is sure of it.
        html: unescapes entities and removes the tags that are left of a web page's text (p, br, div, span, a, b ...).
            A text that is itself about tags, or is code, keeps both.
        breaks: what a tag that parts lines (br, p, li ...) leaves: a line end, two between paragraphs; or a space.
        invisible: removes control, bidirectional and zero-width characters; joiners stay where a script or an emoji
            needs them.
        white_space: line ends become \n; white space before them and at the text's end goes.
        single_spaces: several spaces between words become one, several empty lines one; indentation stays.
        straight_quotes: curly quotation marks and apostrophes become ' and ".
        plain_dashes: hyphens, en dashes and minus signs become -, a dash between clauses a - between spaces.
        lower_case: capitals become small letters.
        no_punctuation: punctuation goes, but for apostrophes inside words and what parts the digits of a number.

    Returns:
        One text per text.
    """
    passes: list[Pass] = []
    if mojibake:
        passes.append(_without_mojibake)
    if html:
        passes.append(partial(_without_html, parted=_line_break if breaks == "line" else _space))
    if invisible:
        passes.append(_without_invisible)
    if white_space:
        passes.append(_without_trailing)
    wanted = {
        typography.single_spaces: single_spaces,
        typography.straight_quotes: straight_quotes,
        typography.plain_dashes: plain_dashes,
        typography.lower_case: lower_case,
        typography.without_punctuation: no_punctuation,
    }
    passes += [change for change, is_on in wanted.items() if is_on]
    if form != "none":
        passes.append(partial(unicodedata.normalize, form))
    spares_ascii = not (single_spaces or lower_case or no_punctuation)
    return [text if spares_ascii and _is_plain(text) else _mend(text, passes) for text in texts]


def _is_plain(text: str) -> bool:
    """Whether there is surely nothing to mend: printable ASCII without & and <, and no white space before a line's end."""
    printable = text.isprintable() or text.replace("\n", "").replace("\t", "").isprintable()
    if not (printable and text.isascii()) or "&" in text or "<" in text:
        return False
    return text == text.rstrip() and " \n" not in text and "\t\n" not in text


def _mend(text: str, passes: Sequence[Pass]) -> str:
    """All passes, again and again until nothing changes: what one repairs, another may see through."""
    for _ in range(_PASSES):
        before = text
        for change in passes:
            text = change(text)
        if text == before:
            break
    return text


def _without_mojibake(text: str) -> str:
    return text if text.isascii() else "\n".join(map(ftfy.fix_encoding, text.split("\n")))


def _without_invisible(text: str) -> str:
    return _INVISIBLE.sub(r"\1", text) if _SUSPECT.search(text) else text


def _without_trailing(text: str) -> str:
    return "\n".join(line.rstrip() for line in _LINE_END.sub("\n", text).split("\n")).rstrip()


def _without_html(text: str, parted: Callable[[str], str]) -> str:
    if not ("&" in text or "<" in text) or _ABOUT_TAGS.search(text):
        return text
    text = ftfy.fixes.unescape_html(_AMPERSANDS.sub("&", text))
    closed = {name.lower() for slash, name in _SHORT_TAG.findall(text) if slash}
    text = _SHORT_TAG.sub(lambda tag: "" if tag[2].lower() in closed else tag[0], _INLINE_TAG.sub("", text))
    *pieces, last = _LINE_TAGS.split(text)  # text, tags, text, tags, ... text
    if not pieces:
        return last
    mended = []
    for piece, tags in zip(pieces[::2], pieces[1::2], strict=True):
        bare = piece.rstrip()
        mended += [bare, parted(piece[len(bare) :] + tags)]
    return "".join([*mended, last]).strip()


def _line_break(tags: str) -> str:
    """What a run of tags that part lines leaves, white space around it included."""
    if _CELL_TAGS.fullmatch(tags):
        return " "
    return "\n\n" if _PARAGRAPH_GAP.search(tags) else "\n"


def _space(_: str) -> str:
    return " "
