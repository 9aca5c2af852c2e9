"""Releases in a store without a training before them: what a release step leaves, written as it is: shared by tests."""

from __future__ import annotations

import json
from typing import Any

from adaptline.core import keys
from adaptline.core.store import Store

BASE = keys.digest(b"base")


def commit(
    store: Store,
    what: str,
    *,
    kind: str = "writer",
    base: str = BASE,
    recipe: str = "recipe",
    step: str = "support",
    cell: dict[str, Any] | None = None,
    more: dict[str, Any] | None = None,
    evaluation: dict[str, Any] | None = None,
    made: str = "2026-01-05T10:00:00+00:00",
) -> str:
    """Commits a release whose adapter is the text `what`, points the recipe's step at it, and returns its digest.

    `more` replaces facts of release.json; `evaluation` is what the evaluation's own report says.
    """
    facts = {
        "kind": kind,
        "base": {"name": f"base-{keys.short(base)}", "digest": base},
        "adapter": {"digest": keys.digest(what.encode()), "method": "lora", "parameters": {}, "files": {}},
        "guards": [],
        "evidence": {
            "evaluation": {"digest": keys.key("evaluation", what), "metrics": {"answers.chrf": 0.5}},
            "further": [],
            "selection": {"digest": keys.key("selection", what), "verdict": f"{what} leads", "winner": what, "interval": [0.4, 0.6]},
            "proof": {"rows": 1},
        },
    }  # fmt: skip
    key = keys.key("release", what)
    with store.temporary() as folder:
        (folder / "adapter").mkdir(parents=True)
        (folder / "adapter" / "weights").write_text(what)
        (folder / "release.json").write_text(json.dumps({**facts, **(more or {})}))
        if evaluation is not None:
            (folder / "evidence").mkdir()
            (folder / "evidence" / "evaluation.json").write_text(json.dumps(evaluation))
        digest = store.commit_folder(key, folder)
    manifest = {
        "key": key,
        "kind": "report",
        "step": "release",
        "digest": digest,
        "inputs": {},
        "record": {"made": made},
    }
    store.commit_manifest(manifest)
    store.set_ref(recipe, step, {"cell": cell or {}, "key": key, "digest": digest})
    return digest
