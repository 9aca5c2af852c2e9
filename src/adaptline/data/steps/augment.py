"""augment: rows said otherwise, each beside the row that it comes from. The rows that are given stay as they are.

Children come after all given rows, so that what keeps the earliest of two like rows never drops a real one for one that was
made: of rows that are appended later, too, so a child may then go that had stayed (curate says so in a plan). A unit of work is a method's answers for the chosen rows of a shard, cut in bands of the draw that chooses them: a larger
share computes only what is new.
"""

from __future__ import annotations

import inspect
import json
from collections import Counter
from typing import Annotated, Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from adaptline.core import keys, registry, signatures
from adaptline.core.artifacts import Read, Unit, Units, Use
from adaptline.core.grid import Node
from adaptline.core.registry import step
from adaptline.core.rows import On, Ref, Rows, Shard, readable, texts
from adaptline.core.signatures import BadParameterError
from adaptline.data import children
from adaptline.data.diversity import Variety, total, variety
from adaptline.errors import UserError, did_you_mean

SHARE, COPIES, ON = (
    0.1,
    1,
    "prompt",
)  # what an augmenter's settings are where a recipe says nothing: a small amount first

Mask = npt.NDArray[np.bool_]


def _check(node: Node) -> None:
    """Refuses two augmenters of one name and seed, here or in a step before: they would draw the same numbers."""
    seed = node.values.get("seed", 0)
    for before in node.ancestors():
        if before.table.step == "augment" and before.values.get("seed", 0) == seed:
            for use in node.values["do"]:
                if use.name in {other.name for other in before.values["do"]}:
                    raise BadParameterError(
                        "do",
                        f"has {use.name!r}, as [{before.table.name}] has: with one seed both choose the same rows and numbers",
                        f'Give this step another seed, or name the augmenter: {{ use = "{use.use}", name = "another" }}.',
                        place=("do", use.use),
                    )
    seen: set[str] = set()
    for use in node.values["do"]:
        if use.name in seen:
            raise BadParameterError(
                "do",
                f"has two augmenters called {use.name!r}",
                f'Name one of them: {{ use = "{use.use}", name = "another" }}.',
                place=("do", use.use),
            )
        seen.add(use.name)


@step(version=1, output="rows", check=_check)
def augment(
    rows: Rows,
    *,
    units: Units,
    do: list[Annotated[Use, "augmenter"]],
    of: str = "train",
    seed: int = 0,
    augmented: bool = True,
) -> Rows:
    """Adds rows that say otherwise what rows say: a child has its parent's label, references, group, subject and split.

    Args:
        rows: the rows, split before: what is divided afterwards could part a child from its parent.
        units: where the methods run.
        do: augmenters: "name", or { use = "name", share = 0.1, copies = 1, on = "prompt", name = "...", ...its own
            parameters }, or a function of your own: { use = "./mine.py:louder" }. All of them work on the given rows.
        of: the split whose rows get children; rows without a split get them, too.
        seed: another seed, other rows and other children.
        augmented: false leaves the rows as they are: what the others are compared with.

    Raises:
        UserError: no kept row has the split `of`, or none.
        RunError: a method failed, or gives what is no text; its name is told.
    """
    if not augmented:
        return Rows(rows.shards, {"summary": "as they were"})
    wanted = _wanted(rows, of, units)
    made, said = list(rows.shards), []
    for use in do:
        found, story = _made_by(use, rows, wanted, seed, units)
        story["children"] = [[len(made) + at, parent] for at, (_, parent) in enumerate(found)]
        made += [shard for shard, _ in found]
        said.append(story)
    given = sum(shard.text.rows for shard in rows.shards)
    added = sum(story["made"] for story in said)
    told = {
        "summary": f"{given:,} rows and {added:,} children of them",
        "augmenters": said,
        "measures": _measured(made, wanted, units),
    }
    return Rows(tuple(made), told)


def _wanted(rows: Rows, of: str, units: Units) -> list[Mask]:
    """Per shard the rows that may have children: kept, readable, of the split or without one."""
    found: list[Mask] = []
    splits: Counter[str | None] = Counter()
    for shard in rows.shards:
        kept = readable(units.read(shard.text, ["unreadable"]))
        if shard.keep:
            kept = pc.and_(kept, units.read(shard.keep)["keep"])
        split = units.read(shard.split or shard.text, ["split"])["split"]
        splits.update({entry["values"]: entry["counts"] for entry in split.filter(kept).value_counts().to_pylist()})
        found.append(pc.and_(kept, pc.fill_null(pc.equal(split, of), fill_value=True)).to_numpy())
    if splits and not (splits[of] or splits[None]):
        raise UserError(f"no row has the split {of!r}", do=did_you_mean(of, [name for name in splits if name]))
    return found


