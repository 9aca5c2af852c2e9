"""curate: the order of methods, verdicts with their reasons, views, costs."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import lines
import pytest

import adaptline as al
from adaptline.core import recipe as recipes
from adaptline.core import registry
from adaptline.core.history import History
from adaptline.core.rows import Ref, texts
from adaptline.core.run import run
from adaptline.core.store import Store
from adaptline.errors import RunError, UserError
from adaptline.web.gather import write_report

MINE = '''
import pyarrow as pa
import pyarrow.compute as pc

from adaptline import filter, transform


@filter(version=1)
def words(texts: list[str]) -> list[int]:
    """Words per text."""
    return [len(text.split()) for text in texts]


@filter(version=1)
def arrow(texts: pa.StringArray) -> pa.Array:
    """Characters per text."""
    return pc.utf8_length(texts)


@filter(version=1)
def place(rows: pa.Table) -> pa.StructArray:
    """The row's number, because of its file."""
    return pa.StructArray.from_arrays([rows["row"].combine_chunks(), rows["file"].combine_chunks()], ["score", "because"])


@filter(version=1, cost="high")
def costly(texts: list[str]) -> list[float]:
    """Counts how many texts it was asked about."""
    with open("asked.txt", "a") as file:
        file.write(f"{len(texts)}\\n")
    return [1.0 for _ in texts]


@filter(version=1)
def sometimes(texts: list[str]) -> list[float | None]:
    """No score for questions."""
    return [None if "?" in text else 1.0 for text in texts]


@filter(version=1)
def late(texts: list[str]) -> list[float | None]:
    """No score for long texts."""
    return [None if len(text) > 20 else 1.0 for text in texts]


@filter(version=1)
def late_label(texts: list[str]) -> list[str | None]:
    """No label for long texts."""
    return [None if len(text) > 20 else "short" for text in texts]


@filter(version=1)
def asks(texts: list[str]) -> list[bool]:
    """Whether it asks.

    More is not told.
    """
    return ["?" in text for text in texts]


@filter(version=1)
def lists(texts: list[str]) -> list[list[int]]:
    """Gives what is no score."""
    return [[1] for _ in texts]


@filter(version=1)
def short(texts: list[str]) -> list[float]:
    """Gives too few scores."""
    return [1.0]


@transform(version=1)
def loud(texts: list[str]) -> list[str]:
    """Upper case, where there is an a."""
    return [text.upper() if "a" in text else text for text in texts]
