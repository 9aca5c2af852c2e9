"""Which words a masked language model finds likely in a gap of a text.

Knows masked language models of transformers, their tokenizers and which tokens are whole words. Knows nothing of which gaps
are worth filling. What it says of a gap does not depend on what is computed beside it.

Masked language models are BERT's (Devlin et al., NAACL 2019) and their kin.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path
from typing import NamedTuple

import torch
from transformers import AutoModelForMaskedLM, PreTrainedTokenizerBase

from adaptline.errors import UserError
from adaptline.models import bases
from adaptline.models.batches import shaped
from adaptline.models.runtime import quiet

MOST_TOKENS = 256  # read at once where nobody says otherwise: farther words tell little of a gap, and cost as much
_DIGITS = 6  # of a probability, which float32 can carry: so equals are equal on every machine

_NEVER = -1.0  # below every probability that may be asked for

Guess = tuple[str, float]  # a word in lower case and its probability


class Gap(NamedTuple):
    """A word in its text: what stands before it, the word, and what stands after it."""

    before: str
    word: str
    after: str


@dataclass(frozen=True)
class Filler:
    """A masked language model. `words` numbers the words that one token alone can be, in lower case."""

    model: torch.nn.Module
    tokenizer: PreTrainedTokenizerBase
    max_tokens: int
    words: Mapping[str, int]
    of_token: torch.Tensor  # (vocabulary,): the number of each token's word; len(words) for what is none

    def stretches(self, parts: Sequence[str]) -> Iterator[tuple[int, int]]:
        """(begin, end) of runs of parts that the model reads at once, each as long as may be. One part may be longer."""
        starts = [0, *accumulate(map(len, parts))]
        with quiet():
            cut = self.tokenizer("".join(parts), add_special_tokens=False, return_offsets_mapping=True)
        sizes = [0] * len(parts)
        for begin, _ in cut["offset_mapping"]:
            sizes[min(bisect_right(starts, begin) - 1, len(parts) - 1)] += 1
        room = self.max_tokens - self.tokenizer.num_special_tokens_to_add()
        first, held = 0, 0
        for at, size in enumerate(sizes):
            if held + size > room and at > first:
                yield first, at
                first, held = at, 0
            held += size
        yield first, len(parts)

    def guesses(self, gaps: Sequence[Gap], most: int, least: float, without: Collection[str] = ()) -> list[list[Guess]]:
        """For each gap the likeliest other words in its place, the likeliest first.

        Args:
            gaps: of texts that the model reads at once; one whose word it does not reach has no guesses.
            most: how many words.
            least: the probability of each, at least.
            without: words that are none of them, in lower case.
        """
        found: list[list[Guess]] = [[] for _ in gaps]
        read = [self._tokens(gap) for gap in gaps]
        reached = [number for number, (_, at) in enumerate(read) if at is not None]
        lengths = [len(read[number][0]) for number in reached]
        never = torch.tensor([self.words[word] for word in without if word in self.words], dtype=torch.long)
        self.model.eval()
        for shape, rows in shaped(lengths, self.max_tokens):
            numbers = [reached[row] for row in rows]
            logits = self._logits(shape, [read[number][0] for number in numbers])
            for place, number in enumerate(numbers):
                scores = self._by_word(logits[place, read[number][1]])
                scores[never] = _NEVER
                if (own := self.words.get(gaps[number].word.lower())) is not None:
                    scores[own] = _NEVER
                found[number] = self._best(scores, most, least)
        return found

    def _tokens(self, gap: Gap) -> tuple[list[int], int | None]:
        """Token ids with the gap's mask, and its place among them; None where it lies beyond what is read at once."""
        text = f"{gap.before}{self.tokenizer.mask_token}{gap.after}"
        with quiet():
            cut = self.tokenizer(
                text,
                truncation=True,
                max_length=self.max_tokens,
                return_offsets_mapping=True,
                return_attention_mask=False,
            )
        ids, at = list(cut["input_ids"]), len(gap.before)
        masks = zip(ids, cut["offset_mapping"], strict=True)
        of = (n for n, (token, (a, b)) in enumerate(masks) if token == self.tokenizer.mask_token_id and a <= at < b)
        return ids, next(of, None)  # what the text itself may say of masks is not ours

    def _logits(self, shape: tuple[int, int], tokens: Sequence[list[int]]) -> torch.Tensor:
        """(rows, tokens, vocabulary). Rows that are not there are padding."""
        ids = torch.full(shape, int(self.tokenizer.pad_token_id))
        mask = torch.zeros(shape, dtype=torch.long)
        mask[:, 0] = 1  # a row that is not there must not be the softmax of nothing
        for place, row in enumerate(tokens):
            ids[place, : len(row)] = torch.tensor(row)
            mask[place, : len(row)] = 1
        with torch.inference_mode():
            logits: torch.Tensor = self.model(input_ids=ids, attention_mask=mask).logits
        return logits

    def _by_word(self, logits: torch.Tensor) -> torch.Tensor:
        """(vocabulary,) -> the probability of each word, (words,): the sum over its tokens, which differ in case."""
        likely = torch.zeros(len(self.words) + 1, dtype=torch.float64)
        likely.index_add_(0, self.of_token, logits.double().softmax(0)[: len(self.of_token)])
        return likely[:-1]

    def _best(self, likely: torch.Tensor, most: int, least: float) -> list[Guess]:
        top = likely.topk(min(most, len(likely)))
        names = list(self.words)
        found = [(names[n], round(p, _DIGITS)) for p, n in zip(top.values.tolist(), top.indices.tolist(), strict=True)]
        return sorted((guess for guess in found if guess[1] >= least), key=lambda guess: (-guess[1], guess[0]))


