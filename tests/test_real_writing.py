"""Real data for what writes: the E2E challenge's restaurants, from the file to scores against many references."""

from __future__ import annotations

import csv
import gzip
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tiny_writer
from sacrebleu.metrics.bleu import BLEU

from adaptline.core import recipe as recipes
from adaptline.core.manifests import rows_of
from adaptline.core.run import run
from adaptline.core.sources import find_tasks
from adaptline.core.store import Store
from adaptline.evals.metrics.bleu import bleu
from adaptline.evals.tasks import Items, load_items

RealData = Callable[[str], Path]
TASK = """
name           = "describe"
files          = ["{file}"]
prompt         = "mr"
completion     = "ref"
one_per_prompt = true
metrics = [
    "rougeL", "chrf", {{ use = "bleu", case = "lower" }}, {{ use = "bleu", name = "cased_bleu", case = "cased" }},
    {{ use = "slots", said = {{ "familyFriendly[yes]" = ["family friendly"], "familyFriendly[no]" = ["not family friendly"] }} }},
]
"""


def tables(real_data: RealData, share: dict[str, float]) -> dict[str, Any]:
    """Dev set to splits, by what is to be described."""
    file = str(real_data("nlg_e2e/devset.csv.gz"))
    return {
        "raw": {"step": "ingest", "files": file, "prompt": "mr", "completion": "ref"},
        "parts": {"step": "split", "from": "raw", "by": "mr", "share": share},
    }


@pytest.fixture
def task(real_data: RealData, tmp_path: Path) -> Path:
    path = tmp_path / "tasks" / "describe.toml"
    path.parent.mkdir()
    path.write_text(TASK.format(file=real_data("nlg_e2e/testset_w_refs.csv.gz")))
    return path


def items(task: Path) -> Items:
    (found,) = find_tasks(task.name, task.parent)
    return load_items(found, "writer", [])


def test_no_record_is_described_in_two_splits(real_data: RealData, tmp_path: Path) -> None:
    found = tables(real_data, {"train": 0.8, "validation": 0.1, "test": 0.1})
    made = run(recipes.from_tables(found, "e2e", tmp_path), workers=1)
    store = Store.open(tmp_path / ".adaptline")
    splits: dict[str, set[str]] = {}
    count = 0
    for shard in rows_of(store.manifest(made[-1].key) or {}).shards:
        assert shard.split is not None
        chats, given = store.read(shard.text)["messages"].to_pylist(), store.read(shard.split)["split"].to_pylist()
        for chat, split in zip(chats, given, strict=True):
            assert [said["role"] for said in chat] == ["user", "assistant"]
            splits.setdefault(chat[0]["content"], set()).add(split)
        count += len(chats)
    assert (count, len(splits)) == (4672, 547)
    assert all(len(of) == 1 for of in splits.values())
    assert set().union(*splits.values()) == {"train", "validation", "test"}


def test_a_record_is_one_item_with_all_of_its_descriptions(task: Path, real_data: RealData) -> None:
    found = items(task)
    with gzip.open(real_data("nlg_e2e/testset_w_refs.csv.gz"), "rt", encoding="utf-8", newline="") as file:
        told: dict[str, list[str]] = {}
        for row in csv.DictReader(file):
            told.setdefault(row["mr"], []).append(row["ref"])
    assert (len(found.texts), sum(map(len, found.references))) == (630, 4693)
    assert dict(zip(found.texts, found.references, strict=True)) == told


@pytest.mark.parametrize(("case", "lower"), [("lower", True), ("cased", False)])
def test_a_person_s_text_against_the_others_has_sacrebleu_s_score(case: Any, lower: bool, task: Path) -> None:
    several = [accepted for accepted in items(task).references if len(accepted) > 1]
    predictions, references = [accepted[0] for accepted in several], [accepted[1:] for accepted in several]
    longest = max(map(len, references))
    streams: Any = [[given[i] if i < len(given) else None for given in references] for i in range(longest)]
    expected = BLEU(lowercase=lower).corpus_score(predictions, streams).score
    assert np.mean(bleu(predictions, references, case=case)) == pytest.approx(expected, abs=1e-8)
    assert 50 < expected < 80


@pytest.mark.slow
@pytest.mark.parametrize("base", ["tiny", "shipped"])
def test_the_whole_line(base: str, task: Path, real_data: RealData, root: Path, tmp_path: Path) -> None:
    """A few steps on a few records: not to write well, but for every number to be there and to be what it says."""
    folder = root / "recipes" / "base" / "model"
    if base == "tiny":
        folder = tiny_writer.write_base(tmp_path / "base", template=tiny_writer.TURNS, positions=1024)
    line = tables(real_data, {"train": 0.05, "validation": 0.02, "test": 0.93})
    method = {"use": "lora", "rank": 4}
    line["adapters"] = {"step": "train", "from": "parts", "base": str(folder), "epochs": 1, "method": method}
    line["scores"] = {
        "step": "evaluate",
        "from": "adapters",
        "tasks": [str(task)],
        "max_new_tokens": 16,
        "batch_size": 64,
    }
    made = run(recipes.from_tables(line, "e2e", tmp_path))
    report = json.loads((made[-1].path / "report.json").read_text())
    names = {"rougeL", "chrf", "bleu", "cased_bleu", "slots"}
    assert {name.removeprefix("describe.") for name in report["metrics"]} == names
    assert report["items"] == {"describe": 630}
    assert all(0 <= value <= 100 for value in report["metrics"].values())
    trained = json.loads((made[-2].path / "training.json").read_text())
    assert trained["rows"]["train"] > 100
    assert trained["losses"][-1] < trained["losses"][0]
