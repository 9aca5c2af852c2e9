"""Which fields of a source hold what: named by the user, or told from their names.

Knows field names and the shapes of training data: plain or labelled text, prompt and completion, chats. Knows neither
files nor how a record becomes a row (records.py).
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

from adaptline.errors import UserError, did_you_mean

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

Value = dict[str, Any]  # a record: field -> value

# What field names say when nothing is named, in this order: chats, pairs, texts.
CHATS = ("messages", "conversations")
PROMPTS = {
    "prompt": ("completion", "response"),
    "question": ("answer",),
    "instruction": ("output", "response", "completion"),
}
CONTEXT = {"instruction": "input"}
SYSTEM, HISTORY = "system", "history"  # beside ShareGPT's conversations and Alpaca's instruction
TEXTS = ("text", "content")
LISTS = ('[{"', '["')  # how a list begins that is written as JSON where a source has no lists
_LONGEST_SHOWN = 30  # characters
_SCALARS = (str, bool, int, float)  # what has a spelling: records.py
_SUBJECTS = ("subject", *(f"subject_{number}" for number in range(2, 100)))
TAKEN_BY_NAME = ("label", "references", "split")


@dataclass(frozen=True)
class Columns:
    """Which fields of a source hold what; None where none does. Fields without names go by position: "0", "1".

    `context` follows the prompt after a blank line where it is not empty (Alpaca's `input`); `system` goes before a chat or
    a prompt as what the system says, and `history` as earlier questions with their answers.
    """

    text: str | None = None
    label: str | None = None
    prompt: str | None = None
    context: str | None = None
    completion: str | None = None
    messages: str | None = None
    system: str | None = None
    history: str | None = None
    references: str | None = None
    split: str | None = None
    group: str | None = None
    subject: tuple[str, ...] = ()

    @classmethod
    def told(cls, names: Mapping[str, Any]) -> Columns:
        """The columns that an artifact's detail tells of a file."""
        return cls(**{**names, "subject": tuple(names.get("subject", ()))})

    @classmethod
    def among(cls, values: Mapping[str, Any]) -> Columns:
        """The columns that parameters name, whatever else these say."""
        return cls.told({entry.name: values[entry.name] for entry in fields(cls) if entry.name in values})

    @cached_property
    def named(self) -> tuple[str, ...]:
        """Every field that is named, in the order of the columns."""
        single = [getattr(self, entry.name) for entry in fields(self) if entry.name != "subject"]
        return tuple(dict.fromkeys([name for name in single if name is not None] + list(self.subject)))

    @cached_property
    def nested(self) -> tuple[str, ...]:
        """Those that are named by a path."""
        return tuple(name for name in self.named if "." in name)

    @property
    def content(self) -> tuple[str, ...]:
        """The fields that hold what is trained on."""
        asked = (self.prompt, self.context, self.completion, self.messages, self.system, self.history)
        return tuple(name for name in (self.text, *asked) if name is not None)

    def check(self) -> None:
        """Raises UserError where the columns contradict each other."""
        kinds = [name for name in ("text", "prompt", "messages") if getattr(self, name) is not None]
        if len(kinds) > 1:
            raise UserError(
                f"{' and '.join(kinds)} cannot both be given",
                do="A row is a text, a prompt with its completion, or messages.",
            )
        if self.prompt is None and (given := self.completion or self.context or self.history):
            raise UserError(f"{given!r} needs a prompt", do='Name it: prompt = "question".')
        if self.prompt is None and self.messages is None and self.system:
            raise UserError(
                f"{self.system!r} needs a chat or a prompt",
                do='Name it: messages = "conversations", or prompt = "question".',
            )
        single = [name for entry in fields(self) if entry.name != "subject" and (name := getattr(self, entry.name))]
        for name in single:
            if single.count(name) > 1 or (name in self.subject and name != self.group):
                raise UserError(
                    f"field {name!r} is named twice", do="Each field is one column; only a group may be a subject too."
                )


UNNAMED = Columns()


def detect(sample: Sequence[Value], wanted: Columns) -> Columns | None:
    """The columns that a source's fields stand for, by their names, where the user named none.

    `messages` or `conversations`; `prompt` with `completion` or `response`; `question` with `answer`; `instruction`,
    with `input` for its context, and `output`, `response` or `completion`; `text` or `content`; a field that is alone.
    `system` beside messages or an instruction, and `history` beside the latter, go before them.
    `label`, `references` and `split` are what their names say. Case does not matter. A field is passed over where most of its values do not fit:
    one row that is unlike the others must not change what they mean.

    Args:
        sample: records, as many as it takes to see the fields.
        wanted: what the user named; it is left as it is.

    Returns:
        None where nothing was named and no name is known.
    """
    names = _spelled(sample)
    found: dict[str, Any] = {} if wanted.content else _content(sample, names)
    if not found and not wanted.content:
        return None
    taken = {*wanted.named, *found.values()}
    for name in TAKEN_BY_NAME:
        kind = list if name == "references" else str
        field = names.get(name, name)
        if getattr(wanted, name) is None and field not in taken and _holds(sample, field, kind):
            if name == "references" and not _are_answers(sample, field):
                continue
            found[name] = field
    return replace(wanted, **found)


def _spelled(sample: Sequence[Value]) -> dict[str, str]:
    """A field's name in lower case -> as the source spells it; a name that is there in lower case itself comes first."""
    names = dict.fromkeys(name for value in sample for name in value)
    return {name.lower(): name for name in names} | {name: name for name in names}


def _content(sample: Sequence[Value], names: Mapping[str, str]) -> dict[str, Any]:
    for chat in CHATS:
        if _holds(sample, names.get(chat, chat), list):
            return {"messages": names[chat]} | _beside(sample, names, SYSTEM)
    for prompt, completions in PROMPTS.items():
        completion = next((name for name in completions if _holds(sample, names.get(name, name), str)), None)
        if completion and _holds(sample, names.get(prompt, prompt), str):
            found = {"prompt": names[prompt], "completion": names[completion]}
            context = CONTEXT.get(prompt)
            if context and _holds(sample, names.get(context, context), str):
                found["context"] = names[context]
            return found | (_beside(sample, names, SYSTEM, HISTORY) if context else {})
    for text in TEXTS:
        if _holds(sample, names.get(text, text), str):
            return {"text": names[text]}
    every = {name for value in sample for name in value}
    return {"text": every.pop()} if len(every) == 1 else {}


def _beside(sample: Sequence[Value], names: Mapping[str, str], *wanted: str) -> dict[str, Any]:
    """The fields of those names that are there, each as the column that is called so."""
    kinds = {SYSTEM: str, HISTORY: list}
    return {name: names[name] for name in wanted if _holds(sample, names.get(name, name), kinds[name])}


def nested(sample: Sequence[Value]) -> str | None:
    """The path of a text inside an object or a list of objects, as an example of one; None where there is none."""
    for value in sample:
        for name, entry in value.items():
            at, inner = (f"{name}.0", entry[0]) if isinstance(entry, list) and entry else (name, entry)
            # A time of a typed file (moments.py) is a str, too, but no text.
            texts = [key for key, text in inner.items() if type(text) is str] if isinstance(inner, dict) else []
            if texts:
                return f"{at}.{max(texts, key=lambda key: len(inner[key]))}"
    return None


def _are_answers(sample: Sequence[Value], name: str) -> bool:
    """Whether most references are lists of scalars: a list of citations is no list of right answers."""
    lists = [value[name] for value in sample if value.get(name) is not None]
    fit = sum(_is_list(given) and all(isinstance(entry, _SCALARS) for entry in given) for given in lists)
    return fit * 2 > len(lists)


def _holds(sample: Sequence[Value], name: str, kind: type) -> bool:
    """Whether a field is there and more than half of its values, nulls aside, are scalars (`kind` str) or lists."""
    values = [value[name] for value in sample if value.get(name) is not None]
    fit = sum(_is_list(value) if kind is list else isinstance(value, _SCALARS) for value in values)
    return fit * 2 > len(values)


def _is_list(value: Any) -> bool:
    return isinstance(value, list) or (isinstance(value, str) and value.startswith(LISTS))


def by_position(columns: Columns, header: Sequence[str]) -> Columns:
    """The columns with positions in a header ("1") as the names that stand there, where nothing is called so."""

    def name(given: str) -> str:
        return header[int(given)] if given.isdigit() and given not in header and int(given) < len(header) else given

    single: dict[str, Any] = {
        entry.name: name(value)
        for entry in fields(columns)
        if entry.name != "subject" and (value := getattr(columns, entry.name)) is not None
    }
    return Columns(**single, subject=tuple(map(name, columns.subject)))


def names_for_positions(columns: Columns) -> dict[str, str]:
    """What fields without names are called where they are written: what they hold, in words that `detect` knows.

    A field that the user named by its position and that no header names ("1") gets a name; any other keeps its own.
    """
    told = {"prompt": "instruction", "completion": "output", "context": "input"}
    names = told if columns.context or columns.system or columns.history else {}
    single = [(entry.name, getattr(columns, entry.name)) for entry in fields(columns) if entry.name != "subject"]
    subjects = zip(_SUBJECTS, columns.subject, strict=False)
    found = {given: names.get(role, role) for role, given in [*subjects, *single] if given is not None}
    return {given: name for given, name in found.items() if given.isdecimal()}


def is_unicode(name: str) -> bool:
    """Whether a name can be written as UTF-8: no half of a UTF-16 pair, and no byte of another encoding, stands in it."""
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


def shortened(names: Iterable[str]) -> str:
    """Names for a message: quoted, long ones cut, so that a line of text taken for a header does not fill the screen."""
    return ", ".join(repr(name if len(name) <= _LONGEST_SHOWN else f"{name[:_LONGEST_SHOWN]}...") for name in names)


def require(columns: Columns, missing: str, known: Sequence[str], *, by_header: bool) -> None:
    """Raises UserError for a field that is named but that no row of a file has.

    Args:
        columns: what is named.
        missing: the field.
        known: the fields that the rows have.
        by_header: whether a first line is taken to name them.
    """
    role = next((entry.name for entry in fields(columns) if getattr(columns, entry.name) == missing), "subject")
    if all(name.isdigit() for name in known):
        do = f"Its fields have no names: say {known[0]!r} to {known[-1]!r}, or header = true if its first line names them."
    else:
        hint = did_you_mean(missing, known)
        do = f"It has {shortened(known)}." + (f" {hint}" if hint.endswith("?") else "")
        do += ' If its first line names no columns, name them by position: "0".' if by_header else ""
    raise UserError(
        f"no column {missing!r} (named as {role})", do=do, brief=f"no column of the name that is given as {role}"
    )
