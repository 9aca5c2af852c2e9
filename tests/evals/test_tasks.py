from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

from adaptline.core.rows import texts
from adaptline.core.sources import Task, find_tasks
from adaptline.errors import UserError
from adaptline.evals.tasks import load_task, metrics_of, promised, usual_metrics

OWN = """
from adaptline import metric

@metric(version=1)
def polite(predictions, references):
    return [1.0 for _ in predictions]
"""


def write(folder: Path, settings: str = "", **files: str) -> Task:
    """A task beside its files; 'files' in the settings is given unless they say it."""
    for name, content in files.items():
        (folder / name.replace("_", ".")).write_text(content, "utf-8")
    named = "" if "files" in settings else f"files = {json.dumps([name.replace('_', '.') for name in files])}\n"
    (folder / "route.toml").write_text(named + settings, "utf-8")
    return next(iter(find_tasks("*.toml", folder)))


ITEMS = '{"text": "soup", "label": "food"}\n{"text": "a table", "label": "book"}\n'


def test_items_by_the_names_of_their_fields(tmp_path: Path) -> None:
    items = load_task(write(tmp_path, test_jsonl=ITEMS))
    assert texts(items).to_pylist() == ["soup", "a table"]
    assert items["label"].to_pylist() == ["food", "book"]
    assert items["file"].to_pylist() == ["test.jsonl"] * 2
    assert items["line"].to_pylist() == [1, 2]


def test_fields_that_the_task_names(tmp_path: Path) -> None:
    task = write(tmp_path, 'text = "question"\nlabel = "intent"', test_csv="question,intent,label\nsoup?,food,1\n")
    items = load_task(task)
    assert texts(items).to_pylist() == ["soup?"]
    assert items["label"].to_pylist() == ["food"]


def test_several_files_of_several_kinds_in_order(tmp_path: Path) -> None:
    task = write(tmp_path, b_csv="text,label,note\nbread,food,x\n", a_jsonl=ITEMS)
    assert texts(load_task(task)).to_pylist() == ["bread", "soup", "a table"]


def test_a_format_that_the_suffix_does_not_tell(tmp_path: Path) -> None:
    task = write(tmp_path, 'format = "jsonl"', test_items=ITEMS)
    assert load_task(task).num_rows == 2


def test_a_compressed_file(tmp_path: Path) -> None:
    (tmp_path / "test.jsonl.gz").write_bytes(gzip.compress(ITEMS.encode()))
    assert load_task(write(tmp_path, 'files = "test.jsonl.gz"')).num_rows == 2


def test_metrics(tmp_path: Path) -> None:
    task = write(tmp_path, 'metrics = ["macro_f1"]', test_jsonl=ITEMS)
    usual = usual_metrics(None)
    assert [metric.use for metric in metrics_of(task, usual)] == ["macro_f1"]
    assert metrics_of(write(tmp_path, test_jsonl=ITEMS), usual) == usual
    assert [metric.use for metric in usual] == ["accuracy", "macro_f1"]


def test_a_metric_with_a_parameter_and_one_of_ones_own(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(OWN)
    settings = 'metrics = [{ use = "macro_f1", absent = "zero" }, "./mine.py:polite"]'
    task = write(tmp_path, settings, test_jsonl=ITEMS)
    f1, polite = metrics_of(task, [])
    assert (f1.parameters, polite.load().name) == ({"absent": "zero"}, "polite")
    before = task.meaning
    (tmp_path / "mine.py").write_text(OWN.replace("1.0", "0.5"))
    assert task.changed() == "./mine.py:polite"
    assert write(tmp_path, settings, test_jsonl=ITEMS).meaning != before
    (tmp_path / "mine.py").write_text(OWN + "# a comment\n")
    assert write(tmp_path, settings, test_jsonl=ITEMS).meaning == before


def test_two_metrics_of_one_name(tmp_path: Path) -> None:
    settings = 'metrics = ["macro_f1", { use = "macro_f1", absent = "zero" }]'
    with pytest.raises(UserError, match="two metrics are called 'macro_f1'") as caught:
        metrics_of(write(tmp_path, settings, test_jsonl=ITEMS), [])
    assert caught.value.where == tmp_path / "route.toml"


def test_what_an_evaluation_will_report(tmp_path: Path) -> None:
    tasks = find_tasks("*.toml", write(tmp_path, 'metrics = ["accuracy"]', test_jsonl=ITEMS).path.parent)
    assert promised({"tasks": tasks}, rows=False) == {"route.accuracy"}
    assert promised({"split": "validation"}, rows=True) == {"validation.accuracy", "validation.macro_f1"}
    assert promised({}, rows=True) == {"test.accuracy", "test.macro_f1"}


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ('lable = "intent"', r"'lable' is not a setting of a task\n  Did you mean 'label'\?"),
        ("text = 3", "text must be a string, not 3"),
        ('format = "jsnl"', r"format must be one of csv, .*, not 'jsnl'\n  Did you mean 'jsonl'\?"),
        ('metrics = "accuracy"', "metrics must be a list, each one of accuracy, macro_f1, not 'accuracy'"),
        ("metrics = []", "metrics must be a list, each one of accuracy, macro_f1 and not empty"),
        ("metrics = [1]", "metrics must be a method's name or a table with use, not 1"),
        ('metrics = ["acuracy"]', r"metrics has unknown metric 'acuracy'\n  Did you mean 'accuracy'\?"),
    ],
)
def test_settings_that_are_wrong(tmp_path: Path, settings: str, message: str) -> None:
    task = write(tmp_path, settings, test_jsonl=ITEMS)
    with pytest.raises(UserError, match=message) as caught:
        metrics_of(task, [])
    assert (caught.value.where, caught.value.line) == (task.path, 2)


@pytest.mark.parametrize(
    ("content", "place", "message"),
    [
        (ITEMS + "{broken\n", ("test.jsonl", 3), "row 3 cannot be read: "),
        (ITEMS + '\n{"text": "off"}\n', ("test.jsonl", 4), "row 3 has no label"),
        (ITEMS + '{"label": "food"}\n', ("test.jsonl", 3), "row 3 cannot be read: no field 'text'"),
        (
            '{"messages": [{"role": "user", "content": null}], "label": "food"}\n',
            ("test.jsonl", 1),
            "row 1 has no text",
        ),
        (ITEMS + '{"text": null, "label": "food"}\n', ("test.jsonl", 3), "row 3 cannot be read: 'text' is null"),
    ],
)
def test_an_item_that_cannot_be_scored_is_named(
    tmp_path: Path, content: str, place: tuple[str, int], message: str
) -> None:
    with pytest.raises(UserError, match=message) as caught:
        load_task(write(tmp_path, test_jsonl=content))
    assert (caught.value.where, caught.value.line) == place
    assert caught.value.do


def test_a_field_that_no_item_has(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no column 'intent'"):
        load_task(write(tmp_path, 'label = "intent"', test_jsonl=ITEMS))


def test_no_items(tmp_path: Path) -> None:
    task = write(tmp_path, test_csv="text,label\n")
    with pytest.raises(UserError, match="has no rows"):
        load_task(task)
