"""curate: filters, matchers and transforms in the order of the recipe, every row's verdict kept with its reason.

A filter's scores are stored for every row and the bounds compared with them here, so moving a bound runs no method.
Positions never change: a dropped row stays in its shard, and `keep` says that it is out.
"""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from adaptline.core import keys, naming, registry, signatures
from adaptline.core.artifacts import Unit, Units, Use
from adaptline.core.grid import Node
from adaptline.core.registry import Method, step
from adaptline.core.rows import Ref, Rows, Shard, readable
from adaptline.core.signatures import BadParameterError
from adaptline.data import beside, foretold, labels, matching, ranking, settled
from adaptline.data.changed import transform_shard, write_shard
from adaptline.data.judged import asks_for, score_shard, written
from adaptline.data.masks import Mask, pack
from adaptline.data.matched import match_all, sketch_shard
from adaptline.data.verdicts import judge, refuse_bounds
from adaptline.errors import UserError

EARLIER, KEPT = -1, -2  # in `dropped_by`: out before this step began; not dropped (null in the stored column)


@dataclass
class _State:
    """Where the rows are between two methods: per shard its text, who is alive, and who dropped the others."""

    text: list[Ref]
    split: list[Ref | None]
    alive: list[Mask]
    dropped_by: list[npt.NDArray[np.int16]]
    methods: list[dict[str, Any]] = field(default_factory=list)

    def drop(self, shard: int, out: Mask, unjudged: int = 0) -> None:
        """Drops the alive rows of a shard for which `out` holds, by the method that is last in `methods`."""
        now = self.alive[shard] & out
        self.alive[shard] &= ~out
        self.dropped_by[shard][now] = len(self.methods) - 1
        self.methods[-1]["dropped"] += int(now.sum())
        self.methods[-1]["unjudged"] += unjudged


def _check(node: Node) -> None:
    """Refuses bounds that do not fit their filter, and `on` for a filter that sees whole rows."""
    for number, use in enumerate(node.values["do"]):
        ranking.refuse_strange(use, node.values["do"][:number])
        if use.kind == "transform" and asks_for(use.load().function) != list[str]:
            what = f"has {use.use!r}, a transform whose first parameter is not list[str]"
            raise BadParameterError("do", what, "A transform takes and gives Python strings.", place=("do", use.use))
        if use.kind == "filter":
            method = use.load()
            _refuse_strange_view(use, method.function)
            if use.settings.get("on", "all") != "all" and asks_for(method.function) is pa.Table:
                raise BadParameterError(
                    "do",
                    f"has {use.use!r}, which sees whole rows: on = {use.settings['on']!r} does nothing",
                    "Leave on out.",
                    place=("do", use.use, "on"),
                )
            try:
                refuse_bounds(
                    use.use, use.settings, registry.score_kind(method), _labels(method), method.options["bounds"]
                )
            except UserError as error:
                raise BadParameterError("", error.what, error.do, place=("do", use.use)) from error


def _refuse_strange_view(use: Use, function: Any) -> None:
    if asks_for(function) is None:
        given = next(iter(inspect.signature(function, eval_str=True).parameters.values()))
        raise BadParameterError(
            "do",
            f"has {use.use!r}, whose first parameter {str(given)!r} is no view of texts",
            "Annotate it with list[str], pa.StringArray (for fast loops) or pa.Table (the whole shard).",
            place=("do", use.use),
        )


def _labels(method: Method) -> tuple[str, ...]:
    labels = method.options.get("labels")
    return tuple(labels()) if labels else ()


@step(version=2, output="rows", check=_check, notes=foretold.notes)
def curate(rows: Rows, *, units: Units, do: list[Annotated[Use, "row"]]) -> Rows:
    """Filters, drops duplicates, and mends text, method by method.

    Args:
        rows: the rows.
        units: where the methods run.
        do: methods in order: "method", or { use = "method", name = "short", on = "prompt", min = ..., max = ..., keep = [...], drop = [...],
            unjudged = "drop", ...its own parameters }, or a function of your own: { use = "./mine.py:polite", min = 0.2 }.

    Raises:
        UserError: a bound that does not fit the scores: min and max are for numbers, keep and drop for labels.
        RunError: a method failed, or gives what is no score; its name is told.
    """
    state = _begin(rows, units)
    for use in do:
        method = use.load()
        state.methods.append(
            {
                "use": use.use,
                "kind": use.kind,
                "finds": list(method.finds),
                "meaning": (inspect.getdoc(method.function) or "").partition("\n")[0],
                "parameters": signatures.meaning(use.parameters),
                "settings": use.settings,
                "identity": use.identity,
                "before": int(sum(mask.sum() for mask in state.alive)),
                "dropped": 0,
                "changed": 0,
                "unjudged": 0,
            }
        )
        {"filter": _filter, "matcher": _match, "transform": _transform}[use.kind](state, use, units)
    return _finish(rows, state, units)


