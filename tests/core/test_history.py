"""What a recipe left in a store, and what was made from what."""

from __future__ import annotations

from pathlib import Path

import pytest

from adaptline.core.history import History, ancestors
from adaptline.core.store import Store
from adaptline.errors import UserError


def test_a_recipe_that_never_ran_says_so(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="has not run"):
        History.open(Store.open(tmp_path), "nothing", [])


def test_an_artifact_has_all_that_it_was_made_from_for_ancestors(history: History) -> None:
    clean = history.manifests["clean"][0]["digest"]
    found = {manifest["name"] for digest in ancestors(history, [clean]) if (manifest := history.by_digest(digest))}
    assert found == {"raw", "parts", "clean"}
    assert history.by_digest("f" * 64) is None
    assert ancestors(history, ["f" * 64]) == set()


def test_kinds_come_in_the_order_of_the_recipe(history: History) -> None:
    assert [manifest["name"] for manifest in history.of_kind("rows")] == list(history.manifests)
