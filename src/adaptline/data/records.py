"""How a record of a source becomes the columns of a shard, and back.

Knows records and columns. Knows nothing of files and formats. The rules:

- A text, prompt or completion is a string. A number or Boolean becomes its JSON spelling; a list, an object or null
  makes the row unreadable, as does a row without the field. A label, split or group may be absent, null or
  NaN, as pandas writes a missing one.
- A chat is a list of {role, content} (OpenAI's form) or of {from, value} (ShareGPT's, whose function_call is the assistant's
  and whose observation is a tool's). Contents that are lists of text parts are joined; any other part makes the row
  unreadable. What a system field says and earlier turns (Alpaca's history) go before it.
- A list of messages or references may be written as JSON in a string, as a csv has it.
- A field that a column holds exactly leaves `extra`; one that it holds only in part (a number as its spelling, a chat
  with tool calls, a prompt with its context) stays there too, so that a record can be written back as it came.
- A field inside an object or a list is named by its path ("message.body", "replies.0.text", "turns.0"); it leaves them for its
  column (in a list null keeps its place), and comes back.
- A subject's value leaves no trace but its HMAC-SHA256 under the store's secret (RFC 2104).
"""

from __future__ import annotations

import base64
import hmac
import json
import math
from typing import TYPE_CHECKING, Any

import msgspec

from adaptline.data.respelling import respelled
from adaptline.data.schemas import LISTS

if TYPE_CHECKING:
    from adaptline.data.schemas import Columns, Value

Message = tuple[str, str | None]  # role, content

# ShareGPT's roles, with those that LLaMA-Factory added for tools, and Open Assistant's for who asks.
_ROLES = {
    "human": "user",
    "prompter": "user",
    "gpt": "assistant",
    "function_call": "assistant",
    "observation": "tool",
}
TOO_DEEP = "nested too deeply"
_SIMPLE = frozenset([str, int, bool, type(None)])
_PAIR = 2  # a question and its answer
_ABSENT: Any = object()
_KINDS = {
    list: "a list",
    dict: "an object",
    type(None): "null",
    str: "a string",
    bool: "true or false",
    int: "a number",
    float: "a number",
}


def _spelling(value: Any) -> str:
    """A value that JSON does not know (a date, a decimal, bytes of a typed source) as a person would write it."""
    if isinstance(value, bytes):
        try:
            return value.decode()
        except UnicodeDecodeError:
            return base64.b64encode(value).decode()
    return str(value)


encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), default=_spelling).encode
_encode_simple = msgspec.json.Encoder().encode
_encode_strictly = json.JSONEncoder(
    ensure_ascii=False, separators=(",", ":"), default=_spelling, allow_nan=False
).encode


def encode_fields(record: Value) -> str:
    """The same as `encode` of a record, sooner where its values are no floats (msgspec spells these otherwise) and hold no others."""
    if all(type(value) in _SIMPLE for value in record.values()):
        return _encode_simple(record).decode()
    return encode(record)


def encode_strictly(value: Any) -> str:
    """JSON as RFC 8259 has it: what is no number there (NaN, infinity) becomes null."""
    try:
        return _encode_strictly(value)
    except ValueError:
        return _encode_strictly(_without_nan(value))


