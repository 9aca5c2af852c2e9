"""A Marian model's folder, looked at without torch: whether it is one, and for which languages.

Knows the files that transformers writes. A recipe is planned with it, so it is no part of marian.py, which needs torch.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from adaptline.errors import UserError
from adaptline.models import bases


def refuse_misfit(folder: Path, source: str, target: str) -> None:
    """Raises UserError for a folder without a Marian model, or one that is for other languages as far as it says."""
    config = bases.config_of(folder)
    if config.get("model_type") != "marian":
        what = f"a {config['model_type']} model" if config.get("model_type") else "no model: no config.json"
        raise UserError(f"{what}, not a Marian model", where=folder, do="For example hub:Helsinki-NLP/opus-mt-en-es.")
    said = _said(folder / "tokenizer_config.json")
    for side, wanted in (("source_lang", source), ("target_lang", target)):
        told = said.get(side)
        if isinstance(told, str) and told.isalpha() and len(told) == len(wanted) and told != wanted:
            raise UserError(
                f"this model translates {side.replace('_lang', '')} {told!r}, and {wanted!r} is asked for",
                where=folder,
                do="`there` is the model from `language` to `via`, `back` the one from `via` to `language`.",
            )


def _said(path: Path) -> dict[str, Any]:
    try:
        told = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return {}
    return told if isinstance(told, dict) else {}
