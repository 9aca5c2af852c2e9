"""masked_lm: substitutes that the model finds likely where they stand, what is never replaced, and whole recipes."""

from __future__ import annotations

import random
import sys
from pathlib import Path
from typing import Any

import lines
import pytest
import tiny_filler

import adaptline as al
from adaptline.core import recipe as recipes
from adaptline.core.run import run
from adaptline.core.sources import Folder, find_folder
from adaptline.core.store import Store
from adaptline.data import english
from adaptline.data.passages import Draws, Passage
from adaptline.models.augments.masked_lm import masked_lm

OF = {word: name for name, group in tiny_filler.GROUPS.items() for word in group}


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Folder:
    folder = tmp_path_factory.mktemp("bases")
    tiny_filler.write_filler(folder / "fills", steps=300)
    return find_folder("fills", folder)


def said(base: Folder, *texts: str, protected: tuple[str, ...] = (), **given: Any) -> list[str]:
    passages = [Passage(text, Draws(number), protected) for number, text in enumerate(texts)]
    return masked_lm(passages, base=base, **given)


def sentences(count: int) -> list[str]:
    chance = random.Random(1)  # noqa: S311 - not for secrets
    return [tiny_filler.sentence(chance) for _ in range(count)]


def changes(old: str, new: str) -> list[tuple[str, str]]:
    return [pair for pair in zip(old.split(), new.split(), strict=True) if pair[0] != pair[1]]


def test_substitutes_are_words_that_the_model_finds_likely_there(base: Folder) -> None:
    texts = sentences(200)
    pairs = [pair for old, new in zip(texts, said(base, *texts, rate=0.5), strict=True) for pair in changes(old, new)]
    assert len(pairs) > 250
    fitting = [old in OF and OF[old] == OF.get(new) for old, new in pairs]
    assert sum(fitting) / len(pairs) > 0.97  # by chance one in eight would be
    assert {new for _, new in pairs} >= {"dog", "cat", "meat", "bread", "kitchen", "truck", "green", "finds"}
    assert not {new for _, new in pairs} & english.CLOSED


def test_a_text_becomes_the_same_whoever_stands_beside_it(base: Folder) -> None:
    texts = sentences(30)
    passages = [Passage(text, Draws(text)) for text in texts]
    together = masked_lm(passages, base=base, rate=0.5)
    alone = [masked_lm([Passage(text, Draws(text))], base=base, rate=0.5)[0] for text in texts]
    assert together == alone
    again = masked_lm([Passage(text, Draws(text)) for text in reversed(texts)], base=base, rate=0.5)
    assert again == together[::-1]
    assert masked_lm([Passage(text, Draws("other", text)) for text in texts], base=base, rate=0.5) != together
    assert masked_lm([], base=base) == []


@pytest.mark.parametrize(
    "text",
    [
        "ask the Dog , the CAT and Horse Anna",
        "`the dog eats some meat` and ```\nthe red van\n```",
        "https://dog.example/cat dog@cat.example dog_cat <DOG>",
        "where is my ( and in the for",
        "12 345 dog1 1,000",
        "dog-cat cat/dog the dog's",
        "\u043d\u0430 \u4e2d\u6587 \u0627\u0644",
        "",
        " \n",
    ],
)
def test_what_never_changes(base: Folder, text: str) -> None:
    unknown = "\u043d\u0430"  # a word that the model does not know may change; it is kept here
    assert said(base, text, rate=1.0, min_probability=0.001, keep=[unknown, "ask", "where"]) == [text]


def test_label_references_and_kept_words_stay(base: Folder) -> None:
    text = "please wash the red van and feed the dog ."
    (new,) = said(base, text, rate=1.0, protected=("Red Van", "feed"), keep=["please", "Wash"])
    assert {old for old, _ in changes(text, new)} <= {"wash", "dog"}
    assert new.split()[-2] in tiny_filler.GROUPS["animal"]
    kept = said(base, *[text] * 20, rate=1.0, keep=["Horse", "goat"])
    assert {one.split()[8] for one in kept} == {"cat"}


