"""Presidio's recognisers without its models and without a network: which places of a text they take for personal data.

Knows presidio-analyzer (https://microsoft.github.io/presidio) and spaCy, and which parts of them would fetch something:
models of languages, in whose stead stand blank pipelines, and the list of public suffixes, of which the copy inside tldextract
is read. Knows nothing of what is put in a place's stead. Imports presidio, which takes a second: load this module late.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import spacy
import tldextract
from presidio_analyzer import AnalyzerEngine, PatternRecognizer, RecognizerRegistry
from presidio_analyzer.nlp_engine import NerModelConfiguration, NlpArtifacts
from presidio_analyzer.predefined_recognizers import EmailRecognizer, PhoneRecognizer
from presidio_analyzer.recognizer_registry.recognizers_loader_utils import (
    RecognizerConfigurationLoader,
    RecognizerListLoader,
)

# Characters that are looked at together. Presidio's expressions take time with the square of a run such as 1.1.1.1, and it
# leaves out without a word what one of them has not found in a minute: of so few they take less than a second.
_PIECE = 2_000
_REGIONS = {"uk": "GB"}  # what phonenumbers calls a country otherwise than presidio
_SUFFIXES = tldextract.TLDExtract(suffix_list_urls=(), cache_dir=None)


@dataclass(frozen=True)
class Place:
    """A place in a text, from `start` to before `end`, what presidio calls it, and how sure it is, 0 to 1."""

    entity: str
    start: int
    end: int
    score: float


class Words:
    """What presidio calls an NLP engine: it parts a text into words, by a language's own spaCy model or by its rules alone."""

    def __init__(self, languages: Sequence[str], models: Mapping[str, Path]) -> None:
        """`models` names the folder of a spaCy pipeline for some of the languages."""
        self.pipelines = {code: spacy.load(models[code]) if code in models else _blank(code) for code in languages}

    def is_loaded(self) -> bool:
        """It is."""
        return True

    def process_text(self, text: str, language: str) -> NlpArtifacts:
        """The words of a text and their base forms, in lower case; without a model the words themselves."""
        words = self.pipelines[language](text)
        bases = [(word.lemma_ or word.text).lower() for word in words]
        return NlpArtifacts([], words, [word.idx for word in words], bases, self, language)

    def is_stopword(self, word: str, language: str) -> bool:
        """Whether a word says too little to tell of a number beside it."""
        return bool(self.pipelines[language].vocab[word].is_stop)

    def is_punct(self, word: str, language: str) -> bool:
        """Whether it is punctuation."""
        return bool(self.pipelines[language].vocab[word].is_punct)


@dataclass(frozen=True)
class Analyzer:
    """Presidio's engine for some languages."""

    engine: Any
    words: Words
    named: Mapping[str, str]  # what a model's labels are called by presidio
    sure: float  # how sure presidio is of what a model tells

    def entities(self) -> list[str]:
        """What it can find, by presidio's names, in order."""
        found = set(self.engine.get_supported_entities())
        for pipeline in self.words.pipelines.values():
            found |= {
                self.named[label] for labels in pipeline.pipe_labels.values() for label in labels if label in self.named
            }
        return sorted(found)

    def places(self, text: str, least: float, wanted: Collection[str]) -> list[Place]:
        """All places of some entities in all of its languages, in order; they may overlap.

        Args:
            text: any text; a long one is looked at in pieces, cut where there is white space.
            least: how sure it must be.
            wanted: entities; recognisers of others are not asked, of which that of URLs is the slowest of all.
        """
        found = {
            Place(one.entity, one.start + begin, one.end + begin, one.score)
            for begin, piece in _pieces(text)
            for language in self.words.pipelines
            for one in self._places(piece, language, least, wanted)
        }
        return sorted(found, key=lambda place: (place.start, place.end, place.entity, place.score))

    def _places(self, piece: str, language: str, least: float, wanted: Collection[str]) -> list[Place]:
        asked = sorted(set(self.engine.get_supported_entities(language)).intersection(wanted))
        # Outside of a zone spaCy keeps every word that it has ever seen.
        with self.words.pipelines[language].memory_zone():
            words = self.words.process_text(piece, language)
            told = (
                self.engine.analyze(piece, language, asked, score_threshold=least, nlp_artifacts=words) if asked else []
            )
            named = [
                Place(self.named[one.label_], one.start_char, one.end_char, self.sure)
                for one in words.tokens.ents
                if self.sure >= least and self.named.get(one.label_) in wanted
            ]
            return named + [Place(one.entity_type, one.start, one.end, float(one.score)) for one in told]