def _without_nan(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_nan(entry) for key, entry in value.items()}
    if isinstance(value, list | tuple):  # the pairs of a Parquet map are tuples
        return [_without_nan(entry) for entry in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def has_half_pairs(text: str) -> bool:
    """Whether escapes of a text may stand for halves of UTF-16 pairs; a cheap question before `half_pair`."""
    return "\\ud" in text or "\\uD" in text


def half_pair(value: Any) -> str | None:
    """Why a value cannot be written as UTF-8, if so: JSON lets an escape stand for half a character."""
    try:
        encode(value).encode()
    except RecursionError:
        return TOO_DEEP
    except UnicodeEncodeError as error:
        return f"half of a UTF-16 pair (\\u{ord(error.object[error.start]):04x}) is no character"
    return None


class UnreadableError(Exception):
    """A record that does not fit its columns; the text says why."""


def lift(value: Value, columns: Columns) -> None:
    """Moves the fields that are named by a path out of their objects, to the path as a name, in place."""
    for name in columns.nested:
        if name in value:
            continue
        inner, last = _inner(value, name), name.rpartition(".")[2]
        if isinstance(inner, dict) and last in inner:
            value[name] = inner.pop(last)
        elif isinstance(inner, list) and last.isdecimal() and int(last) < len(inner):
            value[name], inner[int(last)] = inner[int(last)], None  # the others keep their places


def _inner(value: Value, path: str) -> Any:
    """What holds the last field of a path."""
    found: Any = value
    for part in path.split(".")[:-1]:
        if isinstance(found, list):
            found = found[int(part)] if part.isdecimal() and int(part) < len(found) else None
        else:
            found = found.get(part) if isinstance(found, dict) else None
    return found


def take_messages(value: Value, columns: Columns) -> list[Message]:
    """The messages of a record; the fields that they hold exactly are removed from it.

    Raises:
        UnreadableError: a field is missing or not of its kind.
    """
    if columns.text is not None:
        return [("text", _take_text(value, columns.text, "text"))]
    before = _before(value, columns)
    if columns.messages is not None:
        chat = _take_chat(value, columns.messages)
        if before and chat[0][0] == "system":
            raise UnreadableError(f"the system speaks in {columns.system!r} and in {columns.messages!r}")
        return before + chat
    messages: list[Message] = [*before, ("user", _take_prompt(value, columns))]
    if columns.completion is not None:
        messages.append(("assistant", _take_text(value, columns.completion, "completion")))
    return messages


def _before(value: Value, columns: Columns) -> list[Message]:
    """What the system says and the turns before; both stay in the record, as a chat holds them only in part."""
    messages: list[Message] = []
    if columns.system is not None and value.get(columns.system):
        messages.append(("system", _spelled(value[columns.system], columns.system)))
    for number, turn in enumerate(_turns(value, columns.history), 1):
        if not (isinstance(turn, list) and len(turn) == _PAIR and all(isinstance(said, str) for said in turn)):
            raise UnreadableError(f"turn {number} of {columns.history!r} is no question with its answer")
        messages += [("user", turn[0]), ("assistant", turn[1])]
    return messages


def _turns(value: Value, name: str | None) -> list[Any]:
    found = None if name is None else value.get(name)
    if found and not isinstance(found, list):
        raise UnreadableError(f"{name!r} is {kind_of(found)}, not a list of turns")
    return found or []


def take_scalar(value: Value, name: str | None) -> str | None:
    """The spelling of an optional field, removed from the record where it is a string; of null and NaN none. Raises UnreadableError."""
    if name is None or _is_none(found := value.get(name)):
        return None
    if type(found) is str:
        del value[name]
        return found
    return _spelled(found, name)


def _is_none(found: Any) -> bool:
    """Whether a value stands for none: null, or the NaN that pandas puts into a column of numbers for it."""
    return found is None or (isinstance(found, float) and math.isnan(found))


def take_references(value: Value, name: str | None) -> list[str] | None:
    """The references of a record: a list of strings, removed from it, or one string. Raises UnreadableError."""
    if name is None or (found := _listed(value.get(name))) is None:
        return None
    if isinstance(found, list):
        references = [_spelled(entry, name) for entry in found]
        _refuse_half_pairs(references, value[name])
        if references == found:
            del value[name]
        return references
    return [_spelled(found, name)]


def subject_hash(secret: bytes, identity: str) -> str:
    """The hexadecimal HMAC-SHA256 that stands for a person: the same for one value in every source of a store."""
    return hmac.digest(secret, identity.encode("utf-8", "surrogatepass"), "sha256").hex()


def take_people(value: Value, columns: Columns, secret: bytes) -> tuple[str | None, list[str] | None]:
    """The group of a record and the HMACs of its people, each once; their fields are removed from it.

    A group that is a person is their HMAC too. Raises UnreadableError.
    """
    group = columns.group
    person = group in columns.subject
    grouped = take_scalar(value if not person else dict(value), group)
    found: list[str] = []
    for name in columns.subject:
        given = value.pop(name, None)
        people = given if isinstance(given, list) else [given]
        found += [subject_hash(secret, _spelled(entry, name)) for entry in people if not _is_none(entry)]
    if person and grouped is not None:
        grouped = subject_hash(secret, grouped)
    return grouped, list(dict.fromkeys(found)) or None


def write_back(row: Value, columns: Columns, *, like: Any = None, typed: bool = False) -> Value:
    """The record that a row of a shard stands for: its fields under the source's names, `extra` beside them.

    Args:
        row: a row of core/rows.COLUMNS as Python values, `extra` parsed.
        columns: the source's names; where one is None the column's own name is used. A subject's HMAC takes the place of
            what was hashed, under the name of the first field of subjects.
        like: a value as the labels of other rows are, where this one's was null.
        typed: whether `extra` was a struct, in which a field that was lifted is null; in JSON it is not there.
    """
    extra: Value = dict(row["extra"] or {})
    messages = [(message["role"], message["content"]) for message in row["messages"] or []]
    record = _written_messages(messages, columns, extra)
    for column in ("label", "split", "group"):
        name = getattr(columns, column)
        if row[column] is not None and not (
            (name or column) in extra and (name is None or encode_plain(extra[name]) == row[column])
        ):
            others = like if column == "label" else None
            record[name or column] = _again(row[column], extra[name], others) if name in extra else row[column]
    name = columns.references or "references"
    if row["references"] is not None and not (
        name in extra and take_references({name: extra[name]}, name) == row["references"]
    ):
        record[name] = row["references"]
    if people := row["subject"]:
        record[next(iter(columns.subject), "subject")] = people[0] if len(people) == 1 else people
    record |= {key: entry for key, entry in extra.items() if key not in record}
    _put_back(record, columns, typed=typed)
    return record


def _again(spelling: str, before: Any, like: Any) -> Any:
    """A new spelling of a field as a value of the kind that it was."""
    value = respelled(spelling, like if before is None else before)
    return spelling if value is None else value


def _put_back(record: Value, columns: Columns, *, typed: bool) -> None:
    """What `lift` moved out of its objects, back into them; a field whose own name is like a path stays where it is."""
    for name in columns.nested:
        inner, last = _inner(record, name), name.rpartition(".")[2]
        if name not in record:
            continue
        if isinstance(inner, dict) and (last in inner) == typed and inner.get(last) is None:
            inner[last] = record.pop(name)
        elif isinstance(inner, list) and last.isdecimal() and int(last) < len(inner) and inner[int(last)] is None:
            inner[int(last)] = record.pop(name)


def encode_plain(value: Any) -> str:
    """A scalar's spelling: a string as it is, what JSON knows as JSON, a date or a decimal as it is written."""
    if type(value) is str:
        return value
    known = value is None or isinstance(value, bool | int | float | list | dict)
    return encode(value) if known else _spelling(value)


def kind_of(value: Any) -> str:
    """A value's kind in words."""
    return _KINDS.get(type(value), f"a {type(value).__name__}")


def _take_text(value: Value, name: str, role: str) -> str:
    found = value.get(name, _ABSENT)
    if type(found) is str:
        del value[name]
        return found
    if found is _ABSENT:
        raise UnreadableError(f"no field {name!r} ({role})")
    return _spelled(found, name)


def _take_prompt(value: Value, columns: Columns) -> str:
    name, context = str(columns.prompt), columns.context
    if context is None or not value.get(context):
        return _take_text(value, name, "prompt")
    found = value.get(name, _ABSENT)
    if found is _ABSENT:
        raise UnreadableError(f"no field {name!r} (prompt)")
    return f"{_spelled(found, name)}\n\n{_spelled(value[context], context)}"


def _spelled(value: Any, name: str) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, bool | int | float):
        return encode(value)
    raise UnreadableError(f"{name!r} is {kind_of(value)}, not a string")