def _made_by(
    use: Use, rows: Rows, wanted: list[Mask], seed: int, units: Units
) -> tuple[list[tuple[Shard, int]], dict[str, Any]]:
    """The child shards of one augmenter, each with the number of its parent's, and what is told of it."""
    settings = use.settings
    name, on = use.name, settings.get("on", ON)
    share, copies = settings.get("share", SHARE), settings.get("copies", COPIES)
    identity = registry.load("step", "augment").identity
    work, of = [], []
    for number, (shard, mask) in enumerate(zip(rows.shards, wanted, strict=True)):
        for chosen in _bands(units, shard, mask, seed, name, share):
            meaning = [identity, "children", use.identity, signatures.meaning(use.parameters), on, name, seed, copies]
            given = {"use": use, "name": name, "on": on, "seed": seed, "copies": copies}
            key = [*meaning, shard.text.digest, keys.digest(chosen.tobytes())]
            work.append(Unit(key, {"text": shard.text, "rows": chosen.tobytes(), **given}))
            of.append(number)
    refs = units.map(rewrite_shard, work, name)
    whole = children.Made(0, 0, Counter())
    for ref in refs:
        one = children.count(units.read(ref, ["row", "copy", "refused"]))
        whole = children.Made(whole.asked + one.asked, whole.made + one.made, whole.refused + one.refused)
    story = {
        "use": use.use,
        "name": name,
        "meaning": (inspect.getdoc(use.load().function) or "").partition("\n")[0],
        "parameters": signatures.meaning(use.parameters),
        "settings": {"on": on, "share": share, "copies": copies},
        "identity": use.identity,
        "asked": whole.asked,
        "made": whole.made,
        "refused": dict(whole.refused.most_common()),
        "changes": [[number, [ref.key, ref.digest, ref.rows]] for number, ref in zip(of, refs, strict=True)],
    }
    return _written(rows, list(zip(of, refs, strict=True)), name, seed, units), story


def _bands(units: Units, shard: Shard, mask: Mask, seed: int, name: str, share: float) -> list[npt.NDArray[np.int64]]:
    """The positions of a shard's chosen rows, band by band; bands without any are left out."""
    if not share or not mask.any():
        return []
    draws = children.draws_of(units.read(shard.text, ["file", "row"]), seed, name)
    found = [np.flatnonzero(mask & (draws >= low) & (draws < high)) for low, high in children.bands(share)]
    return [chosen for chosen in found if len(chosen)]


def rewrite_shard(read: Read, text: Ref, rows: bytes, use: Use, name: str, on: On, seed: int, copies: int) -> pa.Table:
    """What an augmenter says of some rows of a shard; see children.rewritten."""
    return children.rewritten(read(text), np.frombuffer(rows, np.int64), use, name, on, seed, copies)


def _measured(shards: list[Shard], wanted: list[Mask], units: Units) -> dict[str, Any]:
    """How varied the rows that may have children are, before and after: these alone, and with all children."""
    identity = registry.load("step", "augment").identity
    masks = [mask.tobytes() for mask in wanted] + [b"\1" * shard.text.rows for shard in shards[len(wanted) :]]
    work = [
        Unit([identity, "measure", shard.text.digest, keys.digest(mask)], {"text": shard.text, "mask": mask})
        for shard, mask in zip(shards, masks, strict=True)
    ]
    found = [Variety.of_table(units.read(ref)) for ref in units.map(measure_shard, work, "measures")]
    before, after = total(found[: len(wanted)]), total(found)
    return {"before": before.told(), "after": after.told()}


def measure_shard(read: Read, text: Ref, mask: bytes) -> pa.Table:
    """How varied some rows of a shard are; see diversity.Variety."""
    chosen = read(text, ["messages", "label"]).filter(pa.array(np.frombuffer(mask, np.bool_)))
    return variety(texts(chosen), chosen["label"].to_pylist()).table()


def _written(rows: Rows, answers: list[tuple[int, Ref]], name: str, seed: int, units: Units) -> list[tuple[Shard, int]]:
    """The shards of children, one per shard that has any, each with the number of its parents' shard."""
    own = registry.load("step", "augment").identity
    by_shard: dict[int, list[Ref]] = {}
    for number, ref in answers:
        by_shard.setdefault(number, []).append(ref)
    work = [
        Unit(
            [own, "rows", name, seed, rows.shards[number].text.digest, [ref.digest for ref in refs]],
            {"text": rows.shards[number].text, "changes": refs, "name": name, "seed": seed},
        )
        for number, refs in by_shard.items()
    ]
    written = units.map(write_children, work, f"{name}, write")
    having = [(number, text) for number, text in zip(by_shard, written, strict=True) if text.rows]
    work = [
        Unit([own, "split", split.digest, text.digest], {"split": split, "text": text})
        for number, text in having
        if (split := rows.shards[number].split)
    ]
    splits = iter(units.map(write_split, work, f"{name}, write"))
    return [(Shard(text, next(splits) if rows.shards[number].split else None), number) for number, text in having]


def write_children(read: Read, text: Ref, changes: list[Ref], name: str, seed: int) -> pa.Table:
    """The child rows that changes make of a shard, in the order of their parents. The shard says who made them.

    Two augmenters may say the same of all rows: their shards must not be one shard, or nobody could tell whose a child is.
    """
    found = pa.concat_tables([read(ref) for ref in changes])
    found = found.sort_by([("row", "ascending"), ("copy", "ascending"), ("message", "ascending")])
    made = children.children(read(text), found, text.digest)
    told = json.dumps({"name": name, "seed": seed}).encode()
    return made.replace_schema_metadata({**(made.schema.metadata or {}), children.AUGMENTER: told})


def write_split(read: Read, split: Ref, text: Ref) -> pa.Table:
    """The split and group of children: those of their parents."""
    return read(split).take(read(text, ["parent_row"])["parent_row"].combine_chunks())
