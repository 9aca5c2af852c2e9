"""A model's folder by its name on a hub: resolved to a commit, and of that only what is read here.

Knows names, revisions and huggingface_hub. Knows nothing of models. What is on the machine already is not fetched again;
without a network, or with HF_HUB_OFFLINE, what a branch pointed at last time is taken.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

from adaptline.errors import UserError

PREFIX = "hub:"
# Configuration, tokenizer and weights as safetensors; never what can run code when it is read (*.bin, *.pt, *.py).
PATTERNS = (
    *("config.json", "generation_config.json", "tokenizer*.json", "tokenizer.model", "special_tokens_map.json"),
    *("vocab.*", "merges.txt", "*.spm", "spiece.model", "chat_template*", "added_tokens.json"),
    *("*.safetensors", "*.safetensors.index.json"),
)
_NAME = re.compile(r"(?P<repository>[\w.-]+/[\w.-]+)(?:@(?P<revision>[\w./-]+))?")
_COMMIT = re.compile(r"[0-9a-f]{40}")


def snapshot(name: str) -> tuple[Path, str]:
    """The folder of `org/name` or `org/name@revision`, and the name with the commit in the place of the revision.

    Raises:
        UserError: not such a name, huggingface_hub is not installed, or the hub has nothing of the name or cannot be asked.
    """
    found = _NAME.fullmatch(name)
    if found is None:
        raise UserError(f"not a model's name on a hub: {name!r}", do="Write hub:org/name or hub:org/name@revision.")
    os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
    try:
        from huggingface_hub import snapshot_download  # noqa: PLC0415 - comes with [train], and only when it is asked for
    except ModuleNotFoundError as error:
        raise UserError("a hub's names need huggingface_hub", do="pip install 'adaptline[train]'") from error
    repository, revision = found["repository"], found["revision"] or "main"
    try:
        path = Path(snapshot_download(repository, revision=revision, allow_patterns=list(PATTERNS)))
    except Exception as error:
        raise UserError(
            f"the hub gives no {name!r}: {_first_line(error)}",
            do="Is the name right, and the network there? A gated model needs `hf auth login` once; without a network, "
            "what was fetched before is taken.",
        ) from error
    if not _COMMIT.fullmatch(path.name):
        raise UserError(f"the hub tells no commit of {name!r}", where=path)
    return path, f"{repository}@{path.name}"


def _first_line(error: Exception) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[0] if lines else type(error).__name__
