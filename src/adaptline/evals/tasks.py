"""A task's items, to be judged by: what is asked, and the answers that are accepted.

Knows what an evaluation asks of items, and the metrics that a task names. Knows nothing of how models answer, of how
items are read (data/tasks.py) or of what a metric computes.
"""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import pyarrow as pa
import pyarrow.compute as pc

from adaptline.core import registry, signatures
from adaptline.core.artifacts import Use
from adaptline.core.demands import Demand
from adaptline.core.rows import texts
from adaptline.data.tasks import READING, check_settings, read_items
from adaptline.errors import UserError
from adaptline.models.bases import Kind, kind_of
from adaptline.models.examples import as_chat

if TYPE_CHECKING:
    from collections.abc import Sequence

    from adaptline.core.grid import Node
    from adaptline.core.sources import Task

Metrics = Annotated[list[Annotated[Use, "metric"]], Demand(bool, "and not empty")]

# What items.parquet of an evaluation holds beside the metrics.
ITEM_COLUMNS = ("task", "item", "prediction", "label", "confidence", "shard", "row", "split")
_USUAL: dict[Kind, tuple[str, ...]] = {"classifier": ("accuracy", "macro_f1"), "writer": ("rougeL", "chrf")}
_SPLIT = "test"


@dataclass(frozen=True)
class Items:
    """Items to score under one name: chats up to the answer, the same as texts, and the accepted answers of each.

    `positions` says which rows they are (shard, row, split), if they are rows of an artifact.
    """

    task: str
    chats: list[list[dict[str, str]]]
    texts: list[str]
    references: list[list[str]]
    metrics: list[Use]
    positions: pa.Table | None = None

    @property
    def labels(self) -> list[str]:
        """The first accepted answer of each; a classifier's items have no other."""
        return [accepted[0] for accepted in self.references]


def load_items(task: Task, kind: Kind, otherwise: Sequence[Use]) -> Items:
    """The items of a task in the order of its files, for a model of a kind.

    A classifier is shown the text of an item and must give its label. A writer is shown what comes before the answer; an
    item's accepted answers are its references, else its answer, else its label. With `one_per_prompt`, items that ask the
    same are one with all of their answers.

    Raises:
        UserError: a setting that is unknown or of the wrong type, no items, or an item that cannot be read or lacks
            text or label, question or answer (with its file and line).
    """
    settings = check_settings(task, {**READING, "metrics": Metrics})
    found = pa.concat_tables(
        [table.drop_columns("extra") for table in read_items(task)]
    )  # its type differs from file to file
    items = of_table(task.name, found, kind, metrics_of(task, otherwise))
    return _one_per_prompt(items) if settings.get("one_per_prompt") else items


def of_table(name: str, found: pa.Table, kind: Kind, metrics: list[Use], positions: pa.Table | None = None) -> Items:
    """Rows of core/rows.COLUMNS (less extra) as items. Raises UserError as load_items does."""
    contents = texts(found)
    _refuse(found, pc.is_null(contents), "has no text", "Leave it out: there is nothing to score.")
    if kind == "classifier":
        _refuse(found, pc.is_null(found["label"]), "has no label", 'Name the field: label = "intent".')
        chats = [[{"role": "user", "content": text}] for text in contents.to_pylist()]
        references = [[label] for label in found["label"].to_pylist()]
        return Items(name, chats, contents.to_pylist(), references, metrics, positions)
    asked = [_asked(**row) for row in found.select(["messages", "label", "references"]).to_pylist()]
    _refuse(
        found,
        pa.chunked_array([pa.array([not chat or not accepted for chat, accepted in asked], pa.bool_())]),
        "has no question or no answer",
        'Name the fields: prompt = "...", completion = "..." or references = "...".',
    )
    chats = [chat for chat, _ in asked]
    shown = ["\n".join(message["content"] for message in chat) for chat in chats]
    return Items(name, chats, shown, [accepted for _, accepted in asked], metrics, positions)


def _asked(
    messages: list[dict[str, str]] | None, label: str | None, references: list[str] | None
) -> tuple[list[dict[str, str]], list[str]]:
    """What is asked, and the accepted answers."""
    chat = as_chat(messages, label)
    answer = [chat.pop()["content"]] if chat and chat[-1]["role"] == "assistant" else []
    chat = [{"role": "user", "content": said["content"]} if said["role"] == "text" else said for said in chat]
    return chat, list(references or answer)


