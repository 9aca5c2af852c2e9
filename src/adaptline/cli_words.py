"""What a recipe's words are on a command line: `label = "x"` is `--label x` there, `{ use = "length", min = 5 }` length:min=5.

Knows how recipes and command lines are written. Knows nothing of what is said.
"""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Collection

_VALUE = r'"(?:[^"\\]|\\.)*"|\[[^\]]*\]|\.\.\.|[^\s,}\])"]+'
_METHOD = re.compile(rf'\{{ use = "([^"]+)"((?:, \w+ = (?:{_VALUE}))*) \}}')
_SETTING = re.compile(rf"\b(\w+) = ({_VALUE})")
_OPEN = "..."  # a value that the reader fills in


def as_typed(text: str, options: Collection[str]) -> str:
    """A message that speaks as a recipe is written, as one who types would say it.

    Args:
        text: the message.
        options: the parameters that have an option of their own; all others belong to methods.
    """

    def method(found: re.Match[str]) -> str:
        return ":".join([found[1], *(f"{name}={value}" for name, value in _SETTING.findall(found[2]))])

    def setting(found: re.Match[str]) -> str:
        name, value = found[1], found[2]
        end = value[len(value.rstrip(".;")) :] if value != _OPEN else ""  # of the sentence
        value = value.removesuffix(end)
        if name not in options:
            return f"{name}={value}{end}"
        value = "NAME" if value.strip('"') == _OPEN else _bare(value)
        return f"{_option(name)} {value}{end}"

    names = "|".join(map(re.escape, options))
    text = re.sub(rf"^({names}) (?=must |is |does |has |cannot )", lambda found: f"{_option(found[1])} ", text)
    text = _SETTING.sub(setting, _METHOD.sub(method, text))
    return re.sub(rf"\b({names}) =(?=[ ,.;?]|$)", lambda found: _option(found[1]), text)


def _option(name: str) -> str:
    return "--" + name.replace("_", "-")


def _bare(value: str) -> str:
    """A value as a shell takes it: a string without its quotes, a list of plain ones with commas."""
    if value.startswith('"'):
        return shlex.quote(json.loads(value))
    if not value.startswith("["):
        return value
    entries = re.fullmatch(r'\["[\w./:-]+"(?:, "[\w./:-]+")*\]', value)
    return ",".join(json.loads(value)) if entries else shlex.quote(value)
