"""This project beside its peers, near-duplicates of one corpus: `python benchmarks/curate/peers.py CORPUS --venvs FOLDER`.

CORPUS is what `corpus.py` made. FOLDER holds an environment for each peer (README.md beside this says what is in them);
ours is the one that runs this script. One after the other is started as whole processes, its cost is watched
(`watching.py`), and the rows that it kept are scored (`scoring.py`). Tables go to OUT/peers.md, numbers to OUT/peers.json,
both after each contender, so that a run that is stopped has what it had done.

The work of one contender is deleted before the next starts. What libraries compiled and cached in earlier runs stays: run
twice on a fresh installation.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import os
import platform
import sys
import tempfile
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from scoring import Neighbours, Pair, read_kept, read_pairs, read_texts, right_rows, score
from tables import Result, costs, quality
from watching import CommandError, Cost, cost

RUNNERS = Path(__file__).parent / "runners"


@dataclass(frozen=True)
class Contender:
    """A runner, the environment that it needs (None is ours), and what else it is told."""

    name: str
    runner: str
    environment: str | None = None
    words: tuple[str, ...] = ()
    chain: bool = False  # changes texts before it compares them, so what it dropped is not scored


CONTENDERS = (
    Contender("adaptline", "adaptline_run", words=("1",)),
    Contender("adaptline, all cores", "adaptline_run"),
    Contender("rensa, loop", "rensa_loop", "base"),
    Contender("rensa, deduplicator", "rensa_deduplicator", "base"),
    Contender("datasketch", "datasketch_stream", "base"),
    Contender("text-dedup", "text_dedup_command", "textdedup"),
    Contender("data-juicer", "data_juicer_run", "datajuicer"),
    Contender("datatrove", "datatrove_pipeline", "datatrove"),
    Contender("adaptline, chain", "adaptline_chain", words=("same", "1"), chain=True),
    Contender("adaptline, longer chain", "adaptline_chain", words=("1",), chain=True),
    Contender("data-juicer, chain", "data_juicer_chain", "datajuicer", chain=True),
)


def watched(contender: Contender, corpus: Path, venvs: Path | None) -> tuple[Cost, set[int]]:
    """Runs one in a new folder: its cost, and which rows it kept. Raises CommandError where it fails or is not installed."""
    python = Path(sys.executable)
    if contender.environment:
        python = (venvs or Path()) / contender.environment / "bin" / "python"
        if not venvs or not python.exists():
            raise CommandError(f"{python} is not there")
    with tempfile.TemporaryDirectory(prefix="peers-") as name:
        out = Path(name)
        caches = {"HF_HOME": f"{out}/cache", "DATA_JUICER_CACHE_HOME": f"{out}/cache", "HF_HUB_OFFLINE": "1"}
        command = [str(python), str(RUNNERS / f"{contender.runner}.py"), str(corpus), str(out), *contender.words]
        spent = cost(command, folder=out, environment=os.environ | caches)
        return spent, read_kept(out / "kept")


class Judge:
    """Knows the truth of a corpus; looks for the neighbours of a row once, whoever drops it."""

    def __init__(self, corpus: Path) -> None:
        texts = read_texts(corpus)
        self.documents = len(texts)
        self.size_mb = sum(len(text.encode()) for text in texts) / 1e6
        self.pairs: list[Pair] = read_pairs(corpus)
        self._neighbours = Neighbours(texts)
        self._seen: set[int] = set()
        self._right: set[int] = set()

    def result(self, contender: Contender, spent: Cost, kept: set[int]) -> Result:
        """The score goes beside the cost."""
        load = os.getloadavg()[0]
        if contender.chain:
            return Result(contender.name, spent, load, None)
        dropped = set(range(self.documents)) - kept
        self._right |= right_rows(dropped - self._seen, self.pairs, self._neighbours)
        self._seen |= dropped
        return Result(contender.name, spent, load, score(dropped, self.pairs, self._right))


def written(results: list[Result], failed: dict[str, str], judge: Judge) -> str:
    """The whole report."""
    duplicates = [result for result in results if result.score]
    chains = [result for result in results if not result.score]
    what = f"{judge.documents:,} documents, {judge.size_mb:.0f} MB, {len(judge.pairs):,} planted copies"
    where = f"{os.cpu_count()} cores of {platform.machine()}, Python {platform.python_version()}"
    parts = [
        f"{what}; {where}, {datetime.now(UTC):%Y-%m-%d}.",
        costs(duplicates, judge.documents, judge.size_mb, "adaptline") if duplicates else "",
        quality(duplicates),
        costs(chains, judge.documents, judge.size_mb, "adaptline, chain") if chains else "",
        *(f"{name} failed: {why}" for name, why in failed.items()),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def main() -> None:
    """Reads the command line and runs what it asks for."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("corpus", type=Path)
    parser.add_argument("--venvs", type=Path, help="folder of the peers' environments")
    parser.add_argument("--only", nargs="*", help="names of contenders; all if none is named")
    parser.add_argument("--out", type=Path, default=Path("build/benchmarks"))
    asked = parser.parse_args()
    unknown = set(asked.only or ()) - {contender.name for contender in CONTENDERS}
    if unknown:
        parser.error(f"no contender is called {sorted(unknown)}; there are {[each.name for each in CONTENDERS]}")
    judge = Judge(asked.corpus.resolve())
    asked.out.mkdir(parents=True, exist_ok=True)
    results: list[Result] = []
    failed: dict[str, str] = {}
    for contender in CONTENDERS:
        if asked.only and contender.name not in asked.only:
            continue
        print(f"{contender.name} ...", file=sys.stderr, flush=True)
        try:
            results.append(judge.result(contender, *watched(contender, asked.corpus.resolve(), asked.venvs)))
        except CommandError as error:
            failed[contender.name] = str(error)
        (asked.out / "peers.md").write_text(written(results, failed, judge), "utf-8")
        found = {"documents": judge.documents, "mb": judge.size_mb, "failed": failed}
        found["results"] = [dataclasses.asdict(result) for result in results]
        (asked.out / "peers.json").write_text(json.dumps(found, indent=1), "utf-8")
    print((asked.out / "peers.md").read_text("utf-8"))
    sys.exit(bool(failed))


if __name__ == "__main__":
    main()
