"""Production: releases, channels, and the gateway that answers with them."""

import sys
from types import ModuleType
from typing import Any


class _Room(ModuleType):
    """A room that is called like a verb: once something of it is imported, `adaptline.deploy` is this module."""

    def __call__(self, *given: Any, **named: Any) -> dict[str, Any]:
        """The verb; see adaptline.production.deploy."""
        from adaptline.production import deploy  # noqa: PLC0415 - the verbs stand above the rooms

        return deploy(*given, **named)


sys.modules[__name__].__class__ = _Room
