"""curate: filters, matchers and transforms in the order of the recipe, every row's verdict kept with its reason.

A filter's scores are stored for every row and the bounds compared with them here, so moving a bound runs no method.
Positions never change: a dropped row stays in its shard, and `keep` says that it is out.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence, Sized
from dataclasses import dataclass, field
from typing import Annotated, Any, get_args, get_origin

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from adaptline.core import keys, naming, registry, signatures
from adaptline.core.artifacts import Read, Unit, Units, Use
from adaptline.core.grid import Node
from adaptline.core.registry import Method, step
from adaptline.core.rows import On, Ref, Rows, Shard, contents, readable, texts, with_contents
from adaptline.core.signatures import BadParameterError
from adaptline.data import foretold, labels, matching, ranking, settled
from adaptline.data.verdicts import judge, refuse_bounds
from adaptline.errors import RunError, UserError

Mask = npt.NDArray[np.bool_]
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
        if use.kind == "transform" and _asks_for(use.load().function) != list[str]:
            what = f"has {use.use!r}, a transform whose first parameter is not list[str]"
            raise BadParameterError("do", what, "A transform takes and gives Python strings.", place=("do", use.use))
        if use.kind == "filter":
            method = use.load()
            _refuse_strange_view(use, method.function)
            if use.settings.get("on", "all") != "all" and _asks_for(method.function) is pa.Table:
                raise BadParameterError(
                    "do",
                    f"has {use.use!r}, which sees whole rows: on = {use.settings['on']!r} does nothing",
                    "Leave on out.",
                    place=("do", use.use, "on"),
                )
            try:
                refuse_bounds(use.use, use.settings, registry.score_kind(method), _labels(method))
            except UserError as error:
                raise BadParameterError("", error.what, error.do, place=("do", use.use)) from error


def _refuse_strange_view(use: Use, function: Any) -> None:
    if _asks_for(function) is None:
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
    masks = [_pack(mask) if use.load().cost_with(use.parameters) == "high" else None for mask in state.alive]
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
        state.methods[-1]["told"] = list(tell(**use.parameters))
    if use.load().options["writes"]:
        work = [Unit([*_meaning(use, "written", {}), ref.digest], {"scores": ref, "use": use}) for ref in refs]
        _write(state, use, units, units.map(written, work, f"{use.use}, written"))


def written(read: Read, scores: Ref, use: Use) -> pa.Table:
    """What a filter that writes changes in one shard, as transform_shard gives it."""
    with use.blamed():
        changes: pa.Table = use.load().options["writes"](read(scores))
    return changes


def score_shard(read: Read, text: Ref, use: Use, alive: bytes | None, split: Ref | None) -> pa.Table:
    """The scores of one shard: column score, and what else the filter gives beside it: because, its evidence in words."""
    shard = read(text)
    if split is not None:
        shard = shard.set_column(shard.schema.get_field_index("split"), "split", read(split, ["split"])["split"])
    function = use.load().function
    on: On = use.settings.get("on", "all")
    wanted = readable(shard).to_numpy() if alive is None else _unpack(alive, shard.num_rows)
    if _asks_for(function) == list[str]:  # no string stands for a text that is not there: such a row has no score
        wanted = wanted & texts(shard, on).is_valid().to_numpy(zero_copy_only=False)
    with use.blamed():
        scores = function(_view(shard.filter(pa.array(wanted)), on, function), **use.parameters)
        if not isinstance(scores, Sized) or isinstance(scores, str | bytes):
            raise TypeError(f"it gives {scores!r}: a filter takes the texts of a shard and gives one score each")
        if len(scores) != int(wanted.sum()):
            raise ValueError(f"{len(scores)} scores for {int(wanted.sum())} texts")
        scores = scores if isinstance(scores, pa.Array | pa.ChunkedArray) else pa.array(scores)
    # Rows that were not asked for have no score: their place is filled with null.
    places = pa.array(np.where(wanted, np.cumsum(wanted) - 1, 0), mask=~wanted)
    spread = scores.take(places)
    spread = spread.combine_chunks() if isinstance(spread, pa.ChunkedArray) else spread
    beside: dict[str, Any] = {}
    if pa.types.is_struct(spread.type):
        beside = {field.name: pc.struct_field(spread, field.name) for field in spread.type if field.name != "score"}
        spread = pc.struct_field(spread, "score")
    return pa.table({"score": _alike(spread, use)} | beside)


def _alike(scores: pa.Array, use: Use) -> pa.Array:
    """Scores as float64 or string, whatever the values of one shard suggest, so that all shards have one type."""
    kind = scores.type.value_type if pa.types.is_dictionary(scores.type) else scores.type
    if pa.types.is_null(kind):
        # Nothing but nulls: only what the filter says it gives can tell labels from numbers.
        return scores.cast(pa.string() if registry.score_kind(use.load()) == "label" else pa.float64())
    if pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind):
        return scores.cast(pa.string())
    if (
        pa.types.is_boolean(kind)
        or pa.types.is_integer(kind)
        or pa.types.is_floating(kind)
        or pa.types.is_decimal(kind)
    ):
        return scores.cast(pa.float64(), safe=False)
    raise RunError(f"{use.use} gives {kind}: a score is a number, or a string for a label")


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


def transform_shard(read: Read, text: Ref, use: Use) -> pa.Table:
    """What a transform changes in one shard: columns row, message, content. A shard without changes keeps its identity."""
    places, before = contents(read(text), use.settings.get("on", "all"))
    with use.blamed():
        after = use.load().function(before, **use.parameters)
        if not isinstance(after, list):
            raise TypeError(
                f"it gives {type(after).__name__}: a transform takes the texts of a shard and gives a list of as many"
            )
        if len(after) != len(before):
            raise ValueError(f"{len(after)} texts for {len(before)}")
        for new in after:
            if not isinstance(new, str):
                raise TypeError(f"{new!r} is no text")
    changed = [
        (row, message, new) for (row, message), old, new in zip(places, before, after, strict=True) if new != old
    ]
    rows, messages, new = zip(*changed, strict=True) if changed else ((), (), ())
    return pa.table(
        {
            "row": pa.array(rows, pa.int64()),
            "message": pa.array(messages, pa.int32()),
            "content": pa.array(new, pa.string()),
        }
    )


def write_shard(read: Read, text: Ref, changes: Ref) -> pa.Table:
    """The shard with a transform's changes. What ingest said of its files stays with it."""
    shard = read(text)
    return with_contents(shard, read(changes), text.digest).replace_schema_metadata(shard.schema.metadata)


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
    masks = [_pack(mask) for mask in state.alive]
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
    """Says which rows a matcher drops though their labels differ. Which label is right it cannot know: the earliest row stays."""
    number, samples = labels.conflicts(units.read, state.text, found)
    if number:
        state.methods[-1]["conflicts"] = {"rows": number, "samples": samples}
        rows = "1 row that it drops has" if number == 1 else f"{number:,} rows that it drops have"
        told = f"{rows} another label than the row that stays: look at them (adaptline review), and mend or drop what is wrong"
        state.methods[-1].setdefault("told", []).append(told)


