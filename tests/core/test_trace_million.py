"""trace on a million rows answers in under a second, started anew as a command."""

from __future__ import annotations

import json
import random
import subprocess
import sys
import time
from pathlib import Path

import lines
import pytest

from adaptline.core.run import run

RECIPE = """
[raw]
step  = "ingest"
files = "rows.jsonl"
[parts]
step  = "split"
from  = "raw"
by    = "conversation"
share = { train = 0.9, validation = 0.1 }
[clean]
step = "curate"
from = "parts"
do   = [{ use = "length", min = 60 }, "exact"]
"""


@pytest.mark.slow
def test_a_row_among_a_million_is_traced_in_under_a_second(tmp_path: Path) -> None:
    chance = random.Random(0)  # noqa: S311 - not for secrets
    with (tmp_path / "rows.jsonl").open("w") as file:
        for i in range(1_000_000):
            text = " ".join(chance.choices(lines.WORDS, k=chance.randint(8, 25)))
            file.write(json.dumps({"text": text, "conversation": i // 3}) + "\n")
    path = tmp_path / "recipe.toml"
    path.write_text(RECIPE)
    run(path)
    command = [sys.executable, "-c", "from adaptline.cli import main; main()", "trace", str(path), "--json"]
    took = []
    for address in ("rows.jsonl:777777", "rows.jsonl:777777", "clean:12345", "rows.jsonl:1000000"):
        start = time.monotonic()
        found = subprocess.run([*command, address], capture_output=True, text=True, check=True).stdout
        took.append(time.monotonic() - start)
        assert json.loads(found)["steps"][-1]["step"] == "clean"
    assert min(took[1:]) < 1
