"""Folders of spaCy pipelines: which are read without unpickling, in whatever way their configuration is written."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("presidio_analyzer")

import spacy
from spacy.util import load_config

from adaptline.core.sources import Folder, find_folder
from adaptline.data.personal import pipelines
from adaptline.errors import UserError

TORCH = "spacy.TorchBiLSTMEncoder.v1"
ENCODER = '@architectures = "spacy.MaxoutWindowEncoder.v2"'
# The same in other words of configparser's and JSON's: what is written, and instead of what; which part it names.
SPELLINGS = [
    (ENCODER, f'@architectures = "{TORCH}"', TORCH),
    (ENCODER, f'@architectures : "{TORCH}"', TORCH),
    (ENCODER, f'@architectures="{TORCH}"', TORCH),
    (ENCODER, f'@architectures =\n  "{TORCH}"', TORCH),
    (ENCODER, f"@architectures = {TORCH}", TORCH),
    (ENCODER, '@architectures = "spacy.\\u0054orchBiLSTMEncoder.v1"', TORCH),
    (ENCODER, "@architectures = ${paths.train}", TORCH),
    (ENCODER, "@architectures = ${paths:train}", TORCH),
    (ENCODER, '@architectures = "spacy.${system.gpu_allocator}BiLSTMEncoder.v1"', TORCH),
    (ENCODER, '@layers : "PyTorchWrapper.v3"', "PyTorchWrapper.v3"),
    (ENCODER, '@architectures : "spacy-curated-transformers.XlmrTransformer.v1"', "spacy-curated-transformers.Xlm"),
    ("hidden_width = 8", f'hidden_width = {{"@architectures": "{TORCH}"}}', TORCH),
    ("hidden_width = 8", f'hidden_width = [8, {{"@architectures": "{TORCH}"}}]', TORCH),
    ("hidden_width = 8", 'hidden_width = "$${paths.train}"', '"${paths.train}"'),
    ('factory = "ner"', 'factory : "transformer"', "transformer"),
    ('factory = "ner"', 'factory =\n  "transformer"', "transformer"),
    ('factory = "ner"', "factory = ${paths.dev}", "transformer"),
    ('factory = "ner"', 'factory = ["transformer"]', "['transformer']"),
    ('factory = "ner"', 'source = "/another/pipeline"', "/another/pipeline"),
    ('factory = "ner"', 'FACTORY = "ner"', "ner"),
    ("before_creation = null", 'before_creation = {"@callbacks": "of.another.package"}', "of.another.package"),
    ('@tokenizers = "spacy.Tokenizer.v1"', '@tokenizers : "spacy.zh.ChineseTokenizer"', "spacy.zh.ChineseTokenizer"),
]


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The configuration of a pipeline that spaCy made, with a network of its own, and of which a name is torch's."""
    pipeline = spacy.blank("en")
    embed = {"@architectures": "spacy.MultiHashEmbed.v2", "width": 8, "attrs": ["NORM"], "rows": [50]}
    encode = {"@architectures": "spacy.MaxoutWindowEncoder.v2", "width": 8, "depth": 1}
    model = {
        "@architectures": "spacy.TransitionBasedParser.v2",
        "state_type": "ner",
        "extra_state_tokens": False,
        "hidden_width": 8,
        "maxout_pieces": 2,
        "tok2vec": {
            "@architectures": "spacy.Tok2Vec.v2",
            "embed": {**embed, "include_static_vectors": False},
            "encode": {**encode, "window_size": 1, "maxout_pieces": 2},
        },
    }
    pipeline.add_pipe("ner", config={"model": model}).add_label("PERSON")
    pipeline.initialize()
    folder = tmp_path_factory.mktemp("made")
    pipeline.to_disk(folder)
    text = (folder / "config.cfg").read_text()
    for name, value in (("train", TORCH), ("dev", "transformer")):
        text = text.replace(f"\n{name} = null", f'\n{name} = "{value}"', 1)
    return text.replace("gpu_allocator = null", 'gpu_allocator = "Torch"', 1)


def folder_of(path: Path, config: str, meta: str = '{"lang": "en"}') -> Folder:
    (path / "meta.json").write_text(meta)
    (path / "config.cfg").write_text(config)
    return find_folder(str(path), path.parent)


def test_a_pipeline_of_spacys_own_parts_is_taken_by_its_language(config: str, tmp_path: Path) -> None:
    assert pipelines.language_of(folder_of(tmp_path, config)) == "en"
    assert pipelines.language_of(folder_of(tmp_path, config.replace('factory = "ner"', 'factory:\n  "ner"'))) == "en"


@pytest.mark.parametrize(("instead_of", "written", "part"), SPELLINGS, ids=[written for _, written, _ in SPELLINGS])
def test_what_would_be_unpickled_is_refused_however_it_is_written(
    config: str, tmp_path: Path, instead_of: str, written: str, part: str
) -> None:
    assert instead_of in config
    folder = folder_of(tmp_path, config.replace(instead_of, written, 1))
    assert part in repr(load_config(folder.path / "config.cfg", interpolate=True))  # spaCy reads what is meant
    with pytest.raises(UserError, match="is not spaCy's own, or would be unpickled") as caught:
        pipelines.language_of(folder)
    assert f"of which a part ({part}" in caught.value.what


def test_a_tokenizer_that_is_not_named_is_refused(config: str, tmp_path: Path) -> None:
    """It would be the language's, and Chinese has one of another package."""
    for written in (config.replace('@tokenizers = "spacy.Tokenizer.v1"', ""), config.replace("[nlp", "[other")):
        with pytest.raises(UserError, match="no pipeline of spaCy"):
            pipelines.language_of(folder_of(tmp_path, written))


@pytest.mark.parametrize(
    "written",
    ["", "no section", "[nlp]\n[nlp]", "[a]\nx = ${b.y}", "[a]\nx = ${a}", "[a]\nx = $", "[nlp]\n[components]\na = 1"],
)
def test_a_configuration_that_cannot_be_read_is_told(tmp_path: Path, written: str) -> None:
    with pytest.raises(UserError, match="no pipeline of spaCy") as caught:
        pipelines.language_of(folder_of(tmp_path, written))
    assert "config.cfg" in caught.value.do


@pytest.mark.parametrize("meta", ["", "[]", "{}", "\xff"])
def test_a_pipeline_without_a_language_is_told(config: str, tmp_path: Path, meta: str) -> None:
    with pytest.raises(UserError, match="no pipeline of spaCy"):
        pipelines.language_of(folder_of(tmp_path, config, meta))