def _begin(rows: Rows, units: Units) -> _State:
    alive = []
    for shard in rows.shards:
        mask = readable(units.read(shard.text, ["unreadable"])).to_numpy()
        alive.append(mask & units.read(shard.keep)["keep"].to_numpy() if shard.keep else mask.copy())
    dropped_by = [np.where(mask, np.int16(0), np.int16(EARLIER)) for mask in alive]
    return _State([shard.text for shard in rows.shards], [shard.split for shard in rows.shards], alive, dropped_by)


def _meaning(use: Use, work: str, parameters: dict[str, Any]) -> list[Any]:
    """What a unit's key says of the work: curate's own version counts too, for it shapes what a method gives."""
    return [registry.load("step", "curate").identity, work, use.identity, signatures.meaning(parameters)]


def _filter(state: _State, use: Use, units: Units) -> None:
    masks = [pack(mask) if use.load().cost_with(use.parameters) == "high" else None for mask in state.alive]
    on = use.settings.get("on", "all")
    splits = state.split if use.load().options["sees_splits"] else [None] * len(masks)
    work = [
        Unit(
            [
                *_meaning(use, "score", use.parameters),
                on,
                text.digest,
                mask and keys.digest(mask),
                *([split.digest] if split else []),
            ],
            {"text": text, "use": use, "alive": mask, "split": split},
        )
        for text, mask, split in zip(state.text, masks, splits, strict=True)
    ]
    refs = units.map(score_shard, work, use.use)
    state.methods[-1]["scores"] = [[ref.key, ref.digest, ref.rows] for ref in refs]
    for i, ref in enumerate(refs):
        out, unjudged = judge(units.read(ref)["score"], use.use, use.settings)
        state.drop(i, out, int((unjudged & state.alive[i]).sum()))
    if settle := use.load().options["settle"]:
        settle((units.read(ref) for ref in refs), **use.parameters)
    if tell := use.load().options["tell"]:
        state.methods[-1]["told"] = list(tell((units.read(ref) for ref in refs), **use.parameters))
    if use.load().options["writes"]:
        work = [Unit([*_meaning(use, "written", {}), ref.digest], {"scores": ref, "use": use}) for ref in refs]
        _write(state, use, units, units.map(written, work, f"{use.use}, written"))


def _transform(state: _State, use: Use, units: Units) -> None:
    on = use.settings.get("on", "all")
    work = [
        Unit([*_meaning(use, "changes", use.parameters), on, text.digest], {"text": text, "use": use})
        for text in state.text
    ]
    _write(state, use, units, units.map(transform_shard, work, use.use))


def _write(state: _State, use: Use, units: Units, refs: Sequence[Ref]) -> None:
    """Goes on with the texts as the changes of each shard have them; remembers what they were."""
    touched = [i for i, ref in enumerate(refs) if ref.rows]
    own = registry.load("step", "curate").identity
    write = [
        Unit([own, "write", state.text[i].digest, refs[i].digest], {"text": state.text[i], "changes": refs[i]})
        for i in touched
    ]
    state.methods[-1]["texts"] = [[ref.key, ref.digest, ref.rows] for ref in state.text]
    state.methods[-1]["changes"] = [[ref.key, ref.digest, ref.rows] for ref in refs]
    for i, ref in zip(touched, units.map(write_shard, write, f"{use.use}, write"), strict=True):
        changed = np.unique(units.read(refs[i])["row"].to_numpy())
        state.methods[-1]["changed"] += int(state.alive[i][changed].sum())
        state.text[i] = ref


