"""data-juicer: its command line, `dj-process --config`, with its deduplicator of documents by MinHash."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from given import BANDS, PERMUTATIONS, SIZE, THRESHOLD

Operators = list[dict[str, dict[str, Any]]]

MINHASH = {
    "document_minhash_deduplicator": {
        "tokenization": "space",
        "window_size": SIZE,
        "num_permutations": PERMUTATIONS,
        "jaccard_threshold": THRESHOLD,
        "num_bands": BANDS,
        "num_rows_per_band": PERMUTATIONS // BANDS,
    }
}


def run(corpus: str, out: str, operators: Operators) -> None:
    """It reads a folder: one that holds links to the corpus alone."""
    folder = Path(out)
    (folder / "corpus").mkdir()
    for path in Path(corpus).glob("corpus-*.jsonl"):
        (folder / "corpus" / path.name).symlink_to(path)
    config = {
        "project_name": "benchmark",
        "dataset_path": str(folder / "corpus"),
        "export_path": str(folder / "export" / "kept.jsonl"),
        "work_dir": str(folder / "work"),
        "np": os.cpu_count(),
        "process": operators,
    }
    (folder / "config.yaml").write_text(json.dumps(config), "utf-8")  # JSON is YAML
    command = str(Path(sys.executable).with_name("dj-process"))
    subprocess.run([command, "--config", str(folder / "config.yaml")], check=True)
    (folder / "kept").mkdir()
    (folder / "export" / "kept.jsonl").rename(folder / "kept" / "kept.jsonl")


def main(corpus: str, out: str) -> None:
    """Near-duplicates."""
    run(corpus, out, [MINHASH])


if __name__ == "__main__":
    main(*sys.argv[1:])