def test_case_is_kept(base: Folder) -> None:
    found = {one.split()[0] for one in said(base, *["Dog steals bread ."] * 20, rate=1.0)}
    assert found <= {"Dog", "Cat", "Horse", "Goat"}
    assert len(found) > 1


def test_how_many_and_how_likely(base: Folder) -> None:
    texts = sentences(60)
    assert said(base, *texts, rate=0.0) == texts
    assert said(base, *texts, min_probability=1.0) == texts
    few = [len(changes(old, new)) for old, new in zip(texts, said(base, *texts, rate=0.001), strict=True)]
    assert set(few) == {0, 1}
    one = said(base, *texts, rate=1.0, top=1)
    several = said(base, *texts, rate=1.0)
    kinds = [
        {pair for old, new in zip(texts, made, strict=True) for pair in changes(old, new)} for made in (one, several)
    ]
    assert len(kinds[0]) < len(kinds[1])


def test_a_text_longer_than_the_model_reads_changes_all_along(base: Folder) -> None:
    text = " ".join(sentences(40))
    (new,) = said(base, text, rate=0.5, max_tokens=12)
    at = [place for place, pair in enumerate(zip(text.split(), new.split(), strict=True)) if pair[0] != pair[1]]
    assert at[0] < 30
    assert at[-1] > len(text.split()) - 30
    fitting = [OF.get(old, old) == OF.get(put) for old, put in changes(text, new)]
    assert len(fitting) > 40
    assert sum(fitting) > 0.6 * len(fitting)  # also where a sentence is cut; by chance one in eight would be


def recipe(folder: Path, base: str, given: str = "") -> Path:
    text = '[raw]\nstep = "ingest"\nfiles = "*.jsonl"\n[more]\nstep = "augment"\nfrom = "raw"\n'
    (folder / "recipe.toml").write_text(f'{text}do = [{{ use = "masked_lm", base = "{base}", share = 1.0{given} }}]\n')
    return folder / "recipe.toml"


def test_a_recipe_makes_children_and_the_model_is_part_of_the_key_by_its_content(base: Folder, tmp_path: Path) -> None:
    lines.write(tmp_path / "a.jsonl", [{"text": text} for text in [*sentences(20), "12 34"]])

    def made(path: Path) -> dict[str, Any]:
        artifact = run(recipes.read(path), store=tmp_path / "store")[-1]
        manifest = Store.open(tmp_path / "store").manifest(artifact.key)
        assert manifest is not None
        return manifest

    first = made(recipe(tmp_path, str(base.path)))
    (story,) = first["detail"]["augmenters"]
    assert story["asked"] == 21
    assert 15 < story["made"] == 21 - story["refused"]["copy"]
    moved = tmp_path / "moved"
    moved.mkdir()
    for path in base.path.iterdir():
        (moved / path.name).write_bytes(path.read_bytes())
    assert made(recipe(tmp_path, "moved"))["key"] == first["key"]
    assert made(recipe(tmp_path, "moved", ", top = 1"))["key"] != first["key"]


@pytest.mark.parametrize(
    ("given", "told"),
    [
        (", rate = 1.5", "rate of masked_lm must be a number from 0 to 1"),
        (", top = 0", "top of masked_lm must be"),
        (", min_probability = 0.0", "min_probability of masked_lm must be a number above 0 to 1"),
        (', keep = ["two words"]', "keep of masked_lm must be"),
        (", max_tokens = 33", "max_tokens = 33, and the base takes at most 32"),
    ],
)
def test_mistakes_are_told_before_any_work(base: Folder, tmp_path: Path, given: str, told: str) -> None:
    lines.write(tmp_path / "a.jsonl", [{"text": "the dog"}])
    with pytest.raises(al.UserError, match=told):
        al.plan(recipe(tmp_path, str(base.path), given))


def test_without_torch_it_is_told_before_any_work_how_to_get_it(
    base: Folder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines.write(tmp_path / "a.jsonl", [{"text": "the dog"}])
    monkeypatch.setitem(sys.modules, "torch", None)  # as if it were not there
    with pytest.raises(al.UserError, match="a need of torch, which is not installed") as told:
        al.plan(recipe(tmp_path, str(base.path)))
    assert told.value.do == "pip install 'adaptline[train]'"