def _scores_of(state: _State, best: str) -> list[Ref]:
    """The units of the scores of the filter that is meant; none where there is no such filter: the matcher knows lengths."""
    rules = zip(naming.numbered([method["use"] for method in state.methods]), state.methods, strict=True)
    named = [method for name, method in rules if name == best and "scores" in method]
    return [Ref(*ref) for ref in named[-1]["scores"]] if named else []


def sketch_shard(read: Read, text: Ref, use: Use, parameters: dict[str, Any]) -> pa.Table:
    """A matcher's sketch of one shard."""
    method = use.load()
    if method.sketch is None:
        raise TypeError(f"{use.use} has no sketch")
    with use.blamed():
        sketch: pa.Table = method.sketch(texts(read(text, ["messages"]), use.settings.get("on", "all")), **parameters)
    return sketch


class _Read(Sequence[Any]):
    """What is read of each unit when it is asked for: all of them together may be larger than memory."""

    def __init__(self, refs: Sequence[Ref], read: Callable[[Ref], Any]) -> None:
        self.refs, self.read = refs, read

    def __len__(self) -> int:
        return len(self.refs)

    def __getitem__(self, number: Any) -> Any:
        return self.read(self.refs[number])


def match_all(
    read: Read,
    sketches: Sequence[Ref],
    alive: Sequence[bytes],
    shards: Sequence[Ref],
    held: Sequence[Ref],
    scores: Sequence[Ref],
    use: Use,
    parameters: dict[str, Any],
    memory: int | None,
) -> pa.Table:
    """The rows that a matcher drops, over all shards: columns shard, row, of_shard, of_row, score."""
    masks = [_unpack(mask, ref.rows) for mask, ref in zip(alive, sketches, strict=True)]
    on: On = use.settings.get("on", "all")
    given: list[Any] = []
    if registry.takes_texts(use.load()):
        given.append(_Read(shards, lambda ref: texts(read(ref, ["messages"]), on)))
    start = settled.start(read, held, memory)
    if registry.takes_start(use.load()):
        given.append(start)
    if scores:
        given.append(_Read(scores, lambda ref: read(ref, ["score"])["score"].to_numpy()))
    with use.blamed():
        found: pa.Table = use.load().function(_Read(sketches, read), masks, *given, **parameters)
    return settled.joined(start, found, len(sketches)) if held else found


def _finish(rows: Rows, state: _State, units: Units) -> Rows:
    """Commits who is in (`keep`, which later steps see) and who dropped the others (`verdicts`, for people)."""
    tables = [pa.table({"keep": mask}) for mask in state.alive]
    keep = units.map(
        settled.given,
        [
            Unit(["keep", keys.digest(_pack(mask)), len(mask)], {"table": t})
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


def _view(shard: pa.Table, on: On, function: Any) -> Any:
    """What a filter asks for: texts as Python strings, as an Arrow array, or the whole shard."""
    asked = _asks_for(function)
    if asked is pa.Table:
        return shard
    return texts(shard, on).to_pylist() if asked == list[str] else texts(shard, on)


def _asks_for(function: Any) -> Any:
    """What a filter's first parameter asks for: list[str] (also if it says nothing), pa.StringArray or pa.Table; else None."""
    asked = next(iter(inspect.signature(function, eval_str=True).parameters.values())).annotation
    if asked in (inspect.Parameter.empty, list) or (
        get_origin(asked) in (list, Sequence) and get_args(asked) == (str,)
    ):
        return list[str]
    if asked in (pa.StringArray, pa.Array, pa.ChunkedArray):
        return pa.StringArray
    return pa.Table if asked is pa.Table else None


def _pack(mask: Mask) -> bytes:
    return np.packbits(mask).tobytes()


def _unpack(mask: bytes, rows: int) -> Mask:
    return np.unpackbits(np.frombuffer(mask, np.uint8), count=rows).astype(bool)
