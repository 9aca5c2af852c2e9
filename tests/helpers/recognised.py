"""What one recogniser of personal data finds in a text, as the text has it."""

from __future__ import annotations

import string
from collections.abc import Callable, Iterable
from typing import Any

from adaptline.data.personal.page import Page, Span, as_ascii


def found(recogniser: Callable[..., Iterable[Span]], text: str, *, trusting: bool = False, **options: Any) -> list[str]:
    """The values, from left to right; `trusting` as Page has it."""
    spans = recogniser(Page(as_ascii(text), trusting=trusting), **options)
    return [text[start:end] for start, end in sorted(set(spans))]  # two shapes of a kind may fit


def ending(recogniser: Callable[..., Iterable[Span]], start: str, ends: str = string.digits) -> list[str]:
    """With which last characters a start is a number, whatever stands near it."""
    return [end for end in ends if found(recogniser, f"no. {start}{end}", trusting=True) == [start + end]]
