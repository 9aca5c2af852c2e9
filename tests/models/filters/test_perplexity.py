"""Perplexity against a plain loop over each text, whatever is computed beside it."""

from __future__ import annotations

import json
import math
import shutil
from pathlib import Path
from typing import Any

import pytest
import tiny_writer
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer, GPT2Config, GPT2LMHeadModel

import adaptline as al
from adaptline.core.sources import Folder, find_folder
from adaptline.models.filters.perplexity import perplexity

TEXTS = [
    "the red door is red",
    "",
    "the blue cat",
    "x",
    "Gr\u00f6\u00dfe \u4f60\u597d \U0001f600",
    "the black wall is black " * 40,  # longer than the 96 positions
    "zq;)=!" * 30,
]


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Folder:
    folder = tiny_writer.write_base(tmp_path_factory.mktemp("bases") / "writing")
    return find_folder(folder.name, folder.parent)


def plainly(base: Folder, text: str, room: int, stride: int) -> float | None:
    """By definition: one text, one token after another, each after what its window has before it."""
    model: Any = AutoModelForCausalLM.from_pretrained(base.path, dtype=torch.float32)  # in evaluation mode
    tokenizer = AutoTokenizer.from_pretrained(base.path)
    tokens = [tokenizer.bos_token_id, *tokenizer(text, add_special_tokens=False)["input_ids"]]
    total = 0.0
    for at in range(1, len(tokens)):
        end = min(room, len(tokens))
        while end <= at:
            end = min(end + stride, len(tokens))
        before = tokens[max(0, end - room) : at]
        with torch.inference_mode():
            logits = model(input_ids=torch.tensor([before])).logits[0, -1]
        total -= float(torch.log_softmax(logits.double(), 0)[tokens[at]])
    return math.exp(total / (len(tokens) - 1)) if len(tokens) > 1 else None


@pytest.mark.parametrize(("max_tokens", "stride"), [(None, None), (32, 8), (7, 6), (96, 1)])
def test_it_is_the_perplexity_by_definition(base: Folder, max_tokens: int | None, stride: int | None) -> None:
    room = max_tokens or 96
    wanted = [plainly(base, text, room, stride or room // 2) for text in TEXTS]
    assert perplexity(TEXTS, base=base, max_tokens=max_tokens, stride=stride) == [
        one if one is None else pytest.approx(one, rel=2e-5) for one in wanted
    ]
    assert wanted[1] is None


def test_no_texts(base: Folder) -> None:
    assert perplexity([], base=base) == []


def recipe(folder: Path, base: Folder, use: str) -> Path:
    lines = [{"text": text} for text in TEXTS if text]
    (folder / "a.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    text = '[raw]\nstep = "ingest"\nfiles = "a.jsonl"\n[clean]\nstep = "curate"\nfrom = "raw"\n'
    (folder / "recipe.toml").write_text(text + f'do = [{{ use = "perplexity", base = "{base.path}", {use} }}]\n')
    return folder / "recipe.toml"


def test_a_recipe_drops_by_it_and_moving_the_bound_runs_no_model(base: Folder, tmp_path: Path) -> None:
    scores = [score for score in perplexity(TEXTS, base=base) if score is not None]
    middle = sorted(scores)[3]
    al.run(recipe(tmp_path, base, f"max = {middle}"))
    assert "4 of 6 rows kept" in str(al.show(tmp_path / "recipe.toml", "clean"))
    al.run(recipe(tmp_path, base, f"max = {max(scores)}"))
    assert "6 of 6 rows kept" in str(al.show(tmp_path / "recipe.toml", "clean"))


@pytest.mark.parametrize(
    ("use", "told"),
    [
        ("max_tokens = 97", "max_tokens = 97, and the base takes at most 96"),
        ("stride = 96", "stride = 96 of 96 tokens"),
        ("max_tokens = 8, stride = 8", "stride = 8 of 8 tokens"),
        ("max_tokens = 1", "max_tokens of perplexity must be a whole number of at least 2"),
        ('keep = ["low"]', "perplexity gives numbers, keep does not fit"),
    ],
)
def test_mistakes_are_told_before_any_work(base: Folder, tmp_path: Path, use: str, told: str) -> None:
    with pytest.raises(al.UserError, match=told):
        al.plan(recipe(tmp_path, base, use))


@pytest.fixture
def gpt2(base: Folder, tmp_path: Path) -> Folder:
    """A base whose config.json calls the number of positions n_positions."""
    folder = Path(shutil.copytree(base.path, tmp_path / "gpt2"))
    config = GPT2Config(n_layer=1, n_head=2, n_embd=16, vocab_size=340, n_positions=64, bos_token_id=1, eos_token_id=2)
    torch.manual_seed(0)
    GPT2LMHeadModel(config).save_pretrained(folder)
    return find_folder(folder.name, folder.parent)


@pytest.mark.parametrize(
    ("use", "told"), [("max_tokens = 65", "the base takes at most 64"), ("stride = 64", "stride = 64 of 64 tokens")]
)
def test_positions_are_known_by_whatever_name_the_config_has(gpt2: Folder, tmp_path: Path, use: str, told: str) -> None:
    with pytest.raises(al.UserError, match=told):
        al.plan(recipe(tmp_path, gpt2, use))
    assert perplexity(TEXTS[:1], base=gpt2, stride=63) == [pytest.approx(plainly(gpt2, TEXTS[0], 64, 63), rel=2e-5)]


def test_windows_that_do_not_overlap_are_refused_also_where_only_the_tokenizer_says_how_many_tokens(
    gpt2: Folder, tmp_path: Path
) -> None:
    told = json.loads((gpt2.path / "tokenizer_config.json").read_text())
    (gpt2.path / "tokenizer_config.json").write_text(json.dumps(told | {"model_max_length": 32}))
    shorter = find_folder(gpt2.path.name, tmp_path)
    al.plan(recipe(tmp_path, shorter, "stride = 32"))
    with pytest.raises(al.UserError, match="stride = 32 of 32 tokens"):
        perplexity(TEXTS, base=shorter, stride=32)


def test_a_base_that_reads_only_is_refused(tmp_path: Path) -> None:
    (tmp_path / "reads").mkdir()
    (tmp_path / "reads" / "config.json").write_text('{"architectures": ["BertModel"]}')
    base = find_folder("reads", tmp_path)
    with pytest.raises(al.UserError, match="a base that reads only, and foretells nothing"):
        al.plan(recipe(tmp_path, base, "max = 9").rename(tmp_path / "other.toml"))