def _one_per_prompt(items: Items) -> Items:
    found: dict[str, tuple[list[dict[str, str]], str, list[str]]] = {}
    for chat, text, accepted in zip(items.chats, items.texts, items.references, strict=True):
        found.setdefault(json.dumps(chat), (chat, text, []))[2].extend(accepted)
    chats, shown, references = (list(column) for column in zip(*found.values(), strict=True))
    return replace(items, chats=chats, texts=shown, references=references)


def metrics_of(task: Task, otherwise: Sequence[Use]) -> list[Use]:
    """The metrics that the task asks for. Raises UserError for a setting that is unknown or does not fit."""
    found: list[Use] = check_settings(task, {**READING, "metrics": Metrics}).get("metrics", list(otherwise))
    _refuse_twice([metric.name for metric in found], task.path)
    return found


def usual_metrics(given: Sequence[Use] | None, kind: Kind) -> list[Use]:
    """The metrics that a recipe gives; the usual ones of a kind where it gives none. Raises UserError for two of one name."""
    if given is None:
        return [signatures.bind_use("metrics", name, "metric", Path()) for name in _USUAL[kind]]
    try:
        _refuse_twice([metric.name for metric in given], None)
    except UserError as error:
        raise signatures.BadParameterError("", error.what, error.do, place=("metrics",)) from error
    return list(given)


def promised(node: Node) -> set[str]:
    """What an evaluate step will report, as "task.metric"; the split of its rows is a task too.

    Raises:
        UserError: a task's settings do not fit, or two tasks or two metrics of a task have one name.
    """
    values = node.values
    bases = [weights.values["base"] for weights in node.inputs["weights"] if "base" in weights.values]
    metrics = usual_metrics(values.get("metrics"), kind_of(bases[0].path) if bases else "classifier")
    asked = [(task.name, metrics_of(task, metrics)) for task in values.get("tasks") or ()]
    asked += [(values.get("split", _SPLIT), metrics)] if "rows" in node.inputs else []
    refuse_two_of_a_name([task for task, _ in asked])
    return {f"{task}.{metric.name}" for task, of in asked for metric in of}


def asked_for(metric: Use, items: Items) -> dict[str, list[str]]:
    """What a metric takes of the items besides their accepted answers: what they ask, if it asks for that."""
    return {"prompts": items.texts} if registry.takes_prompts(metric.load()) else {}


def signatures_of(sets: Sequence[Items]) -> dict[str, str]:
    """What the scores of metrics are called so that others can compare theirs, by "task.metric", as far as they say.

    Raises:
        UserError: items that a metric cannot judge.
        RunError: a metric of somebody's own failed.
    """
    found = {}
    for items in sets:
        for metric in items.metrics:
            method = metric.load()
            if says := method.options["signature"]:
                usual = {name: p.default for name, p in registry.method_parameters(method).items()}
                with metric.blamed():
                    name = says(items.references, **asked_for(metric, items), **{**usual, **metric.parameters})
                found[f"{items.task}.{metric.name}"] = name
    return found


def refuse_two_of_a_name(tasks: Sequence[str]) -> None:
    """Raises UserError for two tasks that would be told apart by nothing; a split of rows is a task of its name."""
    for name, count in Counter(tasks).items():
        if count > 1:
            raise UserError(
                f"two tasks are called {name!r}",
                do='Give one of them another name: name = "..." in its file. The split of rows is a task, too.',
            )


def _refuse_twice(names: Sequence[str], where: Path | None) -> None:
    for name in names:
        if name in ITEM_COLUMNS:
            raise UserError(
                f"a metric cannot be called {name!r}", where=where, do="Rename it: items have such a column."
            )
    for name, count in Counter(names).items():
        if count > 1:
            raise UserError(
                f"two metrics are called {name!r}",
                where=where,
                do=f'Give one another name: {{ use = "...", name = "{name}_2" }}.',
            )


def _refuse(items: pa.Table, wrong: Any, what: str, do: str) -> None:
    """Raises for the first item of a Boolean mask."""
    for item in items.filter(wrong).slice(0, 1).to_pylist():
        raise UserError(f"row {item['row']} {what.format_map(item)}", where=item["file"], line=item["line"], do=do)
