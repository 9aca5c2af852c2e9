"""What Presidio takes for personal data, replaced as mask_pii replaces it: by a tag, or by a stand-in that is nobody's.

Knows which of Presidio's kinds are ours, and what is nobody's. What is found, analyzer.py says.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from adaptline.core.demands import Demand, between, needs
from adaptline.core.registry import transform
from adaptline.core.sources import Folder, refuse_changed
from adaptline.data.languages import LANGUAGES
from adaptline.data.personal import emails, network, phones
from adaptline.data.personal.page import as_ascii, digits_of
from adaptline.data.personal.standins import stand_in, tag
from adaptline.errors import UserError, did_you_mean

if TYPE_CHECKING:
    from adaptline.data.personal.analyzer import Analyzer

_OURS = {
    "EMAIL_ADDRESS": "email",
    "PHONE_NUMBER": "phone",
    "IBAN_CODE": "iban",
    "CREDIT_CARD": "card",
    "IP_ADDRESS": "ip",
    "MAC_ADDRESS": "mac",
    "US_SSN": "us_ssn",
    "UK_NINO": "uk_nino",
    "ES_NIF": "es_dni",
    "ES_NIE": "es_dni",
    "IT_FISCAL_CODE": "it_codice_fiscale",
    "DE_TAX_ID": "de_steuer_id",
    "SE_PERSONNUMMER": "se_personnummer",
    "PL_PESEL": "pl_pesel",
    "IN_AADHAAR": "in_aadhaar",
}
# What is rarely about a person in texts that models learn from, and common in them.
_UNLESS_NAMED = ("DATE_TIME", "URL", "UUID")
_TAG = re.compile(r"<[A-Z][A-Z_0-9]{1,39}>")  # what a mask leaves
_ARE_LANGUAGES = Demand(
    lambda codes: bool(codes) and all(code in LANGUAGES.split() for code in codes), 'of languages\' codes, like ["en"]'
)
# An empty list of entities would mask nothing without a word.
_NOT_EMPTY = Demand(bool, "and at least one of them (leave it out for the default)")


def _check(
    *,
    languages: list[str] | None = None,
    countries: list[str] | None = None,
    entities: list[str] | None = None,
    model: Folder | None = None,
    **_: object,
) -> None:
    needs("presidio_analyzer", extra="presidio")
    languages = languages or ["en"]
    models = _models(model)
    if model is not None and models[0][0] not in languages:
        raise UserError(
            f"model = {model.name!r}, which is for the language {models[0][0]!r}, not one of languages",
            do=f'Add "{models[0][0]}" to languages, or name another model.',
        )
    if not (countries or entities):
        return
    from adaptline.data.personal import analyzer  # noqa: PLC0415 - it imports presidio

    _refuse_unknown("countries", countries or [], analyzer.known_countries())
    if entities:
        _refuse_unknown(
            "entities", entities, analyzer.load(tuple(languages), tuple(countries or ()), models).entities()
        )


def _refuse_unknown(name: str, given: list[str], known: list[str]) -> None:
    for one in given:
        if one not in known:
            raise UserError(f"{name} has {one!r}, which Presidio does not know here", do=did_you_mean(one, known))


def _models(model: Folder | None) -> tuple[tuple[str, Path], ...]:
    """(language, folder) of a spaCy pipeline. Raises UserError where the folder holds none, or one that would be unpickled."""
    if model is None:
        return ()
    from adaptline.data.personal import pipelines  # noqa: PLC0415 - it imports spaCy

    return ((pipelines.language_of(model), model.path),)


@transform(version=1, finds=("personal_data",), check=_check)
def presidio(
    texts: list[str],
    *,
    languages: Annotated[list[str], _ARE_LANGUAGES] | None = None,
    countries: Annotated[list[str], _NOT_EMPTY] | None = None,
    entities: Annotated[list[str], _NOT_EMPTY] | None = None,
    model: Folder | None = None,
    min_score: Annotated[float, between(0, 1, low_too=False)] = 0.4,
    mode: Literal["mask", "pseudonym"] = "mask",
    seed: int = 0,
) -> list[str]:
    """Masks what Microsoft Presidio's patterns take for personal data, without a network; with a spaCy model names, too.

    Tags and stand-ins are those of mask_pii for what both find, and so is what is nobody's (example.com, 555-0100,
    private networks) and stays; other kinds have Presidio's names, as in <US_PASSPORT>. Places that overlap become one.

    Args:
        texts: the texts.
        languages: whose recognisers look, all of them at every text; English unless some are named.
        countries: recognisers of these that Presidio leaves out by default look, too: "uk", "de", "in".
        entities: which kinds are masked, by Presidio's names; all but dates, URLs and UUIDs unless some are named.
        model: the folder of a spaCy pipeline, or package:NAME of one that is installed, for one of the languages: PERSON,
            LOCATION and what else it tells.
        min_score: how sure Presidio must be; 0.4 is what a weak pattern has beside a word that names it.
        mode: "mask" leaves the kind, as in <EMAIL>; "pseudonym" a stand-in that depends on the `seed` and the value alone.
        seed: another seed, other stand-ins.

    Returns:
        One text per text.
    """
    from adaptline.data.personal import analyzer  # noqa: PLC0415 - it imports presidio

    loaded = _loaded(tuple(languages or ("en",)), tuple(countries or ()), model)
    wanted = set(entities) if entities is not None else set(loaded.entities()) - set(_UNLESS_NAMED)
    found = []
    for text in texts:
        tags = [match.span() for match in _TAG.finditer(text)]
        places = [
            place
            for place in loaded.places(text, min_score, wanted)
            if not any(begin < place.end and place.start < end for begin, end in tags)
            and not _is_nobodys(_kind(place.entity), text[place.start : place.end])
        ]
        spans = ((_kind(one.entity), text[one.start : one.end], a, b) for one, a, b in analyzer.merged(places))
        found.append(_replaced(text, spans, mode, seed))
    return found


@lru_cache(maxsize=1)
def _loaded(languages: tuple[str, ...], countries: tuple[str, ...], model: Folder | None) -> Analyzer:
    """Once per process, not once per shard."""
    from adaptline.data.personal import analyzer  # noqa: PLC0415 - it imports presidio

    loaded = analyzer.load(languages, countries, _models(model))
    if model is not None:
        refuse_changed(model)
    return loaded


def _kind(entity: str) -> str:
    return _OURS.get(entity, entity.lower())


def _replaced(text: str, spans: Iterable[tuple[str, str, int, int]], mode: str, seed: int) -> str:
    """The text with spans replaced: (kind, value, begin, end)."""
    pieces, at = [], 0
    for kind, value, begin, end in spans:
        pieces += [text[at:begin], tag(kind) if mode == "mask" else stand_in(kind, value, seed)]
        at = end
    return "".join([*pieces, text[at:]])


def _is_nobodys(kind: str, value: str) -> bool:
    plain = as_ascii(value)
    if kind == "email":
        return emails.is_nobodys(plain)
    if kind == "phone":
        return phones.is_fictional(digits_of(plain))
    if kind == "mac":
        return network.is_nobodys_mac(plain)
    return kind == "ip" and not network.is_somebodys(plain, private=False)