def _take_chat(value: Value, name: str) -> list[Message]:
    found = _listed(value.get(name, _ABSENT))
    if found is _ABSENT:
        raise UnreadableError(f"no field {name!r} (messages)")
    if not isinstance(found, list):
        raise UnreadableError(f"{name!r} is {kind_of(found)}, not a list of messages")
    if not found:
        raise UnreadableError(f"{name!r} is empty")
    messages = [_message(entry, name, number) for number, entry in enumerate(found, 1)]
    _refuse_half_pairs(messages, value[name])
    if found == [{"role": role, "content": content} for role, content in messages]:
        del value[name]
    return messages


def _listed(value: Any) -> Any:
    """A list of objects or strings that is written as JSON, as tables have it, as that list; else the value itself."""
    if not (isinstance(value, str) and value.startswith(LISTS)):
        return value
    try:
        found = json.loads(value)
    except (ValueError, RecursionError):
        return value
    return found if isinstance(found, list) and len({type(entry) for entry in found} & {str, dict}) == 1 else value


def _refuse_half_pairs(taken: Any, field: Any) -> None:
    """Raises UnreadableError for half a character in what was decoded here; a reader has looked at the rest."""
    if isinstance(field, str) and has_half_pairs(field) and (why := half_pair(taken)):
        raise UnreadableError(why)


