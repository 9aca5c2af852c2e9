"""ingest: source files to rows. Files are cut into blocks by position, so more rows at the end are a few more units.

Knows which blocks make a unit and what the unit's key must say. Formats, encodings and columns have rooms of their own.
"""

from __future__ import annotations

import codecs
import hmac
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Annotated, Any

from adaptline.core import registry
from adaptline.core.artifacts import Unit, Units
from adaptline.core.grid import Node
from adaptline.core.registry import step
from adaptline.core.rows import Ref, Rows, Shard, readable
from adaptline.core.signatures import BadParameterError
from adaptline.core.sources import Files
from adaptline.data import labels
from adaptline.data.blocks import Block, Source
from adaptline.data.cutting import pack
from adaptline.data.opening import (
    OPTIONS,
    Delimiter,
    Encoding,
    RowPer,
    blocks_of,
    format_method,
    idle,
    open_source,
)
from adaptline.data.reading import describe, read_blocks
from adaptline.data.schemas import Columns

_WINDOW = 32 << 20  # bytes of decompressed blocks that wait for workers at a time


def _check(node: Node) -> None:
    """Refuses columns that contradict each other, files of unknown formats, and parameters that no format knows."""
    values = node.values
    Columns.among(values).check()
    if told := idle(values, values["files"]):
        raise BadParameterError(told[0], f"does nothing: the files are {told[1]}", "Leave it out.")


@step(version=4, output="rows", uses=("format",), secret="subject", check=_check)  # noqa: S106 - the name of a parameter
def ingest(
    files: Files,
    *,
    units: Units,
    format: Annotated[str, "format"] | None = None,
    encoding: Encoding | None = None,
    header: bool | None = None,
    quotes: bool | None = None,
    delimiter: Delimiter | None = None,
    row_per: RowPer = "line",
    records: str | None = None,
    text: str | None = None,
    label: str | None = None,
    prompt: str | None = None,
    context: str | None = None,
    completion: str | None = None,
    messages: str | None = None,
    system: str | None = None,
    history: str | None = None,
    references: str | None = None,
    split: str | None = None,
    group: str | None = None,
    subject: list[str] = [],  # noqa: B006 - never changed; a recipe's default is a value
) -> Rows:
    """Reads files into rows. A row that cannot be read stays in its place, with the reason.

    Fields are named as in the source, or by position ("0", "1") where it has no names. Where none of text, prompt and
    messages is named, the fields' names tell: messages or conversations; prompt, question or instruction with its
    answer; text or content; a field that is alone. system and history are taken beside messages or an instruction; label,
    references and split are taken where fields are called so.

    Args:
        files: patterns relative to the recipe, or a table of them: { train = "a.csv", test = "b.csv" } sets the split. A
            folder that Hugging Face datasets saved brings its splits.
        units: where blocks are read.
        format: one of arrow, csv, json, jsonl, parquet, tsv, txt, xml, yaml, if the suffix does not tell. .gz and
            .zst are decompressed.
        encoding: if a byte order mark, valid UTF-8 or the text's plausibility does not tell.
        header: csv and tsv: whether the first line names the columns; by default it does unless columns are named by
            position.
        quotes: csv and tsv: whether quotes enclose fields; by default in csv only.
        delimiter: csv and tsv: what stands between fields.
        row_per: txt: what a row is; paragraphs end at blank lines.
        records: json: the path of the list whose entries are the records ("data.paragraphs.qas" of SQuAD), with the fields
            around it.
        text: the field of plain text.
        label: the field of the class.
        prompt: the field of what is asked.
        context: the field that follows the prompt after a blank line, where it is not empty.
        completion: the field of the answer.
        messages: the field of a chat.
        system: the field of what the system says before a chat or a prompt, where it is not empty.
        history: the field of earlier questions with their answers, before a prompt: a list of pairs.
        references: the field of right answers: a string or a list of them.
        split: the field that says train, validation or test.
        group: the field whose rows belong together.
        subject: fields that name people; only their HMACs are kept.

    Raises:
        UserError: a file is not what it seems, no row of it can be read, or it lacks a field that is named.
    """
    columns = Columns(
        text=text,
        label=label,
        prompt=prompt,
        context=context,
        completion=completion,
        messages=messages,
        system=system,
        history=history,
        references=references,
        split=split,
        group=group,
        subject=tuple(subject),
    )
    options = dict(zip(OPTIONS, (header, quotes, delimiter, row_per, records), strict=True))
    sources = [
        open_source(path, name, format=format, encoding=encoding, columns=columns, options=options, part=part)
        for path, name, part in zip(files, files.names, files.parts, strict=True)
    ]
    secret = units.subject_secret() if subject else b""
    refs: list[Ref] = []
    segments: list[list[list[Any]]] = []
    for window in _windows(pack(blocks_of(source) for source in sources)):
        made = units.map(read_blocks, [_unit(blocks, secret) for blocks in window], note="read")
        segments += [_segments(blocks, ref) for blocks, ref in zip(window, made, strict=True)]
        refs += made
    notes = _notes(units, refs)
    guessed = [] if encoding else _guessed(sources)
    summary = "; ".join([_summary(units, refs), *guessed, *notes])
    detail = {"files": _files(sources, segments), "segments": segments, "summary": summary, "notes": notes}
    return Rows(tuple(Shard(ref) for ref in refs), detail)


