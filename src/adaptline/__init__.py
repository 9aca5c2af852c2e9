"""adaptline: from raw text to a chosen adapter, with the evidence for every decision on the way.

Importing this costs next to nothing; each name loads what it needs when it is first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from adaptline import production, serving
    from adaptline.core.registry import adapter, augmenter, filter, guard, matcher, metric, transform
    from adaptline.data.passages import Passage, Refused
    from adaptline.errors import RunError, UserError
    from adaptline.library import (
        augment,
        curate,
        diff,
        export,
        gc,
        log,
        new,
        plan,
        report,
        run,
        show,
        split,
        trace,
        train,
        with_and_without,
    )

_HOMES = {
    "adaptline.core.registry": ("adapter", "augmenter", "filter", "guard", "matcher", "metric", "transform"),
    "adaptline.data.passages": ("Passage", "Refused"),
    "adaptline.errors": ("RunError", "UserError"),
    "adaptline.library": (
        *("augment", "curate", "diff", "export", "gc", "log", "new", "plan", "report", "run", "show", "split"),
        *("trace", "train", "with_and_without"),
    ),
}
_MODULES = ("production", "serving")  # whose functions are named as verbs are; `deploy` is the name of a package too
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}

__version__ = "0.1.0"
__all__ = [
    "Passage",
    "Refused",
    "RunError",
    "UserError",
    "adapter",
    "augment",
    "augmenter",
    "curate",
    "diff",
    "export",
    "filter",
    "gc",
    "guard",
    "log",
    "matcher",
    "metric",
    "new",
    "plan",
    "production",
    "report",
    "run",
    "serving",
    "show",
    "split",
    "trace",
    "train",
    "transform",
    "with_and_without",
]


def __getattr__(name: str) -> Any:
    """Loads a public name at its first use."""
    if name in _MODULES:
        return import_module(f"adaptline.{name}")
    if name not in _HOME_OF:
        raise AttributeError(f"module 'adaptline' has no attribute {name!r}")
    return getattr(import_module(_HOME_OF[name]), name)


def __dir__() -> list[str]:
    """What completion shows: the public names, loaded or not."""
    return sorted([*__all__, "__version__"])
