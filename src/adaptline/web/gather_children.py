"""Reads from a store what a report tells of an augment step: counts as they stand in its manifest, texts only for samples.

Knows manifests of augment steps. Knows nothing of HTML.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pyarrow.compute as pc

from adaptline.core.recipe import label
from adaptline.core.rows import Ref
from adaptline.core.store import Store
from adaptline.web import parameters, view, view_rows
from adaptline.web.view_children import Augmentation, Augmenter, Measured, RefusedChange

_SAMPLES = 5
_LABELS = 12
_COPY = "copy"  # a text that is the old one shows nothing


def augmentation(store: Store, manifest: dict[str, Any]) -> Augmentation:
    """An augment step as a report shows it. Of one that is left out (`augmented = false`), that nothing was added."""
    told = manifest["detail"].get("augmenters", [])
    rows, added = sum(shard["text"][2] for shard in manifest["shards"]), sum(one["made"] for one in told)
    measures = manifest["detail"].get("measures")
    return Augmentation(
        f"{manifest['name']} {label(manifest['cell'])}".rstrip(),
        rows - added,
        added,
        tuple(_augmenter(store, manifest, one) for one in told),
        tuple(_figures(measures["before"], measures["after"])) if measures else (),
        tuple(_labels(measures["before"], measures["after"])) if measures else (),
    )


def _augmenter(store: Store, manifest: dict[str, Any], told: dict[str, Any]) -> Augmenter:
    settings = {**told["settings"], **told["parameters"]}
    return Augmenter(
        told["name"],
        told["meaning"],
        told["asked"],
        told["made"],
        tuple(view.Fact(name, parameters.told(value, manifest["record"])) for name, value in settings.items()),
        tuple(view.Tally(gate, count) for gate, count in told["refused"].items()),
        tuple(change for _, change in _samples(store, manifest, told, refused=False)),
        tuple(RefusedChange(gate, change) for gate, change in _samples(store, manifest, told, refused=True)),
    )


def _samples(
    store: Store, manifest: dict[str, Any], told: dict[str, Any], *, refused: bool
) -> Iterator[tuple[str, view_rows.Change]]:
    """Some new texts beside the old ones, from units spread over the whole."""
    units = told["changes"][:: max(1, len(told["changes"]) // _SAMPLES)]
    shown = 0
    for number, triple in units:
        changes = store.read(Ref(*triple))
        gate = pc.fill_null(changes["refused"], _COPY)
        wanted = pc.not_equal(gate, _COPY) if refused else pc.is_null(changes["refused"])
        each = max(1, _SAMPLES // len(units))
        for change in changes.filter(wanted).slice(0, min(each, _SAMPLES - shown)).to_pylist():
            row = store.read_row(Ref(*manifest["shards"][number]["text"]), change["row"])
            old = row["messages"][change["message"]]["content"]
            shown += 1
            yield (
                change["refused"] or "",
                view_rows.Change(view.Origin(row["file"], row["row"]), old, change["content"]),
            )


def _figures(before: dict[str, Any], after: dict[str, Any]) -> Iterator[Measured]:
    yield Measured("rows", before["rows"], after["rows"])
    for name in ("mean", "p5", "median", "p95"):
        yield Measured(f"words per row, {name}", before["words"].get(name), after["words"].get(name), "number")
    for size in before["grams"]:
        yield Measured(f"distinct {size}-grams", before["grams"][size], after["grams"][size])
        yield Measured(f"distinct-{size}", before["distinct"][size], after["distinct"][size], "share")
    if before["evenness"] is not None:
        yield Measured("evenness of labels", before["evenness"], after["evenness"], "number")


def _labels(before: dict[str, Any], after: dict[str, Any]) -> Iterator[Measured]:
    for name in list(after["labels"])[:_LABELS]:
        yield Measured(name, _share(before["labels"], name), _share(after["labels"], name), "share")


def _share(labels: dict[str, int], name: str) -> float | None:
    total = sum(labels.values())
    return labels.get(name, 0) / total if total else None