def load_filler(folder: Path, max_tokens: int | None = None) -> Filler:
    """The folder's masked language model in float32.

    Args:
        folder: as Hugging Face writes it.
        max_tokens: that are read at once; MOST_TOKENS if not given, or as many as the model takes.

    Raises:
        UserError: no fast tokenizer with a mask and a padding token, or another model's; no safetensors weights, or weights
            that are missing; fewer positions than max_tokens; a vocabulary without whole words.
    """
    model, report = bases.load_model(folder, AutoModelForMaskedLM, "to fill gaps")
    if missing := sorted(report["missing_keys"]):
        do = "Name a masked language model, such as a BERT before it was trained for another task."
        raise UserError(f"the base lacks weights: {', '.join(missing[:3])}", where=folder, do=do)
    tokenizer = bases.load_tokenizer(folder)
    if tokenizer.mask_token_id is None or tokenizer.pad_token_id is None or not tokenizer.is_fast:
        do = "Use a masked language model, such as a BERT."
        raise UserError("no fast tokenizer with a mask and a padding token", where=folder, do=do)
    positions = min(getattr(model.config, "max_position_embeddings", MOST_TOKENS), tokenizer.model_max_length)
    room = max_tokens or min(int(positions), MOST_TOKENS)
    bases.refuse_misfit(model, tokenizer, room, folder)
    of_text = _whole_words(tokenizer)
    words = {word: number for number, word in enumerate(dict.fromkeys(of_text.values()))}
    if not words:
        raise UserError("no token is a whole word", where=folder, do="Use a model whose vocabulary has words.")
    of_token = torch.tensor([words.get(of_text.get(token, ""), len(words)) for token in range(len(tokenizer))])
    return Filler(model, tokenizer, room, words, of_token)


def _whole_words(tokenizer: PreTrainedTokenizerBase) -> dict[int, str]:
    """Token -> the word that it is, in lower case; tokens that are none are left out.

    A token is a word if its letters, two or more, are that token again behind a space, whatever the kind of tokenizer. One
    with capitals counts if there is one without: else it is a name. Of a tokenizer without marks inside of words (RoBERTa's)
    the first part of a longer word counts, too; where a word ends in a gap, a model finds it unlikely.
    """
    special = set(tokenizer.all_special_ids)
    tokens = [token for token in range(len(tokenizer)) if token not in special]
    with quiet():
        texts = [str(tokenizer.decode([token])).strip() for token in tokens]
        spelt = [(token, text) for token, text in zip(tokens, texts, strict=True) if text.isalpha() and len(text) > 1]
        again = tokenizer([f" {text}" for _, text in spelt], add_special_tokens=False)["input_ids"] if spelt else []
    whole = {token: text for (token, text), ids in zip(spelt, again, strict=True) if list(ids) == [token]}
    known = set(whole.values())
    return {token: text.lower() for token, text in whole.items() if text.lower() in known}
