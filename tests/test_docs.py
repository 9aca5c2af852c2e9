"""What the documents say is true: their commands run, their examples work, and they leave nothing out."""

from __future__ import annotations

import inspect
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import lines
import pytest

from adaptline.core import registry, signatures

ROOT = Path(__file__).parent.parent
DOCUMENTS = ["README.md", "CONTRIBUTING.md", "docs/recipes.md", "docs/production.md", "docs/serving.md"]


def blocks(document: str, language: str) -> list[str]:
    """The fenced blocks of a language."""
    return re.findall(rf"^```{language}\n(.*?)^```", (ROOT / document).read_text("utf-8"), re.DOTALL | re.MULTILINE)


def commands(document: str) -> list[str]:
    return [
        line.partition("  #")[0].strip()
        for block in blocks(document, "sh")
        for line in block.splitlines()
        if line.strip()
    ]


def test_every_adaptline_command_of_the_readme_runs(tmp_path: Path) -> None:
    records = [{"text": f"a message about the number {i} and its {word}"} for i, word in enumerate(lines.WORDS * 5)]
    for name in ("messages.jsonl", "in.jsonl"):
        lines.write(tmp_path / name, records)
    (tmp_path / "in.csv").write_text("text\n" + "\n".join(str(record["text"]) for record in records) + "\n")
    ran = 0
    for command in commands("README.md"):
        if command.startswith("adaptline "):
            words = shlex.split(command, comments=True)[1:]
            if "recipes/demo.toml" in words:  # the demo takes minutes: here the verb must be there
                words = [words[0], "--help"]
            done = subprocess.run(
                [sys.executable, "-c", "from adaptline.cli import main; main()", *words],
                cwd=tmp_path,
                capture_output=True,
                text=True,
                check=False,
            )
            assert done.returncode == 0, f"{command}: {done.stderr}"
            (tmp_path / "out.jsonl").unlink(missing_ok=True)
            ran += 1
    assert ran >= 6


def test_every_make_target_that_is_named_exists() -> None:
    makefile = (ROOT / "Makefile").read_text("utf-8")
    for document in DOCUMENTS:
        for target in re.findall(r"^make ([a-z-]+)", "\n".join(commands(document)), re.MULTILINE):
            assert f"\n{target}:" in makefile, target


def test_the_filter_of_the_guide_works_as_it_stands(tmp_path: Path) -> None:
    code, test = blocks("CONTRIBUTING.md", "python")
    package = tmp_path / "src" / "adaptline"
    shutil.copytree(ROOT / "src", tmp_path / "src")
    (package / "data" / "filters" / "shouting.py").write_text(code)
    (tmp_path / "test_shouting.py").write_text(test)
    lines.write(tmp_path / "in.jsonl", [{"text": "HELP ME NOW"}, {"text": "please help me"}])
    environment = {"PYTHONPATH": str(tmp_path / "src"), "PATH": "/usr/bin:/bin"}
    options = {"cwd": tmp_path, "env": environment, "capture_output": True, "text": True}
    tested = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_shouting.py"],
        check=False,
        **options,
    )  # type: ignore[call-overload]
    assert tested.returncode == 0, tested.stdout
    used = subprocess.run(
        [
            sys.executable,
            "-c",
            "from adaptline.cli import main; main()",
            "curate",
            "in.jsonl",
            "--do",
            "shouting:max=0.5",
            "-o",
            "out.jsonl",
        ],
        check=False,
        **options,
    )  # type: ignore[call-overload]
    assert used.returncode == 0, used.stderr
    assert (tmp_path / "out.jsonl").read_text() == '{"text":"please help me"}\n'


def _documented_names() -> list[tuple[str, str]]:
    """(step or method, parameter) of everything that a recipe can say."""
    found = [
        (step, parameter) for step in registry.names("step") for parameter in ("", *signatures.of_step(step).parameters)
    ]
    for kind in (*registry.ROW_METHODS, "augmenter", "metric"):
        for name in registry.names(kind):
            found += [(name, parameter) for parameter in ("", *registry.method_parameters(registry.load(kind, name)))]
    for kind in ("adapter", "guard"):
        for name in registry.names(kind):
            found += [(name, parameter) for parameter in ("", *registry.parameters(registry.load(kind, name).function))]
    return found


def test_the_reference_leaves_out_no_step_method_or_parameter() -> None:
    text = (ROOT / "docs" / "recipes.md").read_text("utf-8")
    missing = [
        f"{name} {parameter}".strip()
        for name, parameter in _documented_names()
        if not re.search(rf"\b{parameter or name}\b", text)
    ]
    assert not missing


def test_every_public_docstring_of_a_step_names_its_parameters() -> None:
    for step in registry.names("step"):
        function = registry.load("step", step).function
        text = inspect.getdoc(function) or ""
        for parameter in inspect.signature(function).parameters:
            assert f"{parameter}:" in text, f"{step}: {parameter}"


def test_the_readme_names_every_file_of_the_house() -> None:
    text = (ROOT / "README.md").read_text("utf-8")
    package = ROOT / "src" / "adaptline"
    missing = [
        str(path.relative_to(package))
        for path in package.rglob("*.py")
        if path.name != "__init__.py" and not re.search(rf"\b{path.name}\b", text)
    ]
    assert not missing


@pytest.mark.parametrize("document", DOCUMENTS)
def test_links_lead_somewhere(document: str) -> None:
    for target in re.findall(r"\]\(([^)#]+)\)", (ROOT / document).read_text("utf-8")):
        if not target.startswith("http"):
            assert ((ROOT / document).parent / target).exists(), target
