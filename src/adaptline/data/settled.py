"""The verdicts of a match, kept by groups of shards too: a later run starts from those that cannot have changed.

A match drops a row for an earlier one only, so its verdicts on the first shards are the same whatever follows them. Each
group's unit is named by all that stands before its end; the longest run of groups that is there is what is known.

    shards     0 1 2 3 | 4 5 6 7 | 8 9 ...      a link says what shards 0 to 3, 0 to 7 ... hold and who is alive in them
    units        slice     slice                 the verdicts on 0 to 3, on 4 to 7 ...

Knows shards by what they mean, and verdicts. Knows nothing of how a matcher finds them.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from adaptline.core import keys
from adaptline.core.artifacts import Read, Unit, Units
from adaptline.core.rows import Ref
from adaptline.data import matching

GROUP = 4  # shards; more would be looked at again for a row at the end, fewer make more files


def links(meaning: Any, shards: Sequence[Any]) -> list[Any]:
    """What the unit of each whole group means.

    Args:
        meaning: the matcher and its parameters.
        shards: per shard, what of it enters a match.
    """
    groups = [list(shards[start : start + GROUP]) for start in range(0, len(shards) - GROUP + 1, GROUP)]
    chain = accumulate(groups, lambda before, group: keys.key("group", before, group), initial=keys.key(meaning))
    return [["settled", link] for link in list(chain)[1:]]


def start(read: Read, held: Sequence[Ref], memory: int = matching.MEMORY) -> matching.Start:
    """Where a match starts: with what the units of the first groups say."""
    slices = [read(ref) for ref in held]
    counts = [matching.in_part(table, len(held) * GROUP) for table in slices]
    drops = pa.concat_tables([matching.SCHEMA.empty_table(), *(table.replace_schema_metadata() for table in slices)])
    told = matching.with_in_part(drops, [sum(each) for each in zip(*counts, strict=True)])
    return matching.Start(len(held) * GROUP, told, memory)


def joined(known: matching.Start, found: pa.Table, shards: int) -> pa.Table:
    """What is known and what was found for the shards after it, as one result."""
    counts = zip(matching.in_part(known.drops, shards), matching.in_part(found, shards), strict=True)
    both = pa.concat_tables([table.replace_schema_metadata() for table in (known.drops, found)])
    return matching.with_in_part(both, [sum(each) for each in counts]) if matching.tells_in_part(found) else both


def settle(units: Units, links: Sequence[Any], held: Sequence[Ref], found: pa.Table, note: str) -> list[Ref]:
    """Commits the verdicts on whole groups whose units are not there yet; the units of all whole groups."""
    counts = matching.in_part(found, len(links) * GROUP)
    work = []
    for group in range(len(held), len(links)):
        first, end = group * GROUP, (group + 1) * GROUP
        ours = pc.and_(pc.greater_equal(found["shard"], first), pc.less(found["shard"], end))
        own = [count if first <= shard < end else 0 for shard, count in enumerate(counts)]
        work.append(Unit(links[group], {"table": matching.with_in_part(found.filter(ours), own)}))
    return [*held, *units.map(given, work, note)]


def given(read: Read, table: pa.Table) -> pa.Table:  # noqa: ARG001 - the form of every unit's function
    """A unit that is what it was given."""
    return table