def _match(state: _State, use: Use, units: Units) -> None:
    on = use.settings.get("on", "all")
    method = use.load()
    own = registry.parameters(method.sketch) if method.sketch else {}
    parameters = {name: value for name, value in use.parameters.items() if name in own}
    work = [
        Unit(
            [*_meaning(use, "sketch", parameters), on, text.digest],
            {"text": text, "use": use, "parameters": parameters},
        )
        for text in state.text
    ]
    sketches = units.map(sketch_shard, work, f"{use.use}, sketch")
    state.methods[-1]["sketches"] = [[ref.key, ref.digest, ref.rows] for ref in sketches]
    takes = inspect.signature(method.function).parameters
    parameters = {name: value for name, value in use.parameters.items() if name in takes}
    masks = [pack(mask) for mask in state.alive]
    asks = registry.takes_texts(method)
    whole = zip(sketches, masks, state.text, strict=True)
    shards = [[ref.digest, keys.digest(mask), text.digest if asks else None] for ref, mask, text in whole]
    meaning = [*_meaning(use, "match", parameters), on if asks else None, shards]
    best = ranking.best_of(use)
    scores = _scores_of(state, best) if best else []
    meaning += [[ref.digest for ref in scores]] if scores else []
    # By a score, an appended row can take the place of any: nothing is settled.
    links = settled.links(meaning[:-1], shards) if registry.takes_start(method) and best is None else []
    held = units.first_there(links)
    arguments = {"sketches": sketches, "alive": masks, "use": use, "parameters": parameters, "scores": scores}
    memory = units.memory_of_match()
    (ref,) = units.map(
        match_all,
        [Unit(meaning, arguments | {"shards": state.text if asks else [], "held": held, "memory": memory})],
        f"{use.use}, match",
    )
    found = units.read(ref)
    state.methods[-1]["matches"] = [ref.key, ref.digest, ref.rows]
    _tell_conflicts(state, found, units)
    settled_ = settled.settle(units, links, held, found, f"{use.use}, settled") if links else []
    state.methods[-1]["settled"] = [[ref.key, ref.digest, ref.rows] for ref in settled_]
    if matching.tells_in_part(found):
        state.methods[-1]["compared_in_part"] = sum(matching.in_part(found, len(sketches)))
    shards, rows = found["shard"].to_numpy(), found["row"].to_numpy()
    for i in np.unique(shards):
        out = np.zeros(len(state.alive[i]), bool)
        out[rows[shards == i]] = True
        state.drop(int(i), out)


def _tell_conflicts(state: _State, found: pa.Table, units: Units) -> None:
    """Says which rows a matcher drops though their labels, or what else is learnt from them, differ: the earliest row stays.

    Which is right it cannot know.
    """
    number, samples = labels.conflicts(units.read, state.text, found)
    if number:
        state.methods[-1]["conflicts"] = {"rows": number, "samples": samples}
        rows = "1 row that it drops has" if number == 1 else f"{number:,} rows that it drops have"
        told = f"{rows} another label than the row that stays: look at them (adaptline review), and mend or drop what is wrong"
        state.methods[-1].setdefault("told", []).append(told)
    if number := beside.differing(units.read, state.text, found):
        rows = "1 row that it drops has" if number == 1 else f"{number:,} rows that it drops have"
        told = f"{rows} other {', '.join(beside.FIELDS[:-1])} or {beside.FIELDS[-1]} than the row that stays: it compares messages only"
        state.methods[-1].setdefault("told", []).append(told)


def _scores_of(state: _State, best: str) -> list[Ref]:
    """The units of the scores of the filter that is meant; none where there is no such filter: the matcher knows lengths."""
    rules = zip(naming.places([method["identity"] for method in state.methods]), state.methods, strict=True)
    named = [method for name, method in rules if name == best and "scores" in method]
    return [Ref(*ref) for ref in named[-1]["scores"]] if named else []


def _finish(rows: Rows, state: _State, units: Units) -> Rows:
    """Commits who is in (`keep`, which later steps see) and who dropped the others (`verdicts`, for people)."""
    tables = [pa.table({"keep": mask}) for mask in state.alive]
    keep = units.map(
        settled.given,
        [
            Unit(["keep", keys.digest(pack(mask)), len(mask)], {"table": t})
            for mask, t in zip(state.alive, tables, strict=True)
        ],
        "verdicts",
    )
    by = [(np.where(mask, np.int16(KEPT), out), mask) for mask, out in zip(state.alive, state.dropped_by, strict=True)]
    by = [(out, pa.table({"dropped_by": pa.array(out, mask=mask)})) for out, mask in by]
    verdicts = units.map(
        settled.given,
        [Unit(["verdicts", keys.digest(out.tobytes()), len(out)], {"table": table}) for out, table in by],
        "verdicts",
    )
    shards = tuple(Shard(text, old.split, ref) for text, old, ref in zip(state.text, rows.shards, keep, strict=True))
    total, kept = sum(len(mask) for mask in state.alive), sum(int(mask.sum()) for mask in state.alive)
    return Rows(
        shards,
        {
            "summary": f"{kept:,} of {total:,} rows kept",
            "worst": _worst(kept, total, state.methods),
            "methods": state.methods,
            "verdicts": [[ref.key, ref.digest, ref.rows] for ref in verdicts],
        },
    )


def _worst(kept: int, total: int, methods: Sequence[dict[str, Any]]) -> int | None:
    """The number of the rule that dropped most rows, where fewer than half are left: that is seldom meant. Else None."""
    if kept * 2 >= total or not any(method["dropped"] for method in methods):
        return None
    return max(range(len(methods)), key=lambda number: methods[number]["dropped"])
