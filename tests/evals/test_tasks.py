from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from adaptline.core.grid import Node
from adaptline.core.recipe import Table
from adaptline.core.sources import Folder, Task, find_tasks
from adaptline.errors import UserError
from adaptline.evals.tasks import (
    Items,
    asked_for,
    load_items,
    metrics_of,
    promised,
    signatures_of,
    usual_metrics,
)
from adaptline.models.bases import Kind

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


def items_of(task: Task, kind: Kind = "classifier") -> Items:
    return load_items(task, kind, [])


def test_items_by_the_names_of_their_fields(tmp_path: Path) -> None:
    items = items_of(write(tmp_path, test_jsonl=ITEMS))
    assert items.texts == ["soup", "a table"]
    assert items.labels == ["food", "book"]
    assert items.references == [["food"], ["book"]]


def test_what_a_writer_is_asked_and_what_it_may_answer(tmp_path: Path) -> None:
    """The last thing that an assistant said is the answer, references stand before it, and a label answers a text."""
    lines = [
        {"messages": [{"role": "user", "content": "hi"}, {"role": "assistant", "content": "hello"}]},
        {
            "messages": [{"role": "system", "content": "be kind"}, {"role": "user", "content": "bye"}],
            "references": ["a", "b"],
        },
        {"messages": [{"role": "text", "content": "soup"}], "label": "food"},
    ]
    items = items_of(write(tmp_path, test_jsonl="".join(json.dumps(line) + "\n" for line in lines)), "writer")
    assert [[said["role"] for said in chat] for chat in items.chats] == [["user"], ["system", "user"], ["user"]]
    assert items.references == [["hello"], ["a", "b"], ["food"]]
    assert items.texts == ["hi", "be kind\nbye", "soup"]
    assert items.labels == ["hello", "a", "food"]


def test_rows_of_one_prompt_are_one_item(tmp_path: Path) -> None:
    """As the E2E challenge has it: several descriptions of one meaning."""
    csv = "mr,ref\nname[Ayr],A place.\nname[Oak],An oak.\nname[Ayr],Ayr is a place.\n"
    settings = 'prompt = "mr"\ncompletion = "ref"\n'
    apart = items_of(write(tmp_path, settings, dev_csv=csv), "writer")
    assert apart.references == [["A place."], ["An oak."], ["Ayr is a place."]]
    items = items_of(write(tmp_path, settings + "one_per_prompt = true\n", dev_csv=csv), "writer")
    assert items.texts == ["name[Ayr]", "name[Oak]"]
    assert items.references == [["A place.", "Ayr is a place."], ["An oak."]]


def test_an_item_that_asks_nothing_or_accepts_nothing(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="row 1 has no question or no answer") as caught:
        items_of(write(tmp_path, test_jsonl='{"text": "soup"}\n'), "writer")
    assert caught.value.line == 1


def test_fields_that_the_task_names(tmp_path: Path) -> None:
    task = write(tmp_path, 'text = "question"\nlabel = "intent"', test_csv="question,intent,label\nsoup?,food,1\n")
    items = items_of(task)
    assert items.texts == ["soup?"]
    assert items.labels == ["food"]


def test_several_files_of_several_kinds_in_order(tmp_path: Path) -> None:
    task = write(tmp_path, b_csv="text,label,note\nbread,food,x\n", a_jsonl=ITEMS)
    assert items_of(task).texts == ["bread", "soup", "a table"]


def test_a_format_that_the_suffix_does_not_tell(tmp_path: Path) -> None:
    task = write(tmp_path, 'format = "jsonl"', test_items=ITEMS)
    assert len(items_of(task).texts) == 2


def test_a_compressed_file(tmp_path: Path) -> None:
    (tmp_path / "test.jsonl.gz").write_bytes(gzip.compress(ITEMS.encode()))
    assert len(items_of(write(tmp_path, 'files = "test.jsonl.gz"')).texts) == 2


def test_metrics(tmp_path: Path) -> None:
    task = write(tmp_path, 'metrics = ["macro_f1"]', test_jsonl=ITEMS)
    usual = usual_metrics(None, "classifier")
    assert [metric.use for metric in usual_metrics(None, "writer")] == ["rougeL", "chrf"]
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


