"""release: weights, what they stand on, and the evidence that chose them, as one artifact that can go into production.

Knows what train, evaluate and select leave behind, and the files of a tokenizer. Knows nothing of channels, or of how a
release is served. Loads no model: files are copied, and known by their digests.
"""

import hashlib
import json
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from adaptline.core import keys
from adaptline.core.artifacts import Desk, Report, Use, Weights
from adaptline.core.grid import Node
from adaptline.core.registry import step
from adaptline.core.signatures import BadParameterError
from adaptline.core.sources import Folder
from adaptline.errors import UserError

_TAKES = ("select", "evaluate")
_ADAPTER_CONFIG = "adapter_config.json"  # PEFT's format: with it, the weights need their base beside them
_KINDS = {"labels.json": "classifier", "writer.json": "writer"}  # what training writes beside weights, by what they do
_TRAINING = "training.json"
_NOT_SERVED = ("consumed.parquet", ".*")  # which rows were learned from is a matter of the store
_CHAT_TEMPLATE = "chat_template.jinja"
_TOKENIZER_CONFIG = "tokenizer_config.json"
_TOKENIZER = (
    *("tokenizer.json", _TOKENIZER_CONFIG, "vocab*", "merges*"),
    *("special_tokens_map.json", "added_tokens.json", _CHAT_TEMPLATE, "*.model"),
)


@dataclass(frozen=True)
class _Evidence:
    """What speaks for weights: the reports about them, and the choice among others, if there was one."""

    weights: Weights
    evaluations: list[tuple[Report, dict[str, Any]]]  # the first has what they were chosen by
    selection: tuple[Report, dict[str, Any]] | None


def _check(node: Node) -> None:
    """Refuses reports that are not about weights."""
    of = node.inputs["report"][0].table
    if of.step not in _TAKES:
        raise BadParameterError(
            "",
            f"release takes what select chose or evaluate judged, and {of.name!r} is a step of {of.step}",
            'Name a step of either: from = "winner".',
            place=("from",),
        )


@step(version=1, output="report", reads_ancestry=True, check=_check)
def release(
    report: Report,
    *,
    desk: Desk,
    guards: list[Annotated[Use, "guard"]] = [],  # noqa: B006 - a signature is a schema; nothing changes the list
) -> dict[str, Any]:
    """Bind weights to their base, tokenizer, chat template, guards and evidence.

    The output holds release.json (what is bound, by digests; no path, date or host), adapter (the weights' folder, less
    the list of rows that were learned from), tokenizer (its files), evidence (select.json, evaluation.json and
    training.json as those steps wrote them) and report.json (what a person is shown).

    Args:
        report: of select, whose winner is released, or of evaluate, whose weights are.
        desk: where to work.
        guards: what looks at a prompt before it is answered, in this order.

    Returns:
        The record: the adapter's digest, and the release in a few words.

    Raises:
        UserError: weights without an evaluation or without the proof of their export, or that are not what they were;
            a base that is missing or not what it was.
    """
    evidence = _evidence(report)
    weights = evidence.weights
    _refuse_unproved(weights)
    training = _read(weights.path / _TRAINING)
    base = _base(weights, training)
    shutil.copytree(weights.path, desk.output / "adapter", ignore=shutil.ignore_patterns(*_NOT_SERVED))
    tokenizer = desk.output / "tokenizer"
    marker = _kind(weights)
    bare = _read(weights.path / marker).get("bare", False)  # the base as it is
    needs_base = bare or (weights.path / _ADAPTER_CONFIG).exists()
    _copy_tokenizer(base.path if needs_base else weights.path, tokenizer)
    _copy_evidence(evidence, desk.output / "evidence")
    facts = {
        "kind": _KINDS[marker],
        "max_tokens": _read(weights.path / marker).get("max_tokens"),
        "base": training["base"],
        "adapter": {
            "digest": weights.digest,
            "method": training["method"]["name"].rpartition(":")[2],  # of "./mine.py:own", its function
            "parameters": training["method"]["parameters"],
            "files": _sums(desk.output / "adapter"),
        },
        "tokenizer": {"digest": keys.folder_digest(tokenizer), "files": _sums(tokenizer)},
        "chat_template": _chat_template(tokenizer),
        "guards": [_bound(guard) for guard in guards],
        "evidence": _told(evidence, training),
    }
    _write(desk.output / "release.json", facts)
    words = f"{facts['kind']}, {facts['adapter']['method']} on {training['base']['name']}"
    _write(desk.output / "report.json", {"metrics": facts["evidence"]["evaluation"]["metrics"], "notes": [words]})
    return {"summary": words, "adapter": weights.digest}


def _evidence(report: Report) -> _Evidence:
    """The weights that a report of select or evaluate is about, with all that speaks of them. Raises UserError."""
    facts = _read(report.path / "report.json")
    selection = (report, facts) if "winner" in facts else None
    digest = facts.get("winner" if selection else "weights", {}).get("digest")
    if not digest:
        raise UserError("the report names no weights", do="Take from a step of select or evaluate.")
    weights = next((a for a in report.behind if isinstance(a, Weights) and a.digest == digest), None)
    if weights is None:
        raise UserError(
            f"the weights {keys.short(digest)} that the report names are not among what it was made from now",
            do="Run the recipe without --keep, so that they are judged as they are.",
        )
    reports = [artifact for artifact in report.behind if isinstance(artifact, Report)] if selection else [report]
    about = [(found, told) for found in reports if (told := _about(found, digest))]
    # What they were chosen by comes first.
    about.sort(key=lambda entry: facts.get("best") not in entry[1]["metrics"])
    if not about:
        raise UserError(
            f"no evaluation of the weights {keys.short(digest)}", do="Evaluate them on a task, or on rows of a split."
        )
    return _Evidence(weights, about, selection)


