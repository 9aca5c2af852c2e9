"""Marian models from folders. They are random here: what is held is form; the trained one is in test_trained_marian."""

from __future__ import annotations

import json
import random
import shutil
import sys
from pathlib import Path

import pytest
import tiny_translator

from adaptline.data.gates import Bounds
from adaptline.data.passages import Draws, Passage, Refused
from adaptline.errors import UserError
from adaptline.models.augments.back_translate import there_and_back
from adaptline.models.translators.marian import ROWS, Marian, _load
from adaptline.models.translators.marian_folder import refuse_misfit

WORDS = [
    "the",
    "old",
    "cat",
    "and",
    "a",
    "small",
    "dog",
    "saw",
    "one",
    "red",
    "house",
    "by",
    "some",
    "green",
    "river",
    "today",
]
TEXTS = [" ".join(WORDS[(number * step) % 16] for step in range(1, 2 + number % 9)) + "." for number in range(60)]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_translator.write_model(tmp_path_factory.mktemp("marian") / "model", TEXTS)


def marian(folder: Path, beams: int = 1) -> Marian:
    return Marian({("en", "sv"): folder}, beams)


def test_a_text_has_one_translation_whatever_else_is_translated(folder: Path) -> None:
    whole = dict(zip(TEXTS, marian(folder).translate(TEXTS, "en", "sv"), strict=True))
    assert len(set(whole.values())) > ROWS
    for seed in range(3):
        some = random.Random(seed).sample(TEXTS, 25)  # noqa: S311 - no secret
        assert marian(folder).translate(some, "en", "sv") == [whole[text] for text in some]
    assert marian(folder).translate(TEXTS[:1], "en", "sv") == [whole[TEXTS[0]]]
    assert marian(folder).translate([], "en", "sv") == []


def test_beams_find_other_texts_and_are_as_stable(folder: Path) -> None:
    found = marian(folder, beams=3).translate(TEXTS[:20], "en", "sv")
    assert found != marian(folder).translate(TEXTS[:20], "en", "sv")
    assert marian(folder, beams=3).translate(TEXTS[5:9], "en", "sv") == found[5:9]


def test_what_is_drawn_depends_on_the_text_its_salt_and_the_temperature(folder: Path) -> None:
    def drawn(salts: list[int], temperature: float = 1.0) -> list[str | None]:
        return Marian({("en", "sv"): folder}, temperature=temperature).translate(TEXTS[: len(salts)], "en", "sv", salts)

    found = drawn(list(range(20)))
    assert drawn(list(range(20))) == found
    assert drawn([0, 1, 2, 99])[:3] == found[:3]
    assert drawn([0, 1, 2, 99])[3] != found[3]
    assert found != marian(folder).translate(TEXTS[:20], "en", "sv")
    assert drawn(list(range(20)), 1e-9) == marian(folder).translate(TEXTS[:20], "en", "sv")


def test_a_text_that_is_longer_than_the_models_positions_is_translated_in_parts(folder: Path) -> None:
    long = " ".join(WORDS * 40)
    model = _load(folder, "en", "sv")
    parts = model.fitting(long)
    assert len(parts) > 1
    assert " ".join(parts) == long
    assert all(len(tokens) <= model.most_tokens for tokens in model.tokens(parts))
    said = [one or "" for one in marian(folder).translate(parts, "en", "sv")]
    assert all(said)
    assert marian(folder).translate([long], "en", "sv") == [" ".join(said)]


def test_a_word_that_is_longer_than_the_models_positions_is_no_translation(folder: Path) -> None:
    model = _load(folder, "en", "sv")
    word = "x" * 4000
    whole, other = marian(folder).translate([f"a {word} cat", TEXTS[0]], "en", "sv")
    assert whole is None
    assert [other] == marian(folder).translate(TEXTS[:1], "en", "sv")
    dense = "?" * (model.most_tokens - 1)  # fewer characters than positions, and more tokens
    assert len(dense) < model.most_tokens < len(model.tokens([dense])[0])
    assert marian(folder).translate([dense], "en", "sv") == [None]
    assert len(model.fitting(" ".join([dense[:60], dense[60:]]))) == 2


def test_a_text_that_does_not_fit_is_refused_by_a_gate_of_back_translation(folder: Path) -> None:
    word = "x" * (_load(folder, "en", "sv").most_tokens - 1)
    found = there_and_back([Passage(word, Draws(0))], marian(folder), "en", "sv", Bounds(0, 1, 0, 100), ())
    assert found == [Refused("too_long", word)]


def test_a_model_with_several_targets_is_told_which(tmp_path: Path) -> None:
    codes = (">>swe<<", ">>dan<<")
    folder = tiny_translator.write_model(tmp_path / "model", TEXTS, target="nordic", codes=codes)
    swedish = marian(folder).translate(TEXTS, "en", "sv")
    assert swedish != Marian({("en", "da"): folder}).translate(TEXTS, "en", "da")
    with pytest.raises(UserError, match="does not translate to 'fr'") as caught:
        Marian({("en", "fr"): folder}).translate(TEXTS, "en", "fr")
    assert ">>dan<<, >>swe<<" in caught.value.do


