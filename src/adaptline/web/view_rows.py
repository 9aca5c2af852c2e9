"""What a report shows of rows: what was read, what each method did with them, what was planted.

Knows names and types only, as view.py does.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from adaptline.web.view import Fact, Origin, Tally


@dataclass(frozen=True)
class Source:
    """A file that was read: its format and encoding as they were found out, its rows, and how many could not be read."""

    file: str
    format: str
    encoding: str
    rows: int
    unreadable: int
    note: str = ""


@dataclass(frozen=True)
class Unreadable:
    """A row in quarantine, with the reason, what it held, and the line where it starts."""

    origin: Origin
    reason: str
    raw: str
    line: int | None = None


@dataclass(frozen=True)
class Intake:
    """What an ingest step read. `rows` and `unreadable` are the sums over all files, also those not listed."""

    step: str
    rows: int
    unreadable: int
    sources: tuple[Source, ...] = ()
    reasons: tuple[Tally, ...] = ()
    samples: tuple[Unreadable, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Flow:
    """Rows of one split through a method or a whole step; before - dropped = after."""

    split: str
    before: int
    dropped: int
    changed: int
    after: int


@dataclass(frozen=True)
class Kept:
    """The row that stayed in place of a dropped one; its label where that of the dropped one is another."""

    origin: Origin
    text: str | None
    label: str | None = None


@dataclass(frozen=True)
class Drop:
    """A dropped row: its score against the bound ("max 0.5"), and because of what, as an address or in words.

    It has a label where the row that was kept instead has another.
    """

    origin: Origin
    text: str | None
    score: float | str | None = None
    bound: str = ""
    because: str = ""
    kept: Kept | None = None
    label: str | None = None


@dataclass(frozen=True)
class Change:
    """A row's text before and after a rule that writes; `what` says so where it is not the text, but the label."""

    origin: Origin
    before: str | None
    after: str | None
    what: str = ""


@dataclass(frozen=True)
class Stage:
    """A method of a curate step in the order of the recipe, and what it did.

    `before`, `dropped`, `changed`, `unjudged` and `after` count rows of all splits. `bounds` are the recipe's words that
    its score is compared with (min, max, keep, drop); `parameters` are the method's own. `unjudged_fate` is what the
    recipe does with a row without a score. `compared_in_part` rows had more candidates for a near-duplicate than the
    method compared them with. `told` are lines that the method says of itself.
    """

    name: str
    kind: str
    meaning: str
    before: int
    dropped: int
    changed: int
    after: int
    unjudged: int = 0
    unjudged_fate: str = "keep"
    parameters: tuple[Fact, ...] = ()
    bounds: tuple[Fact, ...] = ()
    by_split: tuple[Flow, ...] = ()
    drops: tuple[Drop, ...] = ()
    changes: tuple[Change, ...] = ()
    compared_in_part: int = 0
    told: tuple[str, ...] = ()


@dataclass(frozen=True)
class LanguageShare:
    """The share of the sampled texts that are in a language, before and after."""

    language: str
    before: float
    after: float


@dataclass(frozen=True)
class Spread:
    """How long texts are, in characters, and which languages they are in, before a curate step and after it.

    Of `sample` rows of the `of` that came in; the rows after are those of the sample that are left. `edges` has one entry
    more than `before` and `after`, which count rows.
    """

    sample: int
    of: int
    edges: tuple[float, ...]
    before: tuple[int, ...]
    after: tuple[int, ...]
    languages: tuple[LanguageShare, ...]


@dataclass(frozen=True)
class Agreement:
    """Two judges of the same rows: people (the first) and a filter, or two people.

    `reviewed` rows have a person's verdict, `rows` of them both judges'. `first_only` the first drops and the second keeps.
    `kappa` is Cohen's, with its 95 % interval.
    """

    name: str
    kind: Literal["filter", "people"]
    reviewed: int
    rows: int
    both_keep: int
    both_drop: int
    first_only: int
    second_only: int
    share: float | None
    kappa: float | None
    low: float | None
    high: float | None


@dataclass(frozen=True)
class Curation:
    """A curate step: the rows that came in, its methods in order, the rows that are left.

    `agreements` is None where no person's review was read.
    """

    step: str
    before: int
    after: int
    by_split: tuple[Flow, ...] = ()
    stages: tuple[Stage, ...] = ()
    spread: Spread | None = None
    agreements: tuple[Agreement, ...] | None = None


@dataclass(frozen=True)
class AuditLine:
    """Defects of one kind that were planted on purpose, and what became of them.

    `wrongly_dropped` counts sound rows that the kind's methods dropped; None where that cannot be told apart. No
    `methods` means that no method of the recipe looks for this kind.
    """

    kind: str
    planted: int
    found: int
    missed: int
    wrongly_dropped: int | None = None
    methods: tuple[str, ...] = ()


@dataclass(frozen=True)
class Grade:
    """Planted near-duplicates of one similarity (low <= similarity < high), and how many of them were found."""

    low: float
    high: float
    planted: int
    found: int


@dataclass(frozen=True)
class Audit:
    """Found beside planted. `source` is the file that says what was planted."""

    source: str
    lines: tuple[AuditLine, ...]
    grades: tuple[Grade, ...] = ()
    note: str = ""
