"""Reads from a store how people who looked at rows agree with the rules and with each other.

Knows curate steps that use the filter `review`: its scores are people's verdicts, and each filter's opinion of every row is
stored beside them. Nothing is read of texts, and a row's place in its file is counted once.
"""

from __future__ import annotations

from itertools import combinations
from typing import Any

import numpy as np
import pyarrow.compute as pc

from adaptline.core.rows import Ref
from adaptline.core.store import Store
from adaptline.data import opinions
from adaptline.data.agreement import Agreement, agreement
from adaptline.web import view_rows

_MOST_PEOPLE = 6  # compared pair by pair


def agreements(store: Store, manifest: dict[str, Any]) -> tuple[view_rows.Agreement, ...] | None:
    """Each filter beside the people, then people beside each other; None for a step that reads no review."""
    verdicts, people = _reviewed(store, manifest)
    if verdicts is None:
        return None
    places = np.array(sorted(verdicts), np.int64)
    drops = np.array([verdicts[place] == "drop" for place in sorted(verdicts)], np.bool_)
    found = []
    for one in opinions.opinions(store, manifest):
        judged = one.judged[places]
        found.append(_shown(one.name, "filter", agreement(drops[judged], one.out[places][judged]), len(places)))
    most = sorted(people, key=lambda name: (-len(people[name]), name))[:_MOST_PEOPLE]
    for first, second in combinations(most, 2):
        both = sorted(people[first].keys() & people[second].keys())
        sides = [np.array([people[name][place] == "drop" for place in both], np.bool_) for name in (first, second)]
        name = f"{first or 'nobody named'} and {second or 'nobody named'}"
        found.append(_shown(name, "people", agreement(*sides), len(both)))
    return tuple(found)


def _reviewed(store: Store, manifest: dict[str, Any]) -> tuple[dict[int, str] | None, dict[str, dict[int, str]]]:
    """By place (a row's number over all shards) the verdict that counts; and the same for each person."""
    verdicts: dict[int, str] | None = None
    people: dict[str, dict[int, str]] = {}
    for method in manifest["detail"]["methods"]:
        if method["use"] != opinions.REVIEW:
            continue
        verdicts, start, seen = verdicts or {}, 0, set[tuple[str, int]]()
        for triple, shard in zip(method["scores"], manifest["shards"], strict=True):
            table = store.read(Ref(*triple))
            rows = np.flatnonzero(pc.is_valid(table["because"]).to_numpy())
            where = store.read(Ref(*shard["text"]), ["file", "row"]).take(rows).to_pylist() if len(rows) else []
            for row, entry, of in zip(rows.tolist(), table.take(rows).to_pylist(), where, strict=True):
                if (place := (of["file"], of["row"])) in seen:
                    continue  # a child that an augment step made: the verdict was on its parent
                seen.add(place)
                if entry["score"] is not None:
                    verdicts.setdefault(start + row, entry["score"])
                for said in entry.get("said") or ():
                    people.setdefault(said["by"], {})[start + row] = said["verdict"]
            start += table.num_rows
    return verdicts, people


def _shown(name: str, kind: str, found: Agreement, reviewed: int) -> view_rows.Agreement:
    return view_rows.Agreement(
        name,
        "people" if kind == "people" else "filter",
        reviewed,
        found.rows,
        found.both_keep,
        found.both_drop,
        found.first_only,
        found.second_only,
        found.share,
        found.kappa,
        found.low,
        found.high,
    )