@lru_cache(maxsize=4)
def load(
    languages: tuple[str, ...], countries: tuple[str, ...] = (), models: tuple[tuple[str, Path], ...] = ()
) -> Analyzer:
    """An analyzer, once per process.

    Args:
        languages: by their ISO codes: each has recognisers of its own.
        countries: by their ISO codes: recognisers of these that presidio leaves out by default are used, too.
        models: (language, the folder of a spaCy pipeline), for what no pattern tells: names of people and places.
    """
    logging.getLogger("presidio-analyzer").setLevel(logging.ERROR)  # it tells of recognisers that it does not use
    given = RecognizerConfigurationLoader.get(registry_configuration={"supported_languages": list(languages)})
    for entry in given["recognizers"]:
        entry["enabled"] = entry.get("enabled", True) or entry.get("country_code") in countries
    recognisers = [
        one for one in RecognizerListLoader.get(**given) if isinstance(one, PatternRecognizer | PhoneRecognizer)
    ]
    for one in recognisers:
        if isinstance(one, EmailRecognizer):
            one.validate_result = _has_public_suffix  # its own asks the network for the list of suffixes
        elif isinstance(one, PhoneRecognizer):
            more = [_REGIONS.get(code, code.upper()) for code in countries]
            one.supported_regions = tuple(dict.fromkeys([*one.supported_regions, *more]))
    words = Words(languages, dict(models))
    registry = RecognizerRegistry(recognisers, supported_languages=list(languages))
    engine = AnalyzerEngine(registry=registry, nlp_engine=words, supported_languages=list(languages))
    told = NerModelConfiguration()
    return Analyzer(engine, words, told.model_to_presidio_entity_mapping or {}, float(told.default_score or 0))


def known_countries() -> list[str]:
    """The countries of which presidio has recognisers, in order."""
    given = RecognizerConfigurationLoader.get(registry_configuration={"supported_languages": ["en"]})
    return sorted({entry["country_code"] for entry in given["recognizers"] if entry.get("country_code")})


def _has_public_suffix(address: str) -> bool:
    return bool(_SUFFIXES(address).fqdn)


def _blank(language: str) -> Any:
    try:
        return spacy.blank(language)
    except ImportError:  # a language that it does not know, or whose tokenizer is a package that is not there
        return spacy.blank("xx")


def _pieces(text: str) -> Iterator[tuple[int, str]]:
    """(begin, piece): as long as they may be, cut behind the last line end or else white space in them."""
    begin = 0
    while len(text) - begin > _PIECE:
        within = text[begin : begin + _PIECE]
        spaces = [found.end() for found in re.finditer(r"\n", within)] or [f.end() for f in re.finditer(r"\s", within)]
        end = spaces[-1] if spaces else _PIECE
        yield begin, within[:end]
        begin += end
    yield begin, text[begin:]


def merged(places: Sequence[Place]) -> list[tuple[Place, int, int]]:
    """Places that overlap as one, in order: the surest of each group (of equals the longest), and where all of it stands."""
    groups: list[list[Place]] = []
    end = 0
    for place in sorted(places, key=lambda place: (place.start, place.end)):
        if groups and place.start < end:
            groups[-1].append(place)
        else:
            groups.append([place])
        end = max(end, place.end)
    best = [min(group, key=lambda p: (-p.score, p.start - p.end, p.entity)) for group in groups]
    return [(one, group[0].start, max(p.end for p in group)) for one, group in zip(best, groups, strict=True)]
