"""Guards before an answer: functions of the prompt's text that give a reason to refuse it, or None.

Knows how a release names its guards and what of a body is prompt. Knows nothing of what a guard looks for. Fails closed: a
guard that raises, or a prompt whose text cannot be seen, is refused.
"""

from __future__ import annotations

import functools
import logging
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from adaptline.core.artifacts import Use
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


def check(guards: Guards, body: Mapping[str, Any]) -> None:
    """Raises RefusedError where a guard has a reason. The reason is the guard's own words and holds no text of the prompt."""
    text = _prompt(body)
    for name, guard in guards:
        try:
            reason = None if text is None else guard(text)
        except Exception:  # noqa: BLE001 - a guard that cannot tell is a guard that refuses
            _log.exception("guard %s failed; its prompt was refused", name)
            raise RefusedError(400, f"refused by {name}: it could not judge", code="content_filter") from None
        if text is None or reason is not None:
            raise RefusedError(400, f"refused by {name}: {reason or 'no text to judge'}", code="content_filter")


def _prompt(body: Mapping[str, Any]) -> str | None:
    """All text that a body asks about; None where part of it is no text (tokens, images)."""
    pieces = list(_pieces(body.get("messages") or body.get("prompt") or body.get("input")))
    return None if None in pieces else "\n".join(piece for piece in pieces if piece is not None)


def _pieces(value: Any) -> Iterator[str | None]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, list):
        for entry in value:
            yield from _pieces(entry)
    elif isinstance(value, dict) and "role" in value:
        if (content := value.get("content")) is not None:
            yield from _pieces(content)
    elif isinstance(value, dict) and isinstance(value.get("text"), str):
        yield value["text"]
    else:
        yield None
