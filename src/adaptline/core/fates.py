"""What one artifact tells of one row: verdicts with their reasons, texts that were written, and who consumed it.

Knows what steps store beside their rows. Knows nothing of how a row came there, or where it went (trace.py).
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow.compute as pc
import pyarrow.parquet as pq

from adaptline.core import moves
from adaptline.core.descent import children
from adaptline.core.history import History
from adaptline.core.rows import Ref, texts

_DROPPED_EARLIER = -1


def life_in_rows(history: History, manifest: dict[str, Any], shard: int, position: int) -> dict[str, Any]:
    """What an artifact of rows did with the row at a place: its split, its children, and per method a verdict with its why."""
    store, entry = history.store, manifest["shards"][shard]
    found: dict[str, Any] = {"shard": entry["text"][1], "position": position}
    if manifest["detail"].get("augmenters"):
        if made := list(children(store, manifest, (shard, position))):
            found["children"] = made
    elif entry["split"] is not None and not manifest["detail"].get("methods"):
        found |= store.read_row(Ref(*entry["split"]), position)
    if methods := manifest["detail"].get("methods"):
        dropped_by = store.read_row(Ref(*manifest["detail"]["verdicts"][shard]), position)["dropped_by"]
        found["kept"] = dropped_by is None
        found["methods"] = []
        for number, (name, method) in enumerate(zip(moves.rules(manifest), methods, strict=True)):
            if dropped_by == _DROPPED_EARLIER:
                found["did"] = "dropped before this step"
                break
            found["methods"].append(
                {"name": name} | _life_in_method(history, manifest, method, shard, position, out=dropped_by == number)
            )
            if dropped_by == number:
                found["dropped_by"] = name
                break
    return found


def did(told: dict[str, Any]) -> str:
    """What a step did with a row, in a word or two; nothing where it only took it on."""
    if "did" in told:
        return str(told["did"])
    if "dropped_by" in told:
        return f"dropped by {told['dropped_by']}"
    if "kept" in told:
        return "kept"
    return f"split {told['split']}" if "split" in told else ""


def cause(told: dict[str, Any]) -> str:
    """What a method's verdict on a row names: what the row was dropped or mended for, or only what is nearest to it."""
    if not told.get("because"):
        return ""
    # A number tells how near something is; a word, as a person's, is what somebody said.
    near = told["verdict"] == "kept" and isinstance(told.get("score"), float)
    return f"nearest: {told['because']}" if near else f"because of {told['because']}"


def _life_in_method(
    history: History, manifest: dict[str, Any], method: dict[str, Any], shard: int, position: int, *, out: bool
) -> dict[str, Any]:
    store = history.store
    found: dict[str, Any] = {
        "use": method["use"],
        "parameters": method["parameters"],
        "settings": method["settings"],
        "verdict": "dropped" if out else "kept",
    }
    if folders := manifest["record"].get("folders"):
        found["folders"] = folders
    if "scores" in method:
        found |= store.read_row(Ref(*method["scores"][shard]), position)
    if "changes" in method:
        changes = store.read(Ref(*method["changes"][shard]))
        mine = changes.filter(pc.equal(changes["row"], position)).to_pylist()
        if mine and not out:
            found["verdict"] = "changed"
        if said := [change for change in mine if change["message"] is not None]:
            messages = store.read_row(Ref(*method["texts"][shard]), position)["messages"]
            found["was"] = "\n".join(messages[change["message"]]["content"] for change in said)
            found["text"] = "\n".join(change["content"] for change in said)
        if labels := [change["content"] for change in mine if change["message"] is None]:
            found["label"] = labels[0]
    if out and "matches" in method:
        matches = store.read(Ref(*method["matches"]))
        match = matches.filter(
            pc.and_(pc.equal(matches["shard"], shard), pc.equal(matches["row"], position))
        ).to_pylist()[0]
        kept = Ref(*manifest["shards"][match["of_shard"]]["text"])
        other = store.read(kept).slice(match["of_row"], 1)
        found |= {
            "score": match["score"],
            "because": f"{other['file'][0].as_py()}:{other['row'][0].as_py()}",
            "kept_row": {
                "file": other["file"][0].as_py(),
                "row": other["row"][0].as_py(),
                "text": texts(other)[0].as_py(),
                "shard": kept.digest,
                "position": match["of_row"],
            },
        }
    return found


def consumed(folder: Path, digests: dict[str, int], name: str = "consumed.parquet") -> str | None:
    """What an artifact says that it did with one of these positions, by its own list of what it consumed."""
    path = folder / name
    if not path.exists():
        return None
    with pq.ParquetFile(path) as file:
        listed = file.read(columns=["shard", "row", "split"], use_threads=False)
    for digest, position in digests.items():
        found = listed.filter(pc.and_(pc.equal(listed["shard"], digest), pc.equal(listed["row"], position)))
        if found.num_rows:
            return (
                "validated on it"
                if found["split"][0].as_py() == "validation"
                else "trained on it"
                if name == "consumed.parquet"
                else "scored it"
            )
    return None