def test_what_is_no_marian_model_for_these_languages_is_told(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"no model: no config\.json"):
        refuse_misfit(tmp_path, "en", "sv")
    with pytest.raises(UserError, match="translates source 'en', and 'sv' is asked for"):
        refuse_misfit(folder, "sv", "en")
    with pytest.raises(UserError, match="translates target 'sv', and 'es' is asked for"):
        refuse_misfit(folder, "en", "es")
    (tmp_path / "config.json").write_text('{"model_type": "t5"}')
    with pytest.raises(UserError, match="a t5 model, not a Marian model"):
        refuse_misfit(tmp_path, "en", "sv")
    with pytest.raises(UserError, match="no model from 'sv' to 'en' is given"):
        marian(folder).translate(TEXTS, "sv", "en")


def broken(folder: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(folder, tmp_path / "broken"))


def test_the_folders_own_settings_of_generation_count_for_nothing(folder: Path, tmp_path: Path) -> None:
    other = broken(folder, tmp_path)
    told = json.loads((other / "generation_config.json").read_text())
    told |= {"num_beams": 4, "repetition_penalty": 9.0, "max_length": 5, "no_repeat_ngram_size": 1}
    (other / "generation_config.json").write_text(json.dumps(told))
    assert marian(other).translate(TEXTS[:20], "en", "sv") == marian(folder).translate(TEXTS[:20], "en", "sv")


def test_weights_that_could_run_code_are_refused(folder: Path, tmp_path: Path) -> None:
    other = broken(folder, tmp_path)
    (other / "model.safetensors").rename(other / "pytorch_model.bin")
    with pytest.raises(UserError, match="no weights in safetensors format"):
        marian(other).translate(TEXTS, "en", "sv")


def test_a_folder_without_a_tokenizer_is_refused(folder: Path, tmp_path: Path) -> None:
    other = broken(folder, tmp_path)
    (other / "tokenizer.json").unlink()
    with pytest.raises(UserError, match="no tokenizer"):
        marian(other).translate(TEXTS, "en", "sv")


def test_another_models_tokenizer_is_refused(folder: Path, tmp_path: Path) -> None:
    other = tiny_translator.write_model(tmp_path / "other", TEXTS, vocabulary=60)
    for name in ("tokenizer.json", "tokenizer_config.json"):
        shutil.copy(folder / name, other / name)
    assert json.loads((other / "config.json").read_text())["vocab_size"] == 60
    with pytest.raises(UserError, match="do not belong together"):
        marian(other).translate(TEXTS, "en", "sv")


def write_pieces(folder: Path) -> Path:
    """The folder's model with the tokenizer that Marian's own models have: two SentencePiece models and a vocabulary."""
    pieces = pytest.importorskip("sentencepiece", reason="pip install sentencepiece")
    vocabulary: dict[str, int] = {"</s>": 0, "<unk>": 1, "<pad>": 2}
    for side in ("source", "target"):
        with (folder / f"{side}.spm").open("wb") as file:
            pieces.SentencePieceTrainer.train(
                sentence_iterator=iter(TEXTS), model_writer=file, vocab_size=36, minloglevel=2, num_threads=1
            )
        model = pieces.SentencePieceProcessor(model_file=str(folder / f"{side}.spm"))
        for number in range(model.get_piece_size()):
            vocabulary.setdefault(model.id_to_piece(number), len(vocabulary))
    for number in range(len(vocabulary), json.loads((folder / "config.json").read_text())["vocab_size"]):
        vocabulary[f"\u2581w{number}"] = number
    (folder / "tokenizer.json").unlink()
    (folder / "vocab.json").write_text(json.dumps(vocabulary))
    told = {"tokenizer_class": "MarianTokenizer", "source_lang": "en", "target_lang": "sv", "model_max_length": 128}
    (folder / "tokenizer_config.json").write_text(json.dumps(told))
    return folder


def test_the_tokenizer_of_marians_own_models_is_read(folder: Path, tmp_path: Path) -> None:
    other = write_pieces(broken(folder, tmp_path))
    model = _load(other, "en", "sv")
    assert type(model.tokenizer).__name__ == "MarianTokenizer"
    ids = model.tokens(["the old cat."])[0]
    assert ids[-1] == model.model.config.eos_token_id
    assert model.tokenizer.decode(ids, skip_special_tokens=True) == "the old cat."
    found = marian(other).translate(TEXTS, "en", "sv")
    assert marian(other).translate(TEXTS[7:9], "en", "sv") == found[7:9]


def test_marians_own_tokenizer_without_its_library_is_told(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = broken(folder, tmp_path)
    (other / "tokenizer.json").unlink()
    (other / "source.spm").write_bytes(b"")
    monkeypatch.setitem(sys.modules, "sentencepiece", None)
    with pytest.raises(UserError, match="needs sentencepiece, which is not installed") as caught:
        marian(other).translate(TEXTS, "en", "sv")
    assert "adaptline[translate]" in caught.value.do
