"""Guards before an answer: functions of the prompt's text that give a reason to refuse it, or None.

Knows how a release names its guards and what of a body is prompt. Knows nothing of what a guard looks for. Fails closed: a
guard that raises, or a prompt of which not all can be seen as text, is refused.
"""

from __future__ import annotations

import functools
import logging
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from adaptline.core.artifacts import Use
from adaptline.deploy.calls import Endpoint
from adaptline.deploy.errors import RefusedError

Guards = tuple[tuple[str, Callable[[str], str | None]], ...]
_log = logging.getLogger("adaptline.deploy")


def prepare(uses: Iterable[Use]) -> Guards:
    """A release's guards as plain functions. Raises UserError for one that is not what the release was made with."""
    found = []
    for use in uses:
        method = use.load()
        found.append((method.name, functools.partial(method.function, **use.parameters)))
    return tuple(found)


def check(guards: Guards, endpoint: Endpoint, body: Mapping[str, Any]) -> None:
    """Raises RefusedError where a guard has a reason. The reason is the guard's own words and holds no text of the prompt."""
    text = _prompt(endpoint, body)
    for name, guard in guards:
        try:
            reason = None if text is None else guard(text)
        except Exception as error:  # noqa: BLE001 - a guard that cannot tell is a guard that refuses
            # Not the error's own words: they may hold the prompt.
            _log.error("guard %s failed with %s; its prompt was refused", name, type(error).__name__)
            raise RefusedError(400, f"refused by {name}: it could not judge", code="content_filter") from None
        if text is None or reason is not None:
            raise RefusedError(400, f"refused by {name}: {reason or 'no text to judge'}", code="content_filter")


# What may stand in a body and be read by whoever answers, besides the prompt itself: a guard does not see it.
_UNSEEN = ("tools", "functions", "suffix", "prediction", "audio", "response_format", "prompt", "messages", "input")
_ASKED: dict[Endpoint, str] = {"chat/completions": "messages", "completions": "prompt", "classify": "input"}
_ROLES = {"role", "content", "name"}  # what a message may have


def _prompt(endpoint: Endpoint, body: Mapping[str, Any]) -> str | None:
    """All text that a body asks about; None where it holds more than such text: tokens, images, calls of tools."""
    asked = _ASKED[endpoint]
    if any(body.get(name) for name in _UNSEEN if name != asked):
        return None
    value = body.get(asked)
    if endpoint == "chat/completions":
        pieces = [_of_message(message) for message in value] if isinstance(value, list) else [None]
    else:
        entries = value if isinstance(value, list) else [value]
        pieces = [entry if isinstance(entry, str) else None for entry in entries]
    return None if None in pieces else "\n".join(piece for piece in pieces if piece is not None)


def _of_message(message: Any) -> str | None:
    """A message's text, its parts without a gap between them as one might have been put there on purpose."""
    if not isinstance(message, dict) or any(value for name, value in message.items() if name not in _ROLES):
        return None
    content = message.get("content")
    if not isinstance(content, list):
        return content if isinstance(content, str) else None
    parts = [_of_part(part) for part in content]
    return None if None in parts else "".join(part for part in parts if part is not None)


def _of_part(part: Any) -> str | None:
    plain = isinstance(part, dict) and part.keys() == {"type", "text"} and part["type"] == "text"
    return part["text"] if plain and isinstance(part["text"], str) else None