'''
TEXTS = ["one", "two words", "now three words", "are there four words?", "now three words"]


class Curated:
    """What a curate step made of the texts."""

    def __init__(
        self, folder: Path, do: list[Any], rows: list[dict[str, Any]] | None = None, before: list[Any] | None = None
    ) -> None:
        lines.write(folder / "rows.jsonl", rows or [{"text": text} for text in TEXTS])
        (folder / "mine.py").write_text(MINE)
        tables: dict[str, Any] = {"raw": {"step": "ingest", "files": "rows.jsonl"}}
        if before is not None:
            tables["first"] = {"step": "curate", "from": "raw", "do": before}
        tables["clean"] = {"step": "curate", "from": list(tables)[-1], "do": do}
        made = run(recipes.from_tables(tables, "curate", folder), store=folder / "store")
        self.store = Store.open(folder / "store")
        manifest = self.store.manifest(made[-1].key)
        assert manifest is not None
        self.manifest, self.digest = manifest, made[-1].digest
        (self.shard,) = manifest["shards"]
        self.methods = manifest["detail"]["methods"]

    def read(self, triple: list[Any]) -> Any:
        return self.store.read(Ref(*triple))

    @property
    def kept(self) -> list[str]:
        table = self.read(self.shard["text"])
        found: list[str] = texts(table.filter(self.read(self.shard["keep"])["keep"])).to_pylist()
        return found

    @property
    def dropped_by(self) -> list[int | None]:
        found: list[int | None] = self.read(self.manifest["detail"]["verdicts"][0])["dropped_by"].to_pylist()
        return found


def test_methods_drop_in_order_and_the_first_is_the_reason(tmp_path: Path) -> None:
    found = Curated(tmp_path, [{"use": "./mine.py:words", "min": 2}, {"use": "./mine.py:arrow", "max": 16}, "exact"])
    assert found.kept == ["two words", "now three words"]
    assert found.dropped_by == [0, None, None, 1, 2]
    assert [(method["before"], method["dropped"]) for method in found.methods] == [(5, 1), (4, 1), (3, 1)]


def test_scores_are_stored_for_every_row_also_those_dropped_before(tmp_path: Path) -> None:
    found = Curated(tmp_path, [{"use": "length", "min": 100}, {"use": "./mine.py:words", "min": 2}])
    assert found.kept == []
    assert found.read(found.methods[1]["scores"][0])["score"].to_pylist() == [1, 2, 3, 4, 3]


def test_a_costly_method_is_asked_about_survivors_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    found = Curated(tmp_path, [{"use": "./mine.py:words", "min": 3}, "./mine.py:costly"])
    assert (tmp_path / "asked.txt").read_text() == "3\n"
    assert found.read(found.methods[1]["scores"][0])["score"].to_pylist() == [None, None, 1.0, 1.0, 1.0]
    assert found.methods[1]["unjudged"] == 0, "dropped rows do not count as unjudged"


def test_rows_without_a_score_are_counted_and_kept_or_dropped_as_told(tmp_path: Path) -> None:
    kept = Curated(tmp_path / "a", [{"use": "./mine.py:sometimes", "min": 0.5}])
    assert (kept.methods[0]["unjudged"], kept.methods[0]["dropped"]) == (1, 0)
    dropped = Curated(tmp_path / "b", [{"use": "./mine.py:sometimes", "min": 0.5, "unjudged": "drop"}])
    assert (dropped.methods[0]["unjudged"], dropped.methods[0]["dropped"]) == (1, 1)
    assert "are there four words?" not in dropped.kept


def test_evidence_is_stored_beside_the_score(tmp_path: Path) -> None:
    found = Curated(tmp_path, [{"use": "./mine.py:place", "max": 3}])
    scores = found.read(found.methods[0]["scores"][0]).to_pylist()
    assert scores[0] == {"score": 1, "because": "rows.jsonl"}
    assert found.dropped_by == [None, None, None, 0, 0]


def test_a_transform_writes_new_rows_that_name_their_parents(tmp_path: Path) -> None:
    found = Curated(tmp_path, ["./mine.py:loud", {"use": "./mine.py:words", "max": 3}])
    table = found.read(found.shard["text"])
    assert found.kept[0] == "one"
    assert texts(table)[3].as_py() == TEXTS[3].upper()
    assert found.methods[0]["changed"] == 1
    assert table["parent_row"].to_pylist() == [0, 1, 2, 3, 4]
    assert set(table["parent_shard"].to_pylist()) == {found.methods[0]["texts"][0][1]}


def test_a_shard_that_a_transform_leaves_alone_keeps_its_identity(tmp_path: Path) -> None:
    found = Curated(tmp_path, ["./mine.py:loud"], rows=[{"text": "nothing to do"}])
    assert found.shard["text"] == found.methods[0]["texts"][0]


def test_a_later_step_sees_only_what_is_left(tmp_path: Path) -> None:
    found = Curated(tmp_path, ["exact"], before=[{"use": "./mine.py:words", "max": 2}])
    assert found.kept == ["one", "two words"]
    assert found.dropped_by == [None, None, -1, -1, -1]


def test_the_same_rows_kept_for_other_reasons_are_the_same_artifact(tmp_path: Path) -> None:
    one = Curated(tmp_path / "a", [{"use": "./mine.py:words", "min": 2}])
    other = Curated(tmp_path / "b", [{"use": "length", "min": 4}])
    assert one.manifest["key"] != other.manifest["key"]
    assert one.digest == other.digest


def test_on_chooses_the_part_of_a_chat(tmp_path: Path) -> None:
    rows = [
        {"prompt": "a long question about words", "completion": "yes"},
        {"prompt": "why?", "completion": "a long answer about words"},
    ]
    assert Curated(tmp_path / "a", [{"use": "length", "on": "response", "min": 5}], rows=rows).dropped_by == [0, None]
    assert Curated(tmp_path / "b", [{"use": "length", "on": "prompt", "min": 5}], rows=rows).dropped_by == [None, 0]
    loud = Curated(tmp_path / "c", [{"use": "./mine.py:loud", "on": "response"}], rows=rows)
    assert [row[1]["content"] for row in loud.read(loud.shard["text"])["messages"].to_pylist()] == [
        "yes",
        "A LONG ANSWER ABOUT WORDS",
    ]


def test_nothing_to_do_keeps_every_row(tmp_path: Path) -> None:
    assert Curated(tmp_path, []).kept == TEXTS


def test_an_unreadable_row_reaches_no_method(tmp_path: Path) -> None:
    lines.write(tmp_path / "rows.jsonl", [])
    rows = [json.dumps({"text": text}) for text in TEXTS]
    (tmp_path / "rows.jsonl").write_text("\n".join([*rows[:2], "{broken", *rows[2:]]) + "\n")
    (tmp_path / "mine.py").write_text(MINE)
    tables = {
        "raw": {"step": "ingest", "files": "rows.jsonl"},
        "clean": {"step": "curate", "from": "raw", "do": ["./mine.py:words"]},
    }
    made = run(recipes.from_tables(tables, "curate", tmp_path), store=tmp_path / "store")
    manifest = Store.open(tmp_path / "store").manifest(made[-1].key)
    assert manifest is not None
    scores = (
        Store.open(tmp_path / "store").read(Ref(*manifest["detail"]["methods"][0]["scores"][0]))["score"].to_pylist()
    )
    assert scores == [1, 2, None, 3, 4, 3]
    assert manifest["detail"]["methods"][0]["before"] == 5


def test_a_method_that_gives_too_few_scores_is_named(tmp_path: Path) -> None:
    with pytest.raises(RunError, match=r"mine\.py:short failed: ValueError: 1 scores for 5 texts"):
        Curated(tmp_path, ["./mine.py:short"])


def test_true_is_one_and_false_is_none(tmp_path: Path) -> None:
    found = Curated(tmp_path, [{"use": "./mine.py:asks", "min": 1}])
    assert found.kept == ["are there four words?"]
    assert found.read(found.methods[0]["scores"][0])["score"].to_pylist() == [0.0, 0.0, 0.0, 1.0, 0.0]


def test_what_is_no_score_is_refused_with_the_methods_name(tmp_path: Path) -> None:
    with pytest.raises(RunError, match=r"mine\.py:lists gives list<item: int64>: a score is a number"):
        Curated(tmp_path, ["./mine.py:lists"])


@pytest.mark.parametrize(("use", "kind", "bound"), [("late", "double", {"min": 0.5}), ("late_label", "string", {})])
def test_scores_have_one_type_also_in_a_shard_that_has_none(
    tmp_path: Path, use: str, kind: str, bound: dict[str, Any]
) -> None:
    lines.write(tmp_path / "a.jsonl", [{"text": f"a text of some length, number {i} of many"} for i in range(20_000)])
    lines.write(tmp_path / "b.jsonl", [{"text": f"text {i}"} for i in range(20_000)])
    (tmp_path / "mine.py").write_text(MINE)
    tables = {
        "raw": {"step": "ingest", "files": ["a.jsonl", "b.jsonl"]},
        "clean": {"step": "curate", "from": "raw", "do": [{"use": f"./mine.py:{use}", **bound}]},
    }
    recipe = recipes.from_tables(tables, "curate", tmp_path)
    made = run(recipe, store=tmp_path / "store")
    store = Store.open(tmp_path / "store")
    manifest = store.manifest(made[-1].key)
    assert manifest is not None
    scores = [store.read(Ref(*triple))["score"] for triple in manifest["detail"]["methods"][0]["scores"]]
    assert len(scores) > 1
    assert scores[0].null_count == len(scores[0])
    assert {str(score.type) for score in scores} == {kind}
    assert use in write_report(History.open(store, "curate", ["raw", "clean"])).read_text("utf-8")


def test_a_label_filter_without_a_label_for_any_row_does_not_clash_with_its_bounds(tmp_path: Path) -> None:
    rows = [{"text": "a text that is too long for a label"}]
    found = Curated(tmp_path, [{"use": "./mine.py:late_label", "keep": ["short"]}], rows=rows)
    assert (found.dropped_by, found.methods[0]["unjudged"]) == ([None], 1)


def test_a_part_that_is_not_there_is_unjudged(tmp_path: Path) -> None:
    rows = [
        {"messages": [{"role": "user", "content": "a question?"}]},
        {"messages": [{"role": "user", "content": "b?"}, {"role": "assistant", "content": "an answer"}]},
    ]
    found = Curated(tmp_path, [{"use": "./mine.py:words", "on": "response", "min": 1}], rows=rows)
    assert found.read(found.methods[0]["scores"][0])["score"].to_pylist() == [None, 2]
    assert (found.dropped_by, found.methods[0]["unjudged"]) == ([None, None], 1)


@pytest.mark.parametrize(
    ("annotation", "kept"),
    [("", 2), (": list", 2), (": list[str]", 2), (": List[str]", 2), (": Sequence[str]", 2)],
)
def test_texts_are_python_strings_however_that_is_said(tmp_path: Path, annotation: str, kept: int) -> None:
    code = "from collections.abc import Sequence\nfrom typing import List\nfrom adaptline import filter\n@filter(version=1)\n"
    body = f"def own(texts{annotation}):\n    return [0.0 if text == 'spam' else 1.0 for text in texts]\n"
    found = own_filter(tmp_path, code + body, ["spam", "ham", "spam", "eggs"])
    assert found == kept


def test_a_view_that_there_is_not_is_refused(tmp_path: Path) -> None:
    code = (
        "from adaptline import filter\n@filter(version=1)\ndef own(texts: set[str]):\n    return [1.0 for _ in texts]\n"
    )
    with pytest.raises(UserError, match=r"whose first parameter 'texts: set\[str\]' is no view of texts"):
        own_filter(tmp_path, code, ["a"])


def own_filter(folder: Path, code: str, texts: list[str]) -> int:
    """How many texts a filter of one's own keeps with min = 0.5."""
    (folder / "own.py").write_text(code)
    (folder / "in.jsonl").write_text("".join(json.dumps({"text": text}) + "\n" for text in texts))
    (folder / "recipe.toml").write_text(
        '[raw]\nstep = "ingest"\nfiles = "in.jsonl"\n'
        '[clean]\nstep = "curate"\nfrom = "raw"\ndo = [{ use = "./own.py:own", min = 0.5 }]\n'
    )
    run(folder / "recipe.toml")
    dropped: int = al.show(folder / "recipe.toml", "clean")[0]["methods"][0]["dropped"]
    return len(texts) - dropped


@pytest.mark.parametrize(
    ("body", "what"), [("[7 for _ in texts]", "TypeError: 7 is"), ("[None for _ in texts]", "TypeError: None is")]
)
def test_a_transform_gives_texts(tmp_path: Path, body: str, what: str) -> None:
    (tmp_path / "own.py").write_text(
        f"from adaptline import transform\n@transform(version=1)\ndef own(texts):\n    return {body}\n"
    )
    with pytest.raises(RunError, match=f"own.py:own failed: {what} no text"):
        Curated(tmp_path, ["./own.py:own"])


def test_a_transform_takes_python_strings(tmp_path: Path) -> None:
    code = "import pyarrow as pa\nfrom adaptline import transform\n@transform(version=1)\ndef own(texts: pa.StringArray):\n    return texts\n"
    (tmp_path / "own.py").write_text(code)
    with pytest.raises(UserError, match="a transform whose first parameter is not"):
        Curated(tmp_path, ["./own.py:own"])


def test_what_a_method_does_is_told_beside_its_verdicts(tmp_path: Path) -> None:
    found = Curated(tmp_path, ["./mine.py:asks", "exact", "minhash"])
    assert found.methods[0]["meaning"] == "Whether it asks."
    assert found.methods[1]["meaning"].endswith(".")
    assert ["compared_in_part" in method for method in found.methods] == [False, False, True]
    assert found.methods[2]["compared_in_part"] == 0


def test_a_raised_version_of_the_step_runs_its_units_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    do = [{"use": "./mine.py:words", "min": 1}, "./mine.py:loud", "exact"]
    before = Curated(tmp_path, do)
    step = registry.load("step", "curate")
    monkeypatch.setitem(step.function.__dict__, "__adaptline__", dataclasses.replace(step, version=step.version + 1))
    after = Curated(tmp_path, do)
    for method, kind in [(0, "scores"), (1, "changes"), (2, "sketches")]:
        assert after.methods[method][kind][0][0] != before.methods[method][kind][0][0]
    assert after.methods[2]["matches"][0] != before.methods[2]["matches"][0]
    assert after.shard["text"][0] != before.shard["text"][0]
    assert after.digest == before.digest


def test_bounds_of_the_wrong_kind_are_told(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="length gives numbers, keep does not fit"):
        Curated(tmp_path, [{"use": "length", "keep": ["long"]}])
