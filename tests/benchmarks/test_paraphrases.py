from __future__ import annotations

import gzip
import subprocess
import sys
from pathlib import Path

import tiny

SCRIPT = Path(__file__).resolve().parents[2] / "benchmarks" / "curate" / "paraphrases.py"


def test_it_counts_what_is_found(tmp_path: Path) -> None:
    tiny.write_base(tmp_path / "base")
    with gzip.open(tmp_path / "a.tsv.gz", "wt", encoding="utf-8") as file:
        file.write("book a table\tbook <::::> a table\nsoup and bread\tcancel for me\n")
    (tmp_path / "b.csv").write_text("text,category\ntable,book\nTABLE,book\nsoup,food\nTable,food\n")
    command = [sys.executable, str(SCRIPT), "a.tsv.gz", "b.csv", "base"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert sum(line.endswith(" per CPU-second") for line in lines) == 3
    assert sum(" % of rewrites, " in line for line in lines) == 8
    assert any(line.startswith("0.97: ") and " dropped, " in line for line in lines)
    assert not any(line.startswith("0.97: 0 dropped") for line in lines)  # TABLE is table to this base
