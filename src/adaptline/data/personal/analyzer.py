"""Presidio's recognisers without its models and without a network: which places of a text they take for personal data.

Knows presidio-analyzer (https://microsoft.github.io/presidio) and spaCy, and which parts of them would fetch something:
models of languages, in whose stead stand blank pipelines, and the list of public suffixes, of which the copy inside tldextract
is read. Knows nothing of what is put in a place's stead. Imports presidio, which takes a second: load this module late.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Collection, Mapping, Sequence
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
_OVERLAP = 300  # what two pieces share: longer than what is found, with the words beside it that tell what it is
_EDGE = _OVERLAP // 4  # so near to where a piece is cut, what is found may be a piece of something else
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
            text: any text; a long one is looked at in pieces that overlap.
            least: how sure it must be.
            wanted: entities; recognisers of others are not asked, of which that of URLs is the slowest of all.
        """
        found: dict[tuple[int, int, str], float] = {}
        pieces = _pieces(text)
        for number, (begin, end) in enumerate(pieces):
            before = pieces[number - 1][1] if number else 0
            after = pieces[number + 1][0] if number + 1 < len(pieces) else len(text)
            for language in self.words.pipelines:
                for one in self._places(text[begin:end], language, least, wanted):
                    at = one.start + begin, one.end + begin, one.entity
                    if not _is_left(at[0], at[1], (begin, end), before, after):
                        found[at] = max(one.score, found.get(at, 0))
        return [Place(entity, start, stop, score) for (start, stop, entity), score in sorted(found.items())]

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


def _pieces(text: str) -> list[tuple[int, int]]:
    """(begin, end): as long as they may be, each with the end of the one before. Cut behind a line end or else white space."""
    pieces = []
    begin = 0
    while len(text) - begin > _PIECE:
        end = _cut(text, begin + _PIECE - _OVERLAP, begin + _PIECE)
        pieces.append((begin, end))
        begin = _cut(text, end - _OVERLAP - _EDGE, end - _OVERLAP)
    return [*pieces, (begin, len(text))]


def _cut(text: str, low: int, high: int) -> int:
    """Behind the last line end between two places, or else behind the last white space, or else at the second place."""
    if line := text.rfind("\n", low, high) + 1:
        return line
    spaces = [found.end() for found in re.finditer(r"\s", text[low:high])]
    return low + spaces[-1] if spaces else high


def _is_left(start: int, stop: int, piece: tuple[int, int], before: int, after: int) -> bool:
    """Whether a place is left to the neighbour of its piece: it may be cut here, and the neighbour sees more around it.

    Args:
        start: where it begins.
        stop: where it ends.
        piece: where its piece begins and ends.
        before: where the piece before ends.
        after: where the piece behind begins.
    """
    begin, end = piece
    by_the_next = after < end and stop > end - _EDGE and start >= after + 2 * _EDGE
    return by_the_next or (begin < before and start < begin + _EDGE and stop <= before - 2 * _EDGE)


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
