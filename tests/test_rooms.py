"""The walls between rooms: who may import whom, and what importing costs."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parent.parent / "src" / "adaptline"
# Which rooms a module of each room may import, besides its own. core finds steps and methods by name only.
ALLOWED = {
    "errors.py": set[str](),
    "core": {"errors"},
    "data": {"core", "errors"},
    "deploy": {"core", "data", "models", "errors"},
    "evals": {"core", "data", "models", "errors"},
    "models": {"core", "data", "errors"},
    "web": {"core", "data", "deploy", "errors", "library", "production"},
    "library.py": {"core", "data", "web", "errors", "output", "oneshot"},
    "oneshot.py": {"core", "data", "errors", "output"},
    "serving.py": {"core", "deploy", "errors", "web"},
    "production.py": {"core", "deploy", "errors", "library"},
    "output.py": {"core", "data", "errors"},
    "cli.py": {"cli_options", "cli_production", "cli_steps", "core", "errors", "library", "production", "web"},
    "cli_options.py": set(),
    "cli_words.py": set(),
    "cli_steps.py": {"cli_options", "cli_words", "core", "errors", "library", "oneshot"},
    "cli_production.py": {"cli_options", "deploy", "production", "serving", "web"},
    "__init__.py": {"core", "data", "errors", "library", "production", "serving"},
}


def _modules() -> Iterator[Path]:
    return (path.relative_to(PACKAGE) for path in sorted(PACKAGE.rglob("*.py")))


def _imported(path: Path) -> Iterator[str]:
    """The names below adaptline that a module imports, also inside functions."""
    for node in ast.walk(ast.parse((PACKAGE / path).read_text("utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.split(".")[0] == "adaptline":
            parts = node.module.split(".")[1:]
            yield from [parts[0]] if parts else [alias.name for alias in node.names]
        elif isinstance(node, ast.Import):
            yield from (alias.name.split(".")[1] for alias in node.names if alias.name.startswith("adaptline."))


@pytest.mark.parametrize("path", list(_modules()), ids=str)
def test_dependencies_point_one_way(path: Path) -> None:
    room = path.parts[0]
    assert room in ALLOWED, f"a new room: say here what it may import: {room}"
    public = {
        "adapter",
        "augmenter",
        "filter",
        "guard",
        "matcher",
        "metric",
        "transform",
        "UserError",
        "RunError",
    }  # of adaptline itself
    beyond = set(_imported(path)) - ALLOWED[room] - {room.removesuffix(".py")} - public
    assert not beyond, f"{path} must not import {sorted(beyond)}"


@pytest.mark.parametrize(
    "folder",
    [
        "data/augments",
        "data/filters",
        "data/matchers",
        "data/transforms",
        "deploy/guards",
        "evals/metrics",
        "models/augments",
        "models/filters",
        "models/matchers",
    ],
)
def test_methods_use_only_the_registry_and_leaf_modules(folder: str) -> None:
    allowed = {"registry", "demands", "rows", "servers", "sources", "artifacts"}
    for path in (PACKAGE / folder).glob("[!_]*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.ImportFrom) and node.module == "adaptline.core":
                assert {alias.name for alias in node.names} <= allowed, path
            elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith("adaptline.core."):
                assert (node.module or "").split(".")[2] in allowed, path
            elif isinstance(node, ast.ImportFrom) and node.module:
                assert "steps" not in node.module.split("."), path


def _python(code: str) -> str:
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return done.stdout


@pytest.mark.parametrize(
    "what",
    [
        "import adaptline",
        "import adaptline.cli",
        "import adaptline.library",
        "import adaptline.production",
        "import adaptline.deploy.steps.release",
        "import adaptline.models.augments.back_translate",
        "import adaptline.models.augments.masked_lm",
        "import adaptline.data.transforms.presidio",
        "import adaptline.models.steps.train",
        "import adaptline.models.filters.perplexity",
        "import adaptline.models.matchers.semantic",
        "import adaptline.evals.steps.evaluate",
        "import adaptline.deploy.listening",
        "import adaptline.deploy.backends.openai",
    ],
)
def test_torch_is_loaded_only_when_it_is_used(what: str) -> None:
    assert (
        _python(
            f"import sys\n{what}\nprint([name for name in ('torch', 'transformers', 'peft') if name in sys.modules])"
        ).strip()
        == "[]"
    )


@pytest.mark.parametrize("arguments", [[], ["--help"]])
def test_starting_costs_at_most_three_tenths_of_a_cpu_second(arguments: list[str]) -> None:
    what = (
        "import adaptline"
        if not arguments
        else f"import sys; sys.argv = ['adaptline', *{arguments}]\nfrom adaptline.cli import main\ntry: main()\nexcept SystemExit: pass"
    )
    measured = min(float(_python(f"import time\n{what}\nprint(time.process_time())").split()[-1]) for _ in range(3))
    assert measured <= 0.3


def test_no_module_unpickles_or_trusts_remote_code() -> None:
    for path in _modules():
        if path == Path("core/engines/local.py"):
            continue  # messages between our own processes are no artifacts
        text = (PACKAGE / path).read_text("utf-8")
        for word in ("import pickle", "torch.load(", "trust_remote_code=True", "joblib", "allow_pickle=True"):
            assert word not in text, f"{path}: {word}"
