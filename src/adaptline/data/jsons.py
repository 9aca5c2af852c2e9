"""What the JSON formats share: how text becomes values, values fields, and what can be wrong with it in plain words.

msgspec decodes JSON two to three times as fast as Python's json, to the same values (tests hold it to that), but takes no NaN,
no Infinity and no half of a UTF-16 pair, and says other things of what is wrong. So whatever it does not take goes to json.
"""

from __future__ import annotations

from collections.abc import Iterator
from json import JSONDecodeError, JSONDecoder
from pathlib import Path
from typing import Any

import msgspec

from adaptline.data.records import TOO_DEEP, half_pair, has_half_pairs, kind_of
from adaptline.data.schemas import Value
from adaptline.errors import UserError

decode_strictly = msgspec.json.Decoder().decode
"""Text or UTF-8 to a value, as RFC 8259 has it. Raises NOT_STRICT; what stands in it can be written as UTF-8."""
NOT_STRICT = (ValueError, RecursionError)  # msgspec's own errors, and those of an encoding, are ValueErrors
_decode = JSONDecoder().decode


def decode(text: str) -> Any:
    """Text to a value as Python's json has it, with NaN and Infinity. Raises ValueError, or RecursionError."""
    try:
        return decode_strictly(text)
    except NOT_STRICT:
        return _decode(text)


def objects(path: Path, example: str) -> Iterator[tuple[int, dict[str, Any]]]:
    """The objects of a small file of JSON lines that a person may have written, each with its 1-based line; empty lines pass.

    Raises:
        UserError: it is no UTF-8, or a line is no object; `example` says what a line is like.
    """
    try:
        text = path.read_bytes().decode(
            "utf-8-sig"
        )  # as text \r would end lines, too, and numbers be others than in bytes
    except UnicodeDecodeError as error:
        what = f"not UTF-8: {error.reason} at byte {error.start}"
        raise UserError(what, where=path, do="Save it as UTF-8.") from error
    # Only these ends are ends of JSON lines: a string may hold U+2028 and its like as they are.
    for number, line in enumerate(text.split("\n"), 1):
        if line.strip():
            try:
                value = decode(line.strip())
            except (ValueError, RecursionError) as error:
                raise UserError(why_not(error), where=path, line=number, do=f"A line is like {example}") from error
            if not isinstance(value, dict):
                raise UserError(
                    f"{kind_of(value)}, not an object", where=path, line=number, do=f"A line is like {example}"
                )
            yield number, value


def decode_record(text: str) -> tuple[Value | None, str | None]:
    """The fields of a record that is not strictly JSON, or why it is none."""
    try:
        value = fields_of(decode(text))
    except NOT_STRICT as reason:
        return None, why_not(reason)
    why = half_pair(value) if has_half_pairs(text) else None
    return (None, why) if why else (value, None)


def fields_of(value: Any) -> Value:
    """A value's fields: an object's own; those of an array, and a string alone, by position. Raises ValueError for others."""
    if type(value) is dict:
        return value
    if type(value) is list:
        return {str(position): entry for position, entry in enumerate(value)}
    if type(value) is str:
        return {"0": value}
    raise ValueError(f"{kind_of(value)}, not an object")


def why_not(error: ValueError | RecursionError) -> str:
    """What is wrong with a text that is no JSON, with the place in its line."""
    if isinstance(error, RecursionError):
        return TOO_DEEP
    return f"not JSON: {error.msg} at character {error.colno}" if isinstance(error, JSONDecodeError) else str(error)
