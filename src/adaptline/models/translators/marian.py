r"""marian: neural translation by Marian models (Junczys-Dowmunt et al., ACL 2018) in folders, read offline.

Knows Marian's models as transformers has them, one folder per direction. Knows nothing of what is translated.

The likeliest token at every step (or beams), in float32. What a text becomes depends on that text alone: a batch always
has the same number of rows, and they have the same number of tokens, so that every sum is made in the same order
whatever else is translated.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
from transformers import GenerationConfig, LogitsProcessor, MarianMTModel

from adaptline.core import keys
from adaptline.errors import UserError
from adaptline.models import bases
from adaptline.models.languages import codes
from adaptline.models.runtime import deterministic, quiet, thread_count
from adaptline.models.translators import marian_folder

ROWS = 16  # of a batch; those that are missing are copies of its last
_MOST_PER_TOKEN, _MOST_MORE = 2, 16  # tokens of a translation: twice the sentence's, and some


@dataclass(frozen=True)
class Marian:
    """A translator with a model in a folder for each direction: (source, target) -> folder."""

    folders: dict[tuple[str, str], Path]
    beams: int = 1
    temperature: float = 0.0  # above 0 every token is drawn
    by_sentence = True  # these models were trained on sentences

    @property
    def draws(self) -> bool:
        """Whether a translation depends on a salt, too."""
        return self.temperature > 0

    def translate(self, texts: Sequence[str], source: str, target: str, salts: Sequence[int] = ()) -> list[str | None]:
        """A translation per text; one that is longer than the model's positions is cut at spaces, and joined again.

        None for a text with a word that alone is longer.

        Args:
            texts: the texts.
            source: their language.
            target: the translations'.
            salts: a number per text where tokens are drawn: with another, another translation.

        Raises:
            UserError: no model for these languages, or one that cannot be loaded.
        """
        folder = self.folders.get((source, target))
        if folder is None:
            raise UserError(f"no model from {source!r} to {target!r} is given")
        model = _load(folder, source, target)
        pieces = [model.fitting(text) for text in texts]
        streams = (
            [(salt, at) for salt, parts in zip(salts, pieces, strict=True) for at in range(len(parts))]
            if self.draws
            else []
        )
        drawn = _Drawn(self.temperature, streams) if self.draws else None
        done = iter(model.translated([piece for parts in pieces for piece in parts], self.beams, drawn))
        return [_joined([next(done) for _ in parts]) for parts in pieces]


@dataclass(frozen=True)
class _Drawn:
    """Tokens drawn at a temperature; `streams` names a stream of numbers for each text."""

    temperature: float
    streams: Sequence[tuple[int, int]]

    def of(self, rows: Sequence[int]) -> _Noise:
        """The noise for some texts, one a row."""
        return _Noise(self.temperature, [self.streams[row] for row in rows])


class _Noise(LogitsProcessor):
    """Makes the likeliest token a drawn one: Gumbel noise on scores (Gumbel 1954), from a stream of its own for each row."""

    def __init__(self, temperature: float, streams: Sequence[tuple[int, int]]) -> None:
        self.temperature = temperature
        self.streams = [np.random.Philox(key=int(keys.key("tokens", *stream)[:32], 16)) for stream in streams]

    def __call__(self, input_ids: torch.LongTensor, scores: torch.FloatTensor) -> torch.FloatTensor:  # noqa: ARG002
        """(rows, tokens so far), (rows, vocabulary) -> scores that hold the noise, (rows, vocabulary)."""
        raw = np.stack([stream.random_raw(scores.shape[1]) for stream in self.streams])
        uniform = ((raw >> 11) + 0.5) * 2.0**-53  # above 0, below 1
        noise = torch.from_numpy(-np.log(-np.log(uniform)))
        noisy: Any = scores.double() / self.temperature + noise
        return noisy  # type: ignore[no-any-return]


@dataclass(frozen=True)
class _Model:
    model: Any
    tokenizer: Any
    prefix: str  # the target language's token and a space, where the model has several

    @property
    def most_tokens(self) -> int:
        return int(min(self.model.config.max_position_embeddings, self.tokenizer.model_max_length))

    def tokens(self, texts: Sequence[str]) -> list[list[int]]:
        if not texts:
            return []
        with quiet():
            found = self.tokenizer([self.prefix + text for text in texts], return_attention_mask=False)
        return [list(ids) for ids in found["input_ids"]]

    def fitting(self, text: str) -> list[str]:
        """The text, or its halves, until the model has positions for each; a word that is too long is left as it is."""
        # Characters tell nothing: of bytes and of letters that it does not know a tokenizer makes several tokens each.
        if len(self.tokens([text])[0]) <= self.most_tokens:
            return [text]
        words = text.split()
        if len(words) < 2:  # noqa: PLR2004 - nothing to halve
            return [text]
        middle = len(words) // 2
        return [*self.fitting(" ".join(words[:middle])), *self.fitting(" ".join(words[middle:]))]

    def translated(self, texts: Sequence[str], beams: int, drawn: _Drawn | None = None) -> list[str | None]:
        """One translation per text; None where the model has no positions for it."""
        tokens = self.tokens(texts)
        found: list[str | None] = [None] * len(texts)
        with deterministic(thread_count()), torch.inference_mode(), quiet():
            for rows in _batches([len(ids) for ids in tokens], self.most_tokens):
                given = torch.tensor([tokens[row] for row in rows])  # (ROWS, tokens)
                said = self._generated(given, beams, drawn.of(rows) if drawn else None)
                for row, text in zip(rows, self.tokenizer.batch_decode(said, skip_special_tokens=True), strict=True):
                    found[row] = text.strip()
        return found

    def _generated(self, given: torch.Tensor, beams: int, drawn: _Noise | None) -> torch.Tensor:
        """(ROWS, tokens) -> (ROWS, tokens of the longest translation)."""
        config = self.model.config
        most = min(self.most_tokens - 1, _MOST_PER_TOKEN * given.shape[1] + _MOST_MORE)
        ids: torch.Tensor = self.model.generate(
            input_ids=given,
            attention_mask=torch.ones_like(given),
            logits_processor=[drawn] if drawn else [],
            generation_config=GenerationConfig(  # type: ignore[no-untyped-call]
                max_new_tokens=most,
                num_beams=beams,
                do_sample=False,
                pad_token_id=config.pad_token_id,
                eos_token_id=config.eos_token_id,
                decoder_start_token_id=config.decoder_start_token_id,
                suppress_tokens=[config.pad_token_id],
            ),
        )
        return ids


def _joined(parts: Sequence[str | None]) -> str | None:
    said = [part for part in parts if part is not None]
    return " ".join(said) if len(said) == len(parts) else None


@lru_cache(maxsize=2)
def _load(folder: Path, source: str, target: str) -> _Model:
    marian_folder.refuse_misfit(folder, source, target)
    tokenizer: Any = _tokenizer(folder)
    loaded, report = bases.load_model(folder, MarianMTModel, "to translate")
    model: Any = loaded
    # What a generation_config.json says (beams, penalties, lengths) would fill in whatever is not asked for below.
    model.generation_config = GenerationConfig()  # type: ignore[no-untyped-call]
    if missing := sorted(report["missing_keys"]):
        raise UserError(f"the model lacks weights: {', '.join(missing[:3])}", where=folder)
    if len(tokenizer) > model.config.vocab_size:
        raise UserError(
            f"the tokenizer knows {len(tokenizer)} tokens, the model {model.config.vocab_size}",
            where=folder,
            do="They do not belong together.",
        )
    return _Model(model.eval(), tokenizer, _prefix(tokenizer.get_vocab(), target, folder))


def _tokenizer(folder: Path) -> Any:
    has_pieces = (folder / "source.spm").is_file() and not (folder / "tokenizer.json").is_file()
    try:
        if has_pieces:
            import sentencepiece  # noqa: F401, PLC0415 - only such models need it
    except ImportError as error:
        raise UserError(
            "this model's tokenizer needs sentencepiece, which is not installed",
            where=folder,
            do="pip install 'adaptline[translate]'",
        ) from error
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Recommended: pip install sacremoses")
        tokenizer: Any = bases.load_tokenizer(folder)
    if hasattr(tokenizer, "punc_normalizer"):
        # Where sacremoses happens to be installed it is another one, and the same text would have another translation.
        tokenizer.punc_normalizer = str
    return tokenizer


def _prefix(vocabulary: dict[str, int], target: str, folder: Path) -> str:
    """What begins a sentence for a model with several targets: a token like >>spa<<."""
    known = sorted(token for token in vocabulary if token.startswith(">>") and token.endswith("<<"))
    fitting = [f">>{code}<<" for code in codes(target) if f">>{code}<<" in vocabulary]
    if known and not fitting:
        raise UserError(f"this model does not translate to {target!r}", where=folder, do=f"It has {', '.join(known)}.")
    return f"{fitting[0]} " if fitting else ""


def _batches(lengths: Sequence[int], most: int) -> list[list[int]]:
    """Row numbers of texts with as many tokens, ROWS of them, the last one again where there are fewer."""
    by_length: dict[int, list[int]] = {}
    for row, length in enumerate(lengths):
        if length <= most:
            by_length.setdefault(length, []).append(row)
    found = [rows[at : at + ROWS] for _, rows in sorted(by_length.items()) for at in range(0, len(rows), ROWS)]
    return [rows + rows[-1:] * (ROWS - len(rows)) for rows in found]
