"""The language filter beside other detectors: `python benchmarks/curate/languages.py PUD.tsv.gz [OTHERS_PYTHON]`.

PUD.tsv.gz is the same sentences in many languages, a column each, named by ISO codes in its first line. They are told whole,
and cut to 40 and to 20 characters at a word's end. OTHERS_PYTHON is the interpreter of an environment that has any of
lingua-language-detector, py3langid and pycld2, which this project does not install; each that is missing is left out.

Printed: per detector and length the share told rightly, in per cent, the share told at all, the lowest of all languages, and
texts per CPU-second after a warm-up. A detector may tell any of its languages, not only those of the file.
"""

from __future__ import annotations

import gzip
import json
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

LENGTHS = (None, 40, 20)
WARM_UP = 200
Tell = Callable[[str], str | None]


def sentences(path: Path) -> dict[str, list[str]]:
    """The sentences of each language."""
    with gzip.open(path, "rt", encoding="utf-8", newline="") as file:
        lines = [line.rstrip("\r\n").split("\t") for line in file]
    return {name: [line[at] for line in lines[1:]] for at, name in enumerate(lines[0]) if name != "id"}


def cut(text: str, length: int | None) -> str:
    """The first characters of a text, up to the last space among them if there is one."""
    if length is None or len(text) <= length:
        return text
    head = text[: length + 1]
    return head.rpartition(" ")[0] or head[:length]


def detectors() -> dict[str, Callable[[], Tell]]:
    """Each detector by its name, made when it is called for."""
    return {
        "adaptline": _ours({}),
        "adaptline, all judged": _ours({"min_confidence": 0.0, "min_letters": 0}),
        "the same, lower-cased": _ours({"min_confidence": 0.0, "min_letters": 0}, lower=True),
        "lingua, high accuracy": lambda: _lingua(low=False),
        "lingua, low accuracy": lambda: _lingua(low=True),
        "py3langid": _py3langid,
        "pycld2": _pycld2,
    }


def _ours(settings: dict[str, Any], *, lower: bool = False) -> Callable[[], Tell]:
    def make() -> Tell:
        from adaptline.data.filters.language import language  # noqa: PLC0415 - the others' environment lacks it

        def tell(text: str) -> str | None:
            (label,) = language([text.lower() if lower else text], **settings).to_pylist()
            return None if label is None else str(label)

        return tell

    return make


def _lingua(*, low: bool) -> Tell:
    from lingua import LanguageDetectorBuilder  # type: ignore[import-not-found]  # noqa: PLC0415 - of another environment

    builder = LanguageDetectorBuilder.from_all_languages().with_preloaded_language_models()
    found = (builder.with_low_accuracy_mode() if low else builder).build()

    def tell(text: str) -> str | None:
        language = found.detect_language_of(text)
        return language.iso_code_639_1.name.lower() if language else None

    return tell


def _py3langid() -> Tell:
    import py3langid  # type: ignore[import-not-found]  # noqa: PLC0415 - of another environment

    return lambda text: str(py3langid.classify(text)[0])


def _pycld2() -> Tell:
    import pycld2  # type: ignore[import-not-found]  # noqa: PLC0415 - of another environment

    def tell(text: str) -> str | None:
        _, _, (best, *_) = pycld2.detect(text.encode(), bestEffort=True)
        return None if best[1] == "un" else str(best[1]).partition("-")[0]

    return tell


def measure(tell: Tell, texts: dict[str, list[str]]) -> dict[str, float]:
    """Shares of right, judged and the lowest language's right texts; texts per CPU-second."""
    for text in next(iter(texts.values()))[:WARM_UP]:
        tell(text)
    start = time.process_time()
    told = {name: [tell(text) for text in given] for name, given in texts.items()}
    seconds = time.process_time() - start
    total = sum(map(len, texts.values()))
    right = {name: sum(label == name for label in labels) / len(labels) for name, labels in told.items()}
    return {
        "right": sum(right[name] * len(texts[name]) for name in texts) / total,
        "judged": sum(label is not None for labels in told.values() for label in labels) / total,
        "lowest": min(right.values()),
        "rate": total / seconds,
    }


def run(path: Path) -> dict[str, dict[str, dict[str, float]]]:
    """Every detector that this interpreter has, at every length."""
    given = sentences(path)
    found: dict[str, dict[str, dict[str, float]]] = {}
    for name, make in detectors().items():
        try:
            tell = make()
            tell("one")
        except ModuleNotFoundError:
            continue
        found[name] = {
            str(length or "whole"): measure(
                tell, {to: [cut(text, length) for text in texts] for to, texts in given.items()}
            )
            for length in LENGTHS
        }
    return found


def main() -> None:
    """Measures here, has the other interpreter measure, and prints a table."""
    if sys.argv[-1] == "--json":
        print(json.dumps(run(Path(sys.argv[1]))))
        return
    found = run(Path(sys.argv[1]))
    for python in sys.argv[2:3]:
        done = subprocess.run([python, __file__, sys.argv[1], "--json"], capture_output=True, text=True, check=True)
        found |= json.loads(done.stdout)
    print(f"| {'detector':<22} | length | right % | judged % | lowest % | texts per CPU-second |")
    for name, by_length in found.items():
        for length, one in by_length.items():
            shares = " | ".join(f"{100 * one[key]:>7.2f}" for key in ("right", "judged", "lowest"))
            print(f"| {name:<22} | {length:>6} | {shares} | {one['rate']:>8,.0f} |")


if __name__ == "__main__":
    main()
