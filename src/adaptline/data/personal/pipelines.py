"""The folder of a spaCy pipeline: its language, and whether spaCy reads all of it without unpickling anything.

Knows spaCy's config.cfg (https://spacy.io/api/data-formats#config), its registered names and which of them keep their weights
otherwise than as pickles. Loads no pipeline. Imports spaCy, which takes a second: load this module late.
"""

from __future__ import annotations

import configparser
import json
from collections.abc import Iterator
from typing import Any

from spacy.util import load_config

from adaptline.core.sources import Folder
from adaptline.errors import UserError

# Parts of spaCy's own that are kept as JSON and msgpack.
_FACTORIES = frozenset(
    [
        "tok2vec",
        "tagger",
        "parser",
        "ner",
        "senter",
        "sentencizer",
        "attribute_ruler",
        "lemmatizer",
        "trainable_lemmatizer",
        "morphologizer",
        "entity_ruler",
        "span_ruler",
        "merge_entities",
    ]
)
# What these are built of, and what trains them. Not here: whatever wraps torch or another framework, whose weights are
# pickles; tokenizers of other packages, some of which unpickle a dictionary; and what loads another pipeline.
_REGISTERED = frozenset(
    [
        "spacy.Tok2Vec.v1",
        "spacy.Tok2Vec.v2",
        "spacy.Tok2VecListener.v1",
        "spacy.HashEmbedCNN.v1",
        "spacy.HashEmbedCNN.v2",
        "spacy.MultiHashEmbed.v1",
        "spacy.MultiHashEmbed.v2",
        "spacy.CharacterEmbed.v1",
        "spacy.CharacterEmbed.v2",
        "spacy.MaxoutWindowEncoder.v1",
        "spacy.MaxoutWindowEncoder.v2",
        "spacy.MishWindowEncoder.v1",
        "spacy.MishWindowEncoder.v2",
        "spacy.Tagger.v1",
        "spacy.Tagger.v2",
        "spacy.TransitionBasedParser.v1",
        "spacy.TransitionBasedParser.v2",
        "spacy.PretrainCharacters.v1",
        "spacy.PretrainVectors.v1",
        "spacy.Tokenizer.v1",
        "spacy.ja.JapaneseTokenizer",
        "spacy.Vectors.v1",
        "spacy.LookupsDataLoader.v1",
        "spacy.attribute_ruler_scorer.v1",
        "spacy.entity_ruler_scorer.v1",
        "spacy.lemmatizer_scorer.v1",
        "spacy.morphologizer_scorer.v1",
        "spacy.ner_scorer.v1",
        "spacy.overlapping_labeled_spans_scorer.v1",
        "spacy.parser_scorer.v1",
        "spacy.senter_scorer.v1",
        "spacy.tagger_scorer.v1",
        "spacy.levenshtein_compare.v1",
        "spacy.first_longest_spans_filter.v1",
        "spacy.prioritize_existing_ents_filter.v1",
        "spacy.prioritize_new_ents_filter.v1",
        "spacy.Corpus.v1",
        "spacy.JsonlCorpus.v1",
        "spacy.PlainTextCorpus.v1",
        "spacy.read_labels.v1",
        "spacy.batch_by_padded.v1",
        "spacy.batch_by_sequence.v1",
        "spacy.batch_by_words.v1",
        "spacy.combined_augmenter.v1",
        "spacy.lower_case.v1",
        "spacy.orth_variants.v1",
        "spacy.ConsoleLogger.v1",
        "spacy.ConsoleLogger.v2",
        "spacy.ConsoleLogger.v3",
        "Adam.v1",
        "RAdam.v1",
        "SGD.v1",
        "compounding.v1",
        "constant.v1",
        "constant_then.v1",
        "cyclic_triangular.v1",
        "decaying.v1",
        "slanted_triangular.v1",
        "warmup_linear.v1",
    ]
)
_UNREADABLE = (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError, configparser.Error)


def language_of(model: Folder) -> str:
    """The language of a pipeline, by its ISO code.

    Raises:
        UserError: the folder holds no pipeline, or one of which a part is not spaCy's own or would be unpickled.
    """
    try:
        language = str(json.loads((model.path / "meta.json").read_bytes())["lang"])
        # As spaCy reads it, with its ways to write the same; this parses, and calls nothing of what it names.
        config = load_config(model.path / "config.cfg", interpolate=True)
        foreign = next(_foreign(config), None)
    except _UNREADABLE as error:
        do = "Name the folder of a spaCy pipeline, with its meta.json and config.cfg, or package:en_core_web_sm."
        raise UserError(f"model = {model.name!r}, which is no pipeline of spaCy", do=do) from error
    if foreign is not None:
        what = f"model = {model.name!r}, of which a part ({foreign}) is not spaCy's own, or would be unpickled"
        raise UserError(what, do="Name a pipeline without transformers or torch, such as package:en_core_web_sm.")
    return language


def _foreign(config: dict[str, Any]) -> Iterator[str]:
    """What of a configuration may be unpickled. Raises KeyError or TypeError where it lacks what every pipeline has."""
    # Without a name of its own it would be the language's, and Chinese and Vietnamese have one of another package.
    if (tokenizer := str(config["nlp"]["tokenizer"]["@tokenizers"])) not in _REGISTERED:
        yield tokenizer
    for name, component in config["components"].items():
        if "source" in component or "factory" not in component:  # another folder's, which nobody has looked at
            yield str(component.get("source", name))
    yield from _unknown("", config)


def _unknown(key: str, value: Any) -> Iterator[str]:
    """Names of factories and registered functions that are not on the lists, and variables that are left: anywhere."""
    known = _FACTORIES if key == "factory" else _REGISTERED if key.startswith("@") else None
    if (known is not None and str(value) not in known) or (isinstance(value, str) and "${" in value):
        yield str(value)
    elif isinstance(value, dict):
        for name, inner in value.items():
            yield from _unknown(name, inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _unknown("", inner)
