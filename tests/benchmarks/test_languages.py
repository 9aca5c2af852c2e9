from __future__ import annotations

import gzip
import subprocess
import sys
from pathlib import Path

SCRIPT = Path(__file__).resolve().parents[2] / "benchmarks" / "curate" / "languages.py"


def test_it_prints_a_line_for_each_detector_and_length(tmp_path: Path) -> None:
    with gzip.open(tmp_path / "a.tsv.gz", "wt", encoding="utf-8") as file:
        file.write("id\ten\tde\n")
        file.write(
            "1\tThe peaceful transition of power is not new here.\tEin friedlicher Machtwechsel ist hier nicht neu.\n"
        )
    done = subprocess.run(
        [sys.executable, str(SCRIPT), "a.tsv.gz"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    head, *lines = done.stdout.splitlines()
    assert head.startswith("| detector ")
    ours = [line.split("|")[2:6] for line in lines if line.startswith("| adaptline  ")]
    assert [cell.strip() for cell in ours[0]] == ["whole", "100.00", "100.00", "100.00"]
    assert [line[0].strip() for line in ours] == ["whole", "40", "20"]
