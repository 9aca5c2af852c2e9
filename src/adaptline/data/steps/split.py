"""split: which rows train, validate and test. A group never spans two splits, and appending never moves a row.

Each row's place comes from a hash of its group (or of its text) and the seed, so shares hold on average: with 1,000
groups a share of .1 comes out within .02 nineteen times in twenty.
"""

from __future__ import annotations

import hashlib
import json
from itertools import accumulate
from typing import Annotated, Any

import pyarrow as pa

from adaptline.core import naming, registry
from adaptline.core.artifacts import Read, Unit, Units
from adaptline.core.demands import Demand
from adaptline.core.grid import Node
from adaptline.core.registry import step
from adaptline.core.rows import On, Ref, Rows, Shard, extra_values, texts
from adaptline.core.signatures import BadParameterError
from adaptline.data.tasks import is_held_out
from adaptline.errors import UserError, did_you_mean

_EXACT = 1e-9
_PARTS: dict[str, On] = {"text": "all", "prompt": "prompt", "completion": "response"}  # where a row keeps such a field


def _are_shares(share: dict[str, float]) -> bool:
    return bool(share) and min(share.values()) >= 0 and abs(sum(share.values()) - 1) <= _EXACT


def _check(node: Node) -> None:
    """Refuses to divide rows that have children, as a child could land where its parent is not, and to learn from items."""
    for before in node.ancestors():
        _refuse_spared(node, before)
        if before.table.step == "augment":
            raise BadParameterError(
                "",
                f"divides what [{before.table.name}] augmented: a child could land in another split than its parent",
                f"Split first: let [{before.table.name}] take from this step.",
                place=("from",),
            )


def _refuse_spared(node: Node, before: Node) -> None:
    """Refuses to make a part to learn from out of a split whose rows may be the very items that decontaminate looks for."""
    of, rules = node.values.get("of"), naming.rules_in(before.values)
    learnt = [name for name, part in node.values["share"].items() if part and not is_held_out(name)]
    if is_held_out(of) and learnt and any(use.use == "decontaminate" for use in rules):
        raise BadParameterError(
            "of",
            f"makes {learnt[0]!r} out of {of!r}, whose rows decontaminate in [{before.table.name}] spares as items of its tasks",
            f"Split first: let [{before.table.name}] take from this step.",
        )


@step(version=4, output="rows", check=_check)
def split(
    rows: Rows,
    *,
    units: Units,
    share: Annotated[dict[str, float], Demand(_are_shares, "from 0 on, together 1")],
    by: str | None = None,
    of: str | None = None,
    seed: int = 0,
) -> Rows:
    """Gives every row that has no split yet one of the named splits.

    Args:
        rows: the rows; those to which the source gave a split keep it.
        units: where the shards are worked on.
        share: split -> share of the groups; they sum to 1.
        by: the source field whose values make groups (a conversation, a document), also where ingest took it as
            prompt, completion, text, group, label or subject; where it is not given, the field that ingest took as group. Rows without a value are
            grouped by their text, so exact copies stay together.
        of: divide the rows that have this split instead (to cut a validation split out of "train").
        seed: another seed, another division.

    Raises:
        UserError: no row has the field `by` or the split `of`, or `by` is one of several subjects.
    """
    identity = registry.load("step", "split").identity
    settings = {"share": sorted(share.items()), "by": by, "of": of, "seed": seed}
    work = [
        Unit(
            [identity, settings, shard.text.digest, shard.split and shard.split.digest],
            {"text": shard.text, "given": shard.split, **settings},
        )
        for shard in rows.shards
    ]
    refs = units.map(split_shard, work, "split")
    if of is not None:
        given = {split for shard in rows.shards for split in _given(units, shard)}
        if of not in given:
            raise UserError(f"no row has the split {of!r} to divide", do=did_you_mean(of, given))
    if by is not None and not any(_has_group(units, ref) for ref in refs):
        raise UserError(
            f"no field {by!r} to split by", do="Name a field of the source, or leave by out to group by text."
        )
    return Rows(tuple(Shard(shard.text, ref, shard.keep) for shard, ref in zip(rows.shards, refs, strict=True)))