def _about(report: Report, digest: str) -> dict[str, Any] | None:
    """What a report measured of these weights; None where it measured nothing, or others."""
    facts = _read(report.path / "report.json")
    return facts if facts.get("weights", {}).get("digest") == digest and facts.get("metrics") else None


def _refuse_unproved(weights: Weights) -> None:
    if not weights.record.get("proof"):
        raise UserError(
            f"the weights {keys.short(weights.digest)} have no proof that they are what was trained",
            where=weights.path,
            do="Train them again: train proves each export by reading it back.",
        )
    if keys.folder_digest(weights.path) != weights.digest:
        raise UserError(
            f"the weights {keys.short(weights.digest)} are not what was judged: their files have changed",
            where=weights.path,
            do="`adaptline gc --damaged --store DIR` removes them; then run again: they are trained and judged anew.",
        )


def _base(weights: Weights, training: dict[str, Any]) -> Folder:
    """The base that the weights were trained on, as it was then. Raises UserError."""
    base, expected = weights.folders.get("base"), training["base"]
    if base is None or not base.path.is_dir() or base.digest != expected["digest"] or base.changed():
        missing = base is None or not base.path.is_dir()
        raise UserError(
            f"the base of these weights, {expected['name']!r}, is {'missing' if missing else 'not as it was'}",
            where=None if base is None else base.path,
            do="Put it back, or train again on what is there now.",
        )
    return base


def _kind(weights: Weights) -> str:
    """The file that says what the weights do. Raises UserError where there is none."""
    for name in _KINDS:
        if (weights.path / name).exists():
            return name
    raise UserError(f"the weights hold none of {', '.join(_KINDS)}", where=weights.path, do="Train them again.")


def _copy_tokenizer(source: Path, target: Path) -> None:
    """Copies a tokenizer's files. Raises UserError where there are none."""
    names = sorted({path.name for pattern in _TOKENIZER for path in source.glob(pattern) if path.is_file()})
    if not names:
        raise UserError("no tokenizer in this folder", where=source, do="A base holds its tokenizer's files.")
    target.mkdir()
    for name in names:
        shutil.copyfile(source / name, target / name)


def _copy_evidence(evidence: _Evidence, target: Path) -> None:
    target.mkdir()
    shutil.copyfile(evidence.weights.path / _TRAINING, target / _TRAINING)
    for number, (found, _) in enumerate(evidence.evaluations, start=1):
        name = "evaluation.json" if number == 1 else f"evaluation-{number}.json"
        shutil.copyfile(found.path / "report.json", target / name)
    if evidence.selection:
        shutil.copyfile(evidence.selection[0].path / "report.json", target / "select.json")


def _chat_template(tokenizer: Path) -> str | None:
    """How a chat becomes text: a file of its own, or what the tokenizer's settings say; None where there is neither."""
    own, settings = tokenizer / _CHAT_TEMPLATE, tokenizer / _TOKENIZER_CONFIG
    if own.exists():
        return own.read_text("utf-8")
    found = _read(settings).get("chat_template") if settings.exists() else None
    if isinstance(found, list):  # several of them, each with a name, as transformers writes them
        found = next((entry["template"] for entry in found if entry.get("name") == "default"), None)
    return found if isinstance(found, str) else None


def _bound(guard: Use) -> dict[str, Any]:
    if not keys.can_hold(guard.parameters):
        raise UserError(f"a parameter of the guard {guard.use} is no plain value", do="A release holds no files of it.")
    return {"use": guard.use, "parameters": guard.parameters, "identity": guard.identity}


def _told(evidence: _Evidence, training: dict[str, Any]) -> dict[str, Any]:
    """What release.json says of the evidence: numbers and verdicts, no texts."""
    measured = [{"digest": found.digest, "metrics": facts["metrics"]} for found, facts in evidence.evaluations]
    selection = None
    if evidence.selection:
        chosen, facts = evidence.selection
        winner = facts["winner"]
        told = {"best": facts.get("best"), "verdict": facts.get("verdict")}
        selection = {"digest": chosen.digest, "winner": winner.get("name"), "interval": winner.get("interval"), **told}
    proved = {"proof": evidence.weights.record["proof"], "validation": training.get("validation")}
    return {"evaluation": measured[0], "further": measured[1:], "selection": selection, **proved}


def _sums(folder: Path) -> dict[str, str]:
    """Name -> SHA-256 of every file, as other tools count them."""
    return {path.relative_to(folder).as_posix(): _sha256(path) for path in _files(folder)}


def _files(folder: Path) -> Iterator[Path]:
    return (path for path in sorted(folder.rglob("*")) if path.is_file())


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _read(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(path.read_bytes())
    return found


def _write(path: Path, content: Any) -> None:
    text = json.dumps(content, indent=1, sort_keys=True, ensure_ascii=False, allow_nan=False)
    path.write_text(f"{text}\n", "utf-8")
