"""A base model in a folder, read offline: which kind it is, its tokenizer, its weights in float32.

Knows folders as Hugging Face writes them. Knows nothing of heads, prompts or training.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from adaptline.core import registry
from adaptline.core.artifacts import Use
from adaptline.core.demands import needs
from adaptline.core.sources import Folder
from adaptline.errors import UserError
from adaptline.models.runtime import quiet

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

Kind = Literal["classifier", "writer"]

_WRITES = ("ForCausalLM", "LMHeadModel")  # ends of the names of architectures that predict the next token
# What config.json calls the number of positions: most models; GPT-2 and its kin; the first GPT-2s, beside n_positions.
_POSITIONS = ("max_position_embeddings", "n_positions", "n_ctx")
_VOCABULARIES = ("tokenizer.json", "vocab.txt", "vocab.json", "*.model")


def kind_of(folder: Path) -> Kind:
    """Whether a base writes or reads only, by the architecture that its config.json names. Raises UserError without one."""
    if not (folder / "config.json").is_file():
        raise UserError("no model: no config.json", where=folder, do="Name a folder that save_pretrained wrote.")
    named = config_of(folder).get("architectures") or []
    return "writer" if any(str(name).endswith(_WRITES) for name in named) else "classifier"


def refuse_unsuited(method: Use, kind: Kind) -> None:
    """Raises UserError for a method that is for another kind of base."""
    suits = method.load().options["suits"]
    if kind not in suits:
        what = {"writer": "writes", "classifier": "reads only"}
        raise UserError(
            f"adapter {method.use!r} is for a base that {what[suits[0]]}, and this one {what[kind]}",
            do=f"Choose another of {', '.join(registry.names('adapter'))}.",
        )


def refuse_no_encoder(base: Folder, max_tokens: int | None = None) -> None:
    """Raises UserError for a base that cannot embed texts, as far as its config.json says, or without the packages for it."""
    needs("torch", "transformers", extra="train")
    if kind_of(base.path) == "writer":
        raise UserError(f"a base that writes: {base.name}", do="Name a sentence encoder, such as all-MiniLM-L6-v2.")
    most = positions_of(base.path)
    if most is not None and max_tokens is not None and max_tokens > most:
        raise UserError(f"max_tokens = {max_tokens}, and the base takes at most {most}", do=f"Set max_tokens = {most}.")


def config_of(folder: Path) -> dict[str, Any]:
    """What config.json says; nothing where it cannot be read."""
    try:
        told = json.loads((folder / "config.json").read_bytes())
    except (OSError, ValueError, RecursionError):
        return {}
    return told if isinstance(told, dict) else {}


def positions_of(folder: Path) -> int | None:
    """How many tokens config.json says that the base takes at once; None where it does not say."""
    told = config_of(folder)
    return next((told[name] for name in _POSITIONS if isinstance(told.get(name), int)), None)


def load_tokenizer(folder: Path) -> PreTrainedTokenizerBase:
    """The folder's tokenizer. Raises UserError where there is none, or none that can be read."""
    from transformers import AutoTokenizer  # noqa: PLC0415 - a recipe is planned with this module

    if not any(path for pattern in _VOCABULARIES for path in folder.glob(pattern)):
        # transformers would make an empty one, to which every word is unknown
        raise UserError("no tokenizer", where=folder, do=f"One of {', '.join(_VOCABULARIES)} must be there.")
    try:
        with quiet():
            return AutoTokenizer.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
    except (OSError, ValueError, KeyError) as error:
        raise UserError(f"no tokenizer that can be read: {first_line(error)}", where=folder) from error


def load_model(folder: Path, auto: Any, purpose: str, **settings: Any) -> tuple[PreTrainedModel, dict[str, Any]]:
    """The folder's model in float32 by a class like AutoModelForCausalLM, and what transformers tells of its weights.

    Raises:
        UserError: no safetensors weights, or nothing that can be loaded for the purpose ("to classify texts").
    """
    import torch  # noqa: PLC0415 - a recipe is planned with this module
    from safetensors import SafetensorError  # noqa: PLC0415 - the same

    if not any(folder.glob("*.safetensors")):
        do = "Other formats can run code when they are read: convert them once, with save_pretrained of transformers."
        raise UserError("no weights in safetensors format", where=folder, do=do)
    try:
        with quiet():
            model, report = auto.from_pretrained(
                folder,
                output_loading_info=True,
                use_safetensors=True,
                local_files_only=True,
                trust_remote_code=False,
                dtype=torch.float32,
                **settings,
            )
    except (OSError, ValueError, KeyError, SafetensorError) as error:
        raise UserError(f"cannot be loaded {purpose}: {first_line(error)}", where=folder) from error
    return model, report


def refuse_misfit(model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, max_tokens: int, folder: Path) -> None:
    """Raises UserError for more tokens than the base has positions for, or a tokenizer that is another model's."""
    most = min(getattr(model.config, "max_position_embeddings", max_tokens), tokenizer.model_max_length)
    if max_tokens > most:
        raise UserError(
            f"max_tokens is {max_tokens}, and the base takes at most {most}", do=f"Set max_tokens = {most}, or less."
        )
    if len(tokenizer) > model.config.vocab_size:
        raise UserError(
            f"the tokenizer knows {len(tokenizer)} tokens, the base {model.config.vocab_size}",
            where=folder,
            do="They do not belong together.",
        )


def first_line(error: Exception) -> str:
    """What an error of a library says first."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