def test_one_metric_twice_under_two_names(tmp_path: Path) -> None:
    settings = 'metrics = ["macro_f1", { use = "macro_f1", name = "strict_f1", absent = "zero" }]'
    task = write(tmp_path, settings, test_jsonl=ITEMS)
    assert [metric.name for metric in metrics_of(task, [])] == ["macro_f1", "strict_f1"]
    assert promised(node({"tasks": [task]})) == {"route.macro_f1", "route.strict_f1"}
    for name, message in (("label", "cannot be called 'label'"), ("accuracy", "two metrics are called 'accuracy'")):
        settings = f'metrics = ["accuracy", {{ use = "macro_f1", name = "{name}" }}]'
        with pytest.raises(UserError, match=message):
            metrics_of(write(tmp_path, settings, test_jsonl=ITEMS), [])


def test_what_scores_are_called(tmp_path: Path) -> None:
    """Settings that a recipe does not give are said, too; a metric that says nothing is left out."""
    settings = 'metrics = ["accuracy", "exact_match", { use = "exact_match", name = "number", normalise = "none" }]'
    items = load_items(write(tmp_path, settings, test_jsonl=ITEMS), "classifier", [])
    assert signatures_of([items]) == {
        "route.exact_match": "exact_match|nrefs:1|normalise:squad",
        "route.number": "exact_match|nrefs:1|normalise:none",
    }
    assert [asked_for(metric, items) for metric in items.metrics] == [{}] * 3


def test_a_metric_that_asks_for_prompts_refuses_items_by_them(tmp_path: Path) -> None:
    task = write(tmp_path, 'metrics = ["slots"]', test_jsonl=ITEMS)
    items = load_items(task, "classifier", [])
    assert asked_for(items.metrics[0], items) == {"prompts": ["soup", "a table"]}
    with pytest.raises(UserError, match="item 1 has no value"):
        signatures_of([items])


def node(values: dict[str, Any], base: Path | None = None, *, rows: bool = False) -> Node:
    """An evaluate step's, of weights on a base."""
    table = Table("scores", "evaluate", (), {}, ({},), None, {})
    trained = Node(table, {}, "weights", {} if base is None else {"base": Folder(base, "base", "0")})
    return Node(table, {}, "report", values, {"weights": [trained]} | ({"rows": [trained]} if rows else {}))


def test_what_an_evaluation_will_report(tmp_path: Path) -> None:
    tasks = find_tasks("*.toml", write(tmp_path, 'metrics = ["accuracy"]', test_jsonl=ITEMS).path.parent)
    assert promised(node({"tasks": tasks})) == {"route.accuracy"}
    assert promised(node({"split": "validation"}, rows=True)) == {"validation.accuracy", "validation.macro_f1"}
    assert promised(node({}, rows=True)) == {"test.accuracy", "test.macro_f1"}
    (tmp_path / "config.json").write_text('{"architectures": ["LlamaForCausalLM"]}')
    assert promised(node({}, tmp_path, rows=True)) == {"test.rougeL", "test.chrf"}


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ('lable = "intent"', r"'lable' is not a setting of a task\n  Did you mean 'label'\?"),
        ("text = 3", "text must be a string, not 3"),
        ('format = "jsnl"', r"format must be one of arrow, csv, .*, not 'jsnl'\n  Did you mean 'jsonl'\?"),
        ('metrics = "accuracy"', "metrics must be a list, each one of accuracy, bleu, .*, not 'accuracy'"),
        ("metrics = []", "metrics must be a list, each one of accuracy, bleu, .* and not empty"),
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
        items_of(write(tmp_path, test_jsonl=content))
    assert (caught.value.where, caught.value.line) == place
    assert caught.value.do


def test_a_field_that_no_item_has(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no column 'intent'"):
        items_of(write(tmp_path, 'label = "intent"', test_jsonl=ITEMS))


def test_no_items(tmp_path: Path) -> None:
    task = write(tmp_path, test_csv="text,label\n")
    with pytest.raises(UserError, match="has no rows"):
        items_of(task)
