"""Guards as a release binds them, from source that a test writes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from adaptline.core import registry


def bind(beside: Path, source: str, *names: str) -> list[dict[str, Any]]:
    """Writes guards into mine.py in a folder and returns how a release names those of them, in this order."""
    (beside / "mine.py").write_text(f"from adaptline import guard\n\n{source}")
    return [bound(f"./mine.py:{name}", beside) for name in names]


def bound(use: str, beside: Path, **parameters: Any) -> dict[str, Any]:
    """How a release names a guard with its parameters."""
    return {"use": use, "parameters": parameters, "identity": registry.load("guard", use, beside).identity}
