"""A gateway with its console before an upstream, over a store with releases, channels and moves as the verbs make them."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import released
from production import Running, running
from upstreams import Upstream

from adaptline import production
from adaptline.core import keys, registry
from adaptline.core import recipe as recipes
from adaptline.core.store import Store
from adaptline.deploy.backends import openai as backend
from adaptline.web.console import Console

RECIPE = '[raw]\nstep = "ingest"\nfiles = "data.jsonl"\n[support]\nstep = "ingest"\nfiles = "data.jsonl"\n'
VERDICT = "lora r=16 leads lora r=8 by 2.1 points of answers.chrf (95 % interval 0.4 to 3.8, corrected for 3 pairs)"
SIGNATURE = "chrF|nrefs:1|case:mixed|eff:yes|nc:6|nw:0|space:no|version:2.5.1"


@dataclass(frozen=True)
class Served:
    """What runs: the gateway, the upstream behind it, and where its recipe and store are."""

    running: Running
    upstream: Upstream
    recipe: Path
    store: Store
    console: Console

    @property
    def url(self) -> str:
        return self.running.url


def make(folder: Path) -> tuple[Path, Store]:
    """A recipe and an empty store beside it."""
    recipe = folder / "recipe.toml"
    recipe.write_text(RECIPE)
    (folder / "data.jsonl").write_text('{"text": "a"}\n')
    return recipe, Store.open(folder / ".adaptline")


def rich(store: Store, what: str, *, step: str = "support", verdict: str = VERDICT, **more: Any) -> str:
    """A release with all that one can have. Returns its digest."""
    evidence = {
        "evaluation": {"digest": keys.key("evaluation", what), "metrics": {"answers.chrf": 41.537, "answers.exact": 0.25}},
        "further": [{"digest": keys.key("further", what), "metrics": {"style.rougeL": 0.31}}],
        "selection": {"digest": keys.key("selection", what), "best": "answers.chrf", "verdict": verdict,
                      "winner": "lora r=16", "interval": [39.8, 43.2]},
        "proof": {"rows": 200, "max_difference": 1.5e-06, "same_predictions": 200, "changed_by_training": True},
        "validation": {"accuracy": 0.61, "loss": 1.204},
    }  # fmt: skip
    base = {"name": "pico-writer", "digest": released.BASE}
    files = {"adapter_config.json": keys.digest(b"config"), "adapter_model.safetensors": keys.digest(what.encode())}
    facts = {
        "base": base,
        "adapter": {
            "digest": keys.digest(what.encode()),
            "method": "lora",
            "parameters": {"rank": 16, "alpha": 32},
            "files": files,
        },
        "tokenizer": {"digest": keys.digest(b"tokenizer"), "files": {"tokenizer.json": keys.digest(b"tokenizer.json")}},
        "chat_template": "{% for message in messages %}\n<|{{ message.role }}|>{{ message.content }}\n{% endfor %}",
        "guards": [
            {
                "use": "deny",
                "parameters": {"patterns": ["credit ?card"]},
                "identity": registry.load("guard", "deny").identity,
            }
        ],
        "evidence": evidence,
        **more,
    }
    evaluation = {
        "bounds": {"answers.chrf": [0.0, 100.0]},
        "signatures": {"answers.chrf": SIGNATURE},
        "items": {"answers": 120},
    }
    return released.commit(store, what, step=step, more=facts, evaluation=evaluation)


def fill(recipe: Path, store: Store) -> dict[str, str]:
    """Three releases, two of them on the channel `support`, which has moved five times. Returns their digests."""
    found = {
        "one": released.commit(store, "one", step="first"),
        "two": rich(store, "two"),
        "three": released.commit(store, "three", step="third", made="2026-01-07T10:00:00+00:00"),
    }
    steps: list[tuple[Any, dict[str, Any]]] = [
        (production.deploy, {"release": found["one"], "percent": 5, "why": "leads by 4 points"}),
        (production.deploy, {"percent": 50, "why": "nothing was slower in two days"}),
        (production.promote, {"why": "as good for everybody"}),
        (production.deploy, {"release": found["two"], "percent": 20, "why": "two points more of chrF"}),
        (production.deploy, {"percent": 30}),
    ]
    for verb, given in steps:
        verb(recipe, channel="support", by="anna", **given)
    return found


@contextlib.contextmanager
def serving(recipe: Path, store: Store, **given: Any) -> Iterator[Served]:
    """A gateway with its console, while the block runs."""
    with Upstream() as upstream:
        given.setdefault("hosts", None if given.get("keys") else frozenset({"localhost", "127.0.0.1"}))
        with running(store, backend.open(store, upstream=upstream.url), **given) as found:
            console = Console(recipes.read(recipe), store, found.gateway.state)
            found.gateway.pages = console.page
            yield Served(found, upstream, recipe, store, console)
