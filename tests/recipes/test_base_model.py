"""The recipe of the small base model: what it reads, that it copies from the start, and that an ordinary folder comes out."""

from __future__ import annotations

import importlib
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

torch = pytest.importorskip("torch")

ROOT = Path(__file__).resolve().parent.parent.parent
RECIPES = ROOT / "recipes"
NAMES = ("draws", "names", "eateries", "texts", "network", "tokens", "pretrain")


@pytest.fixture(scope="module")
def base() -> Iterator[dict[str, ModuleType]]:
    """The scripts of the recipe, importable for these tests alone."""
    paths = [str(RECIPES / room) for room in ("demo", "world", "base")]
    sys.path[:0] = paths
    before = {name: sys.modules.pop(name, None) for name in NAMES}
    try:
        yield {name: importlib.import_module(name) for name in NAMES}
    finally:
        for path in paths:
            sys.path.remove(path)
        for name, module in before.items():
            sys.modules.pop(name, None)
            if module is not None:
                sys.modules[name] = module


@pytest.fixture(scope="module")
def documents(base: dict[str, ModuleType]) -> list[str]:
    return [base["texts"].document(base["draws"].Draws(0, "document", number)) for number in range(3_000)]


def test_the_same_draws_give_the_same_text(base: dict[str, ModuleType], documents: list[str]) -> None:
    again = [base["texts"].document(base["draws"].Draws(0, "document", number)) for number in range(50)]
    assert again == documents[:50]
    assert len(set(documents)) == len(documents)


def test_names_of_the_demo_are_in_no_text(base: dict[str, ModuleType], documents: list[str]) -> None:
    names, draws = base["names"], base["draws"].Draws("names of the demo")
    text = "\n".join(documents)
    for make in (names.place, names.district, names.person, names.street):
        made = {make(draws, demo=True) for _ in range(400)}
        assert all(names.held(name) for name in made)
        found = {name for name in made if f"[{name}]" in text or f": {name}\n" in text or f" {name}." in text}
        assert not found
    assert not names._of_the_desk().search(text)


def test_every_attribute_of_a_record_is_in_its_description(base: dict[str, ModuleType]) -> None:
    eateries, draws = base["eateries"], base["draws"].Draws("descriptions")
    for which in ("base", "train", "test"):
        said = eateries.phrases(which)
        for _ in range(300):
            values = eateries.record(draws)
            text = eateries.description(draws, values, which)
            for key, value in values.items():
                if key == "familyFriendly":
                    marks = [*said[f"families_{value}"], *said[f"families_too_{value}"]]
                    assert any(mark.lower() in text.lower() for mark in marks), text
                else:
                    assert value.lower() in text.lower(), (key, value, text)


def test_the_three_sets_of_phrases_share_none(base: dict[str, ModuleType]) -> None:
    kinds = ("heads", "food", "area", "near", "price", "rating", "went", "good", "bad", "other")
    sets = {which: base["eateries"].phrases(which) for which in ("base", "train", "test")}
    for kind in kinds:
        for one, other in (("base", "train"), ("base", "test"), ("train", "test")):
            assert not set(sets[one][kind]) & set(sets[other][kind]), (kind, one, other)


def test_it_copies_before_it_has_learnt_anything(base: dict[str, ModuleType]) -> None:
    """The pair of layers that is set by hand: random tokens, said twice, are found again."""
    network = base["network"]
    weights = {name: torch.zeros(shape) for name, shape in network.shapes(512).items()}
    network.start(weights, torch.Generator().manual_seed(0))
    twice = torch.randint(3, 512, (8, 40), generator=torch.Generator().manual_seed(1)).repeat(1, 2)
    said = network.forward(weights, twice, network.tables(torch.float32)).argmax(-1)
    assert (said[:, 40:-1] == twice[:, 41:]).float().mean() > 0.7


@pytest.fixture(scope="module")
def made(base: dict[str, ModuleType], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What two steps of training leave."""
    folder = tmp_path_factory.mktemp("model")
    texts = [base["texts"].document(base["draws"].Draws(0, "tokenizer", number)) for number in range(600)]
    base["pretrain"].Training(folder, base["tokens"].train(texts), [], 2).run()
    return folder


def test_a_training_goes_on_where_it_was_killed(base: dict[str, ModuleType], tmp_path: Path) -> None:
    tokens, training = base["tokens"], base["pretrain"].Training
    texts = [base["texts"].document(base["draws"].Draws(0, "tokenizer", number)) for number in range(300)]
    tokenizer = tokens.train(texts)
    first = training(tmp_path, tokenizer, [], 2)
    first.run()
    first._save()
    again = training(tmp_path, tokenizer, [], 3)
    assert again.step == 2
    assert torch.equal(again.master, first.master)
    again.run()
    assert again.step == 3


def test_a_word_has_one_spelling_wherever_it_stands(made: Path) -> None:
    from transformers import AutoTokenizer  # noqa: PLC0415 - costs seconds

    tokenizer = AutoTokenizer.from_pretrained(made, local_files_only=True)
    (alone,) = tokenizer(["Tase"], add_special_tokens=False)["input_ids"]
    for around in ("name[Tase]", "see Tase", "line\nTase", "(Tase)"):
        ids = tokenizer(around, add_special_tokens=False)["input_ids"]
        assert any(ids[at : at + len(alone)] == alone for at in range(len(ids))), around
        assert tokenizer.decode(ids) == around


def test_it_is_an_ordinary_folder_and_small(base: dict[str, ModuleType], made: Path) -> None:
    """transformers reads it, without being told anything, and computes what the hand-written network does."""
    from transformers import AutoModelForCausalLM, AutoTokenizer  # noqa: PLC0415 - costs seconds

    assert sum(path.stat().st_size for path in made.iterdir()) <= 16e6
    assert {path.name for path in made.iterdir()} == {
        *("chat_template.jinja", "config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json"),
    }
    model = AutoModelForCausalLM.from_pretrained(made, local_files_only=True, dtype=torch.float32)
    assert type(model).__name__ == "LlamaForCausalLM"
    tokenizer = AutoTokenizer.from_pretrained(made, local_files_only=True)
    values = base["eateries"].record(base["draws"].Draws("a place of the demo"), demo=True)
    ids = tokenizer(base["eateries"].bracketed(values), return_tensors="pt")["input_ids"]
    network = base["network"]
    weights = {name: value for name, value in model.state_dict().items() if name != "lm_head.weight"}
    with torch.no_grad():
        mine = network.forward(weights, ids, network.tables(torch.float32))
        theirs = model(ids).logits
    assert torch.allclose(mine, theirs, atol=1e-3)
    assert json.loads((made / "config.json").read_text())["dtype"] == "bfloat16"
