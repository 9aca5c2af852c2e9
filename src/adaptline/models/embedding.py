"""What a sentence encoder makes of a text: one vector, so that texts of like meaning have like directions.

Knows encoders of transformers and how their states become one vector. Knows nothing of what vectors are compared for. A vector
does not depend on what is computed beside it.

Sentence-BERT (Reimers and Gurevych, 2019, arXiv 1908.10084): the mean of the last states, or the first token's, of length 1.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import torch
from transformers import AutoModel, PreTrainedTokenizerBase

from adaptline.core.sources import Folder
from adaptline.errors import UserError
from adaptline.models import bases
from adaptline.models.batches import shaped
from adaptline.models.runtime import quiet

Pooling = Literal["mean", "cls"]
_DIGITS = 6  # of a cosine, which float32 can carry
_POOLER = "pooler."  # BERT's last layer, which neither pooling looks at


@dataclass(frozen=True)
class Encoder:
    """A model that reads, and its tokenizer."""

    model: torch.nn.Module
    tokenizer: PreTrainedTokenizerBase
    max_tokens: int

    @property
    def size(self) -> int:
        """Numbers in a vector."""
        config: Any = self.model.config
        return int(config.hidden_size)

    def embed(self, texts: Sequence[str], pooling: Pooling = "mean") -> tuple[npt.NDArray[np.float32], list[bool]]:
        """The vectors of texts, (texts, size), each of length 1; and of which the end was cut off."""
        out = np.empty((len(texts), self.size), np.float32)
        if not texts:
            return out, []
        with quiet():
            cut = self.tokenizer(
                list(texts),
                truncation=True,
                max_length=self.max_tokens,
                return_attention_mask=False,
                return_overflowing_tokens=True,
            )
        firsts: dict[int, list[int]] = {}
        pieces = [0] * len(texts)
        for row, tokens in zip(cut["overflow_to_sample_mapping"], cut["input_ids"], strict=True):
            firsts.setdefault(row, tokens)
            pieces[row] += 1
        self.model.eval()
        for shape, rows in shaped([len(firsts[row]) for row in range(len(texts))], self.max_tokens):
            out[rows] = self._embed_batch(shape, [firsts[row] for row in rows], pooling)
        return out, [count > 1 for count in pieces]

    def cosines(self, pairs: Sequence[tuple[str, str]], pooling: Pooling = "mean") -> list[float]:
        """How near the meanings of each pair's texts are, -1 to 1, to six digits; long texts by their beginnings."""
        texts = list(dict.fromkeys(text for pair in pairs for text in pair))
        vectors = self.embed(texts, pooling)[0].astype(np.float64)
        at = {text: number for number, text in enumerate(texts)}
        return [round(float(vectors[at[one]] @ vectors[at[other]]), _DIGITS) for one, other in pairs]

    def _embed_batch(self, shape: tuple[int, int], tokens: Sequence[list[int]], pooling: Pooling) -> Any:
        ids = torch.full(shape, int(self.tokenizer.pad_token_id))
        mask = torch.zeros(shape, dtype=torch.long)
        mask[:, 0] = 1  # a row that is not there must not be the softmax of nothing
        for place, row in enumerate(tokens):
            ids[place, : len(row)] = torch.tensor(row)
            mask[place, : len(row)] = 1
        with torch.inference_mode():
            states = self.model(input_ids=ids, attention_mask=mask).last_hidden_state.float()  # (rows, tokens, size)
            seen = mask.unsqueeze(2)
            found = states[:, 0] if pooling == "cls" else (states * seen).sum(1) / seen.sum(1)
            return torch.nn.functional.normalize(found, dim=1)[: len(tokens)].numpy()


@lru_cache(maxsize=1)
def loaded(base: Folder, max_tokens: int | None = None) -> Encoder:
    """The same as load_encoder, once per process and not once per shard."""
    return load_encoder(base.path, max_tokens)


def load_encoder(folder: Path, max_tokens: int | None = None) -> Encoder:
    """The folder's encoder in float32.

    Args:
        folder: as Hugging Face writes it.
        max_tokens: of a text, what follows is cut off; as many as the encoder takes, if not given.

    Raises:
        UserError: no tokenizer or another model's, no safetensors weights, weights that are missing, or fewer positions
            than max_tokens.
    """
    model, report = bases.load_model(folder, AutoModel, "to embed texts")
    if missing := sorted(name for name in report["missing_keys"] if not name.startswith(_POOLER)):
        raise UserError(f"the encoder lacks weights: {', '.join(missing[:3])}", where=folder)
    tokenizer = bases.load_tokenizer(folder)
    if tokenizer.pad_token_id is None or not tokenizer.is_fast:
        raise UserError("no fast tokenizer with a padding token", where=folder, do="Use an encoder, such as a BERT.")
    most = min(getattr(model.config, "max_position_embeddings", 512), tokenizer.model_max_length)
    bases.refuse_misfit(model, tokenizer, max_tokens or most, folder)
    return Encoder(model, tokenizer, max_tokens or int(most))