def _notes(units: Units, refs: Sequence[Ref]) -> list[str]:
    """What may be wrong with the labels, or which field may be them where there are none."""
    counts = labels.counted(units.read(ref, ["label", "unreadable"]) for ref in refs)
    if counts.keys() == {None}:
        table = units.read(refs[0], ["extra", "unreadable"])
        field = labels.likely(table.filter(readable(table))["extra"])
        return [f"no label: {labels.hint(field)}"] if field else []
    return labels.notes(counts)


def _summary(units: Units, refs: Sequence[Ref]) -> str:
    """How many rows there are, and how many of them could not be read: silence would hide a wrong column or format."""
    total = sum(ref.rows for ref in refs)
    unreadable = sum(ref.rows - units.read(ref, ["unreadable"])["unreadable"].null_count for ref in refs)
    return f"{total:,} {'row' if total == 1 else 'rows'}" + (
        f", {unreadable:,} of them unreadable" if unreadable else ""
    )


def _guessed(sources: Sequence[Source]) -> list[str]:
    """Which encodings were told from bytes that are neither marked nor UTF-8: mostly a guess, which may be wrong."""
    codings = [source.coding for source in sources if not source.coding.bom]
    counts = Counter(
        coding.encoding for coding in codings if coding.encoding and codecs.lookup(coding.encoding).name != "utf-8"
    )
    of = "" if len(sources) == 1 else " of {:,} files"
    return [
        (f"{count:,}{of.format(len(sources))} " if of else "") + f"read as {name}"
        for name, count in counts.most_common()
    ]


def _unit(blocks: list[Block], secret: bytes) -> Unit:
    formats = [format_method(name).identity for name in sorted({block.source.format for block in blocks})]
    fingerprint = hmac.digest(secret, b"adaptline: the secret of subjects", "sha256").hex() if secret else None
    meaning = [registry.load("step", "ingest").identity, formats, fingerprint, [block.meaning for block in blocks]]
    return Unit(meaning, {"blocks": blocks, "secret": secret})


def _windows(packs: Iterator[list[Block]]) -> Iterator[list[list[Block]]]:
    """Units in runs whose payloads fit in memory; files that are neither compressed nor recoded weigh nothing."""
    window: list[list[Block]] = []
    weight = 0
    for blocks in packs:
        window.append(blocks)
        weight += sum(len(block.payload or b"") for block in blocks)
        if weight >= _WINDOW:
            yield window
            window, weight = [], 0
    if window:
        yield window


def _segments(blocks: list[Block], ref: Ref) -> list[list[Any]]:
    """Which rows of which files a shard holds: [file, first row, rows]."""
    return [[block.source.name, block.first_row, ref.rows if block.rows is None else block.rows] for block in blocks]


def _files(sources: Sequence[Source], segments: list[list[list[Any]]]) -> list[dict[str, Any]]:
    rows = dict.fromkeys((source.name for source in sources), 0)
    for name, _, count in (segment for shard in segments for segment in shard):
        rows[name] += count
    return [{"file": source.name, "rows": rows[source.name], **describe(source)} for source in sources]