def _given(units: Units, shard: Shard) -> set[str]:
    """The splits that a shard's rows have before this step."""
    held = units.read(shard.split) if shard.split else units.read(shard.text)
    found: set[str] = set(held["split"].drop_null().to_pylist())
    return found


def _has_group(units: Units, ref: Ref) -> bool:
    return bool(units.read(ref)["group"].null_count < ref.rows)


def split_shard(
    read: Read, text: Ref, given: Ref | None, share: list[tuple[str, float]], by: str | None, of: str | None, seed: int
) -> pa.Table:
    """The columns split and group of one shard. A group's value is kept as a hash: it may be a person's."""
    shard = read(text)
    splits = (read(given) if given else shard)["split"].to_pylist()
    values = _groups(shard, by)
    groups = [None if value is None else _hash("group", str(value)).hex()[:16] for value in values]
    names, bounds = [name for name, _ in share], list(accumulate(part for _, part in share))
    for i, (value, text_value) in enumerate(zip(values, texts(shard).to_pylist(), strict=True)):
        if splits[i] == of:
            place = int.from_bytes(_hash(f"split:{seed}", str(text_value if value is None else value))[:8]) / 2**64
            splits[i] = next((name for name, bound in zip(names, bounds, strict=True) if place < bound), names[-1])
    return pa.table({"split": pa.array(splits, pa.string()), "group": pa.array(groups, pa.string())})


def _groups(shard: pa.Table, by: str | None) -> list[Any]:
    """The field's values, null where a row has none; a shard may well have none of a field that only some rows have.

    A name is that of the source: where ingest moved the field to a column, that column holds it for the rows of that
    file, whatever else is called so. "group" is what ingest took as group where the source has no field of that name.
    """
    if by is None:
        return list(shard["group"].to_pylist())
    values = extra_values(shard, by)
    if by == "group":
        held = zip(values, shard["group"].to_pylist(), strict=True)
        values = [group if value is None else value for value, group in held]
    for column, files in _holders(shard, by).items():
        content = texts(shard, _PARTS[column]) if column in _PARTS else shard[column]
        moved = zip(shard["file"].to_pylist(), content.to_pylist(), values, strict=True)
        values = [held if file in files else value for file, held, value in moved]
    # Who takes part makes a group, in whatever order they are named.
    return [sorted(value, key=str) if isinstance(value, list) else value for value in values]


def _holders(shard: pa.Table, name: str) -> dict[str, set[str]]:
    """Column -> the files of which ingest moved a source field there; a shard's metadata says so (reading.py)."""
    told = json.loads((shard.schema.metadata or {}).get(b"adaptline", b"{}")).get("files", {})
    found: dict[str, set[str]] = {}
    for file, said in told.items():
        if column := _holder(said["columns"], name):
            found.setdefault(column, set()).add(file)
    return found


def _holder(columns: dict[str, Any], name: str) -> str | None:
    for column in ("group", "label", "split", *_PARTS):
        # A prompt with a context after it is not the field alone, which is kept beside it then.
        if columns.get(column) == name and not (column == "prompt" and columns.get("context")):
            return column
    subjects = columns.get("subject", ())
    if name in subjects and len(subjects) > 1:
        raise UserError(
            f"{name!r} is one of several subjects, whose HMACs are kept together",
            do=f'Say in the ingest step that it groups the rows: group = "{name}"; it stays an HMAC.',
        )
    return "subject" if name in subjects else None


def _hash(purpose: str, value: str) -> bytes:
    return hashlib.blake2b(
        value.encode("utf-8", "surrogatepass"), digest_size=16, person=purpose.encode()[:16]
    ).digest()
