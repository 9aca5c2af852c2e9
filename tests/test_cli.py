"""The command line as a user meets it: real processes, what they print, and how they end."""

from __future__ import annotations

import json
import os
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import lines
import pytest

COMMAND = [sys.executable, "-c", "from adaptline.cli import main; main()"]


def adaptline(*words: str | Path, folder: Path | None = None, code: int = 0) -> str:
    """Runs a command, checks how it ends, and returns what it printed; errors and progress follow the output."""
    done = subprocess.run(
        [*COMMAND, *map(str, words)],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "COLUMNS": "200"},
    )
    assert done.returncode == code, done.stdout + done.stderr
    if "--debug" not in words:
        assert "Traceback" not in done.stdout + done.stderr
    return done.stdout + done.stderr


@pytest.fixture(scope="module")
def line(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = lines.make(tmp_path_factory.mktemp("project"))
    adaptline("run", path)
    return path


def test_run_ends_with_where_the_report_is_and_what_to_try(line: Path) -> None:
    said = adaptline("run", line)
    assert "Nothing to run: all 4 artifacts are there already" in said
    assert "recipe.html" in said
    assert "adaptline trace" in said


def test_run_as_json_has_an_object_per_artifact(line: Path) -> None:
    out = subprocess.run([*COMMAND, "run", str(line), "--json"], capture_output=True, text=True, check=True).stdout
    made = [json.loads(row) for row in out.splitlines()]
    assert [artifact["step"] for artifact in made] == ["raw", "parts", "clean", "again"]
    assert set(made[0]) == {"step", "cell", "key", "digest", "kind", "path", "cached", "seconds"}


def _json(*words: str | Path) -> Any:
    return json.loads(
        subprocess.run([*COMMAND, *map(str, words), "--json"], capture_output=True, text=True, check=True).stdout
    )


def test_the_verbs_answer_in_words_and_in_json(line: Path) -> None:
    assert "4 cached" in adaptline("plan", line)
    assert {planned["state"] for planned in _json("plan", line)} == {"cached"}
    assert "dropped" in adaptline("show", line, "clean")
    shown = _json("show", line, "clean")[0]
    assert shown["rows"] == 120
    assert shown["methods"][0]["use"] == "unicode"
    assert "part-0.jsonl, row 3 (line 3)" in adaptline("trace", line, "part-0.jsonl:3")
    assert _json("trace", line, "clean:2")["origin"]["row"] == 3
    assert "parts" in adaptline("trace", line, "clean")
    assert "again" in adaptline("log", line)
    assert len(_json("log", line, "clean")) == 1
    assert "0 files" in adaptline("gc", "--store", line.parent / ".adaptline", "--dry")
    assert adaptline("report", line).strip().endswith("recipe.html")


def test_diff_tells_what_moved_rule_by_rule(tmp_path: Path) -> None:
    path = lines.make(tmp_path)
    adaptline("run", path)
    assert "needs two" in adaptline("diff", path, "clean", code=1)
    path.write_text(path.read_text().replace("min = 12", "min = 25"))
    adaptline("run", path)
    said = adaptline("diff", path, "clean")
    assert "kept -> dropped by length" in said
    found = _json("diff", path, "clean")
    assert found["added"] == found["gone"] == found["changed"] == 0
    before, after = (_json("show", path, "clean")[0]["methods"][1]["dropped"] for _ in "ab")
    assert before == after > 0
    assert "no version" in adaptline("diff", path, "clean", "ffff", code=1)


def test_gc_removes_what_no_last_run_reaches(tmp_path: Path) -> None:
    path = lines.make(tmp_path)
    adaptline("run", path)
    path.write_text(path.read_text().replace("min = 12", "min = 25"))
    adaptline("run", path)
    assert "would go" in adaptline("gc", "--store", tmp_path / ".adaptline", "--dry")
    assert "removed" in adaptline("gc", "--store", tmp_path / ".adaptline")
    assert "0 files" in adaptline("gc", "--store", tmp_path / ".adaptline")
    assert "Nothing to run" in adaptline("run", path)
    assert "no store here" in adaptline("gc", "--store", tmp_path / "data", code=1)


def test_a_damaged_unit_is_told_found_and_made_again(tmp_path: Path) -> None:
    path = lines.make(tmp_path)
    adaptline("run", path)
    unit = next(iter((tmp_path / ".adaptline" / "units").glob("*/*")))
    unit.write_bytes(unit.read_bytes()[:-20])
    adaptline("gc", "--store", tmp_path / ".adaptline", "--damaged")
    said = adaptline("run", path)
    assert "there already" in said
    assert "4 cached" in adaptline("plan", path)


MISTAKES = {
    "unknown step": (
        'step = "curate"\nfrom = "parts"',
        'step = "curte"\nfrom = "parts"',
        r"recipe.toml, line 14: [clean] unknown step 'curte'",
        "Did you mean 'curate'?",
    ),
    "unknown method": ('"exact"', '"exat"', "[clean] do has unknown method 'exat'", "Did you mean 'exact'?"),
    "unknown parameter": ("min = 12", "minimum = 12", "minimum is not a parameter of length", "Did you mean 'min'?"),
    "wrong type": ("min = 12", 'min = "twelve"', "must be a number, not 'twelve'", ""),
    "unknown from": (
        'from = "parts"',
        'from = "prats"',
        "takes from 'prats', which is no step",
        "Did you mean 'parts'?",
    ),
    "missing file": ("data/*.jsonl", "data/*.jsonk", "no file matches 'data/*.jsonk'", "relative to the recipe"),
    "no such column": ('label = "label"', 'label = "labl"', "labl", "label"),
    "no such field to split by": ('by    = "conversation"', 'by    = "conversatoin"', "no field 'conversatoin'", ""),
    "not TOML": ("[raw]", "[raw", "recipe.toml, line 2: not TOML", ""),
    "cycle": ('from = "parts"', 'from = "again"', "goes in a circle", "clean"),
    "missing file of one's own": ("./mine.py:polite", "./main.py:polite", "no such file: ./main.py", ""),
    "missing function of one's own": (
        "./mine.py:polite",
        "./mine.py:polit",
        "no method 'polit'",
        "Did you mean 'polite'?",
    ),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_says_what_where_and_what_to_do(tmp_path: Path, name: str) -> None:
    old, new, *messages = MISTAKES[name]
    path = lines.make(tmp_path)
    text = path.read_text().replace("step  =", "step =").replace("from  =", "from =")
    assert old in text or old in path.read_text()
    path.write_text(text.replace(old, new) if old in text else path.read_text().replace(old, new))
    said = adaptline("run", path, code=1)
    for message in messages:
        assert message in said


def test_an_empty_file_and_a_folder_are_named(tmp_path: Path) -> None:
    path = lines.make(tmp_path)
    (tmp_path / "data" / "part-1.jsonl").write_text("")
    assert "data/part-1.jsonl is empty" in adaptline("run", path, code=1)
    assert "no such recipe" in adaptline("run", tmp_path / "nothing.toml", code=1)
    assert "is a folder" in adaptline("run", tmp_path, code=1)


def test_a_wrong_command_line_ends_with_two() -> None:
    adaptline("walk", code=2)
    adaptline("run", code=2)
    adaptline("run", "x.toml", "--workers", "none", code=2)


def test_debug_shows_the_traceback(tmp_path: Path) -> None:
    assert "Traceback" in adaptline("run", tmp_path / "nothing.toml", "--debug", code=1)


def test_a_method_that_fails_is_named_without_a_traceback(tmp_path: Path) -> None:
    path = lines.make(tmp_path)
    mine = tmp_path / "mine.py"
    mine.write_text(mine.read_text().replace("return [", "raise ValueError('boom')\n    return ["))
    said = adaptline("run", path, code=3)
    assert "boom" in said
    assert "./mine.py:polite" in said


def test_new_writes_a_recipe_that_runs(tmp_path: Path) -> None:
    lines.write(tmp_path / "mine.jsonl", lines.records(3, 60))
    adaptline("new", "mine.jsonl", folder=tmp_path)
    assert "exists already" in adaptline("new", "mine.jsonl", folder=tmp_path, code=1)
    assert "rows kept" in adaptline("run", "recipe.toml", "clean", folder=tmp_path)


def test_a_step_works_alone(tmp_path: Path) -> None:
    rows = [{"text": "one sound message", "id": 1}, {"text": "One  sound message", "id": 2}, {"text": "no", "id": 3}]
    lines.write(tmp_path / "in.jsonl", rows)
    adaptline("curate", "in.jsonl", "--do", "exact,length:min=5", "-o", "out.jsonl", folder=tmp_path)
    assert [json.loads(row) for row in (tmp_path / "out.jsonl").read_text().splitlines()] == rows[:1]
    adaptline("curate", "in.jsonl", "--do", "exact", "-o", "out.csv", folder=tmp_path)
    assert (tmp_path / "out.csv").read_text().splitlines()[1] == "one sound message,1"
    assert "exists already" in adaptline(
        "curate", "in.jsonl", "--do", "exact", "-o", "out.csv", folder=tmp_path, code=1
    )
    adaptline("split", "in.jsonl", "--share", "train=0.5,test=0.5", "-o", "parts.jsonl", folder=tmp_path)
    assert {json.loads(row)["split"] for row in (tmp_path / "parts.jsonl").read_text().splitlines()} <= {
        "train",
        "test",
    }
    assert "--do" in adaptline("curate", "--help")
    assert "curate" in adaptline("--help")


def test_help_ends_with_zero_and_a_usage_error_shows_the_usage() -> None:
    assert "Usage: adaptline" in adaptline("--help")
    assert "Usage: adaptline run" in adaptline("run", "--help")
    said = adaptline("run", code=2)
    assert "Usage: adaptline run" in said
    assert "Missing argument" in said
    assert "No such command 'walk'" in adaptline("walk", code=2)


@pytest.mark.parametrize("words", [["show", "RECIPE", "clean", "--json"], ["log", "RECIPE"], ["--help"]])
def test_a_reader_that_goes_away_is_no_mistake(line: Path, words: list[str]) -> None:
    command = [*COMMAND, *(str(line) if word == "RECIPE" else word for word in words)]
    done = subprocess.run(
        ["/bin/bash", "-c", f"{shlex.join(command)} | true; exit ${{PIPESTATUS[0]}}"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")


# Every method call leaves its process's number and then takes longer than any test; any work is worth a worker.
SLOW = """
import os, time
from pathlib import Path
from adaptline import filter

@filter(version=1)
def slow(texts: list[str]) -> list[float]:
    (Path(__file__).parent / f"pid-{os.getpid()}").touch()
    time.sleep(600)
    return [1.0 for _ in texts]
"""
EAGER = "import adaptline.core.engines.local as local\nlocal.WORTH_A_WORKER = 1\n" + COMMAND[-1]


def _ends(process: int) -> bool:
    for _ in range(100):
        try:
            os.kill(process, 0)
        except ProcessLookupError:
            return True
        time.sleep(0.1)
    return False


@pytest.mark.parametrize("workers", [1, 2])
def test_an_interrupted_run_says_so_and_leaves_no_worker(tmp_path: Path, workers: int) -> None:
    texts = "".join(json.dumps({"text": f"{i} " + "word " * 400}) + "\n" for i in range(1500))
    (tmp_path / "in.jsonl").write_text(texts)
    (tmp_path / "slow.py").write_text(SLOW)
    (tmp_path / "recipe.toml").write_text(
        '[raw]\nstep = "ingest"\nfiles = "in.jsonl"\n[clean]\nstep = "curate"\nfrom = "raw"\ndo = ["./slow.py:slow"]\n'
    )
    run = subprocess.Popen(
        [sys.executable, "-c", EAGER, "run", "recipe.toml", "--workers", str(workers)],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        # A shell's background jobs ignore SIGINT, and so would what these tests start there.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # noqa: PLW1509 - nothing else runs in the child
    )
    try:
        for _ in range(300):
            if len(found := list(tmp_path.glob("pid-*"))) == workers:
                break
            time.sleep(0.1)
        processes = [int(path.name.removeprefix("pid-")) for path in found]
        assert len(processes) == workers
        assert (run.pid in processes) == (workers == 1)
        run.send_signal(signal.SIGINT)
        out, err = run.communicate(timeout=30)
    finally:
        run.kill()
    assert run.returncode == 130, err
    assert "stopped; what is done stays done, run again to go on" in err
    assert "Traceback" not in out + err
    assert all(_ends(process) for process in processes)


BLOCKED = """
import sys
class Blocker:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in ("torch", "transformers", "peft", "safetensors", "tokenizers"):
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
sys.meta_path.insert(0, Blocker())
"""


def test_training_without_its_packages_says_what_to_install(tmp_path: Path) -> None:
    (tmp_path / "base").mkdir()
    (tmp_path / "base" / "config.json").write_text("{}")
    lines.write(tmp_path / "in.jsonl", lines.records(0, 60))
    (tmp_path / "recipe.toml").write_text(
        '[raw]\nstep = "ingest"\nfiles = "in.jsonl"\nlabel = "label"\n'
        '[parts]\nstep = "split"\nfrom = "raw"\nshare = { train = 0.8, validation = 0.2 }\n'
        '[adapters]\nstep = "train"\nfrom = "parts"\nbase = "base"\nmethod = "head"\n'
    )
    done = subprocess.run(
        [sys.executable, "-c", BLOCKED + COMMAND[-1], "run", "recipe.toml"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1, done.stderr
    assert "pip install 'adaptline[train]'" in done.stderr
    assert "fault of adaptline" not in done.stderr


def test_another_missing_package_is_not_called_the_training_extra(tmp_path: Path) -> None:
    path = lines.make(tmp_path)
    (tmp_path / "mine.py").write_text("import a_package_that_nobody_has\n" + lines.MINE)
    said = adaptline("run", path, code=1)
    assert "a_package_that_nobody_has" in said
    assert "adaptline[train]" not in said


def test_a_recipe_for_a_folder_that_is_not_there_is_refused(tmp_path: Path) -> None:
    lines.write(tmp_path / "mine.jsonl", lines.records(3, 20))
    assert "no such folder" in adaptline("new", "mine.jsonl", "-o", "missing/recipe.toml", folder=tmp_path, code=1)
    assert not (tmp_path / "missing").exists()


def test_a_name_in_an_error_cannot_command_the_terminal(tmp_path: Path) -> None:
    said = adaptline("run", tmp_path / "a\x1b[31m.toml", code=1)
    assert "no such recipe" in said
    assert "\x1b" not in said


def test_a_step_alone_tells_what_it_could_not_read(tmp_path: Path) -> None:
    (tmp_path / "in.jsonl").write_text('{"text": "sound"}\n{broken\n')
    said = adaptline("curate", "in.jsonl", "--do", "exact", "-o", "out.jsonl", folder=tmp_path)
    assert "1 row could not be read; see out.jsonl.unreadable.jsonl" in said
    assert "in.jsonl, row 2 (line 2): not JSON" in said
