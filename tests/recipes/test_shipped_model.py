"""The small base that the project ships: an ordinary folder that copies names which it has never read."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

torch = pytest.importorskip("torch")

from adaptline.models.bases import kind_of  # noqa: E402 - as above
from adaptline.models.generating import write  # noqa: E402
from adaptline.models.runtime import deterministic  # noqa: E402
from adaptline.models.writer import PLAIN, Writer, load_writer  # noqa: E402

ROOT = Path(__file__).resolve().parents[2]
MODEL = ROOT / "recipes" / "base" / "model"
NAMES = ("draws", "names", "eateries")


@pytest.fixture(scope="module")
def eateries() -> Iterator[dict[str, ModuleType]]:
    paths = [str(ROOT / "recipes" / room) for room in ("demo", "world")]
    sys.path[:0] = paths
    before = {name: sys.modules.pop(name, None) for name in NAMES}
    try:
        yield {name: __import__(name) for name in NAMES}
    finally:
        for path in paths:
            sys.path.remove(path)
        for name, module in before.items():
            sys.modules.pop(name, None)
            if module is not None:
                sys.modules[name] = module


@pytest.fixture(scope="module")
def writer() -> Writer:
    return load_writer(MODEL)


def test_its_folder_is_small_and_says_what_it_is() -> None:
    assert sum(path.stat().st_size for path in MODEL.iterdir()) <= 16e6
    assert kind_of(MODEL) == "writer"
    config: dict[str, Any] = json.loads((MODEL / "config.json").read_text())
    assert config["dtype"] == "bfloat16"
    card = (MODEL / "README.md").read_text()
    for heading in ("What it is for", "What it is not", "What it has read", "Measured"):
        assert f"## {heading}" in card
    assert not list(MODEL.glob("*.py"))


def test_its_template_is_the_plain_one(writer: Writer) -> None:
    assert writer.template == PLAIN
    assert (writer.max_tokens, writer.ends) == (256, frozenset({2}))


def test_it_names_places_that_it_never_read(eateries: dict[str, ModuleType], writer: Writer) -> None:
    draws = eateries["draws"].Draws
    records = [eateries["eateries"].record(draws("shipped", number), demo=True) for number in range(24)]
    assert all(eateries["names"].held(values["name"]) for values in records)
    asked = [eateries["eateries"].bracketed(values) for values in records]
    with deterministic(1):
        prompts = [writer.prompt([{"role": "user", "content": text}]) for text in asked]
        said = [writer.said(found.tokens) for found in write(writer, prompts, max_new_tokens=96)]
    assert sum(values["name"] in text for values, text in zip(records, said, strict=True)) >= 23