def _message(entry: Any, name: str, number: int) -> Message:
    where = f"message {number} of {name!r}"
    if not isinstance(entry, dict):
        raise UnreadableError(f"{where} is {kind_of(entry)}, not an object")
    role, content = entry.get("role", entry.get("from")), entry.get("content", entry.get("value"))
    if not isinstance(role, str):
        raise UnreadableError(f"{where} has no role")
    if isinstance(content, list):
        content = _joined(content, where)
    if content is not None and not isinstance(content, str):
        raise UnreadableError(f"the content of {where} is {kind_of(content)}, not a string")
    return _ROLES.get(role, role), content


def _joined(parts: list[Any], where: str) -> str:
    texts = []
    for part in parts:
        text = (
            part
            if isinstance(part, str)
            else part.get("text")
            if isinstance(part, dict) and part.get("type") == "text"
            else None
        )
        if not isinstance(text, str):
            kind = part.get("type") if isinstance(part, dict) else kind_of(part)
            raise UnreadableError(f"{where} has a part that is no text: {kind}")
        texts.append(text)
    return "\n".join(texts)


def _written_messages(messages: list[Message], columns: Columns, extra: Value) -> Value:
    record: Value = {}
    if columns.system is not None and extra.get(columns.system) and messages and messages[0][0] == "system":
        record |= _kept(columns.system, messages[0][1], extra)
        messages = messages[1:]
    if columns.history is not None and (turns := extra.get(columns.history)):
        said = [content for _, content in messages[: _PAIR * len(turns)]]
        record[columns.history] = [list(turn) for turn in zip(said[::_PAIR], said[1::_PAIR], strict=True)]
        messages = messages[_PAIR * len(turns) :]
    return record | _written_rest(messages, columns, extra)


def _written_rest(messages: list[Message], columns: Columns, extra: Value) -> Value:
    roles = [role for role, _ in messages]
    if roles == ["text"] and columns.messages is None:
        return _kept(columns.text or "text", messages[0][1], extra)
    if columns.messages is None and roles in (["user"], ["user", "assistant"]):
        record = _written_prompt(messages[0][1], columns, extra)
        return record if len(roles) == 1 else record | _kept(columns.completion or "completion", messages[1][1], extra)
    return {columns.messages or "messages": _written_chat(messages, extra.get(columns.messages or "messages"))}


def _kept(name: str, content: str | None, extra: Value) -> Value:
    """A field as it came where its spelling is the content still, else the content."""
    same = name in extra and encode_plain(extra[name]) == content
    return {name: extra[name] if same else content}


def _written_prompt(content: str | None, columns: Columns, extra: Value) -> Value:
    name, context = columns.prompt or "prompt", columns.context
    if context is None or not extra.get(context) or name not in extra:
        return _kept(name, content, extra)
    if f"{encode_plain(extra[name])}\n\n{encode_plain(extra[context])}" == content:
        return {name: extra[name], context: extra[context]}
    return {name: content, context: ""}


def _written_chat(messages: list[Message], original: Any) -> list[Any]:
    """The original with the contents that changed; plain messages where there is none or it has others."""
    if not isinstance(original, list) or len(original) != len(messages):
        return [{"role": role, "content": content} for role, content in messages]
    written = []
    for entry, (role, content) in zip(original, messages, strict=True):
        before = _message(entry, "messages", 0)
        place = "content" if "content" in entry else "value"
        written.append(entry if before == (role, content) else {**entry, place: content})
    return written
