"""A base that writes: a causal language model with its tokenizer and its chat template, from a folder.

Knows chats and how they become tokens, and which of them a training learns. Knows nothing of training or adapters.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from jinja2 import TemplateError
from transformers import AutoModelForCausalLM, GenerationConfig, PreTrainedTokenizerBase

from adaptline.errors import UserError
from adaptline.models import bases
from adaptline.models.modules import output_embedding
from adaptline.models.runtime import quiet

Message = dict[str, str]  # role and content
Span = tuple[int, int]  # of characters

# For a base that names no template: messages, each on lines of its own, and the sign of an end after what was written.
PLAIN = (
    "{{ bos_token }}{% for message in messages %}{{ message['content'] }}"
    "{% if message['role'] == 'assistant' %}{{ eos_token }}{% endif %}"
    "{% if not loop.last or (add_generation_prompt and message['role'] != 'assistant') %}{{ '\\n' }}{% endif %}"
    "{% endfor %}"
)
_PROBE = "0"  # something that an assistant may have said


@dataclass(frozen=True)
class Encoded:
    """A chat as tokens, and of each whether it is to be learnt."""

    tokens: list[int]
    learnt: list[bool]


class TemplateMisfitError(Exception):
    """A chat that the template does not take, such as one that begins with an answer; the text says why."""


@dataclass(frozen=True)
class Writer:
    """A model that continues a chat. `template` is the Jinja text that turns messages into what the model reads."""

    model: torch.nn.Module
    tokenizer: PreTrainedTokenizerBase
    max_tokens: int
    template: str

    @property
    def pad_token(self) -> int:
        """The token that fills a batch; it is never attended to."""
        return int(self.tokenizer.pad_token_id)

    @property
    def room(self) -> int:
        """Tokens up to which every one is seen by the next: max_tokens, or the window of a model that has one."""
        window = getattr(getattr(self.model, "config", None), "sliding_window", None)
        return min(self.max_tokens, window) if isinstance(window, int) and window > 0 else self.max_tokens

    @property
    def ends(self) -> frozenset[int]:
        """The tokens that end an answer: the tokenizer's and the model's own, and the one that the template sets."""
        found = {self.tokenizer.eos_token_id}
        told = getattr(getattr(self.model, "generation_config", None), "eos_token_id", None)
        found |= set(told) if isinstance(told, list) else {told}
        encoded = self.lesson([{"role": "user", "content": _PROBE}, {"role": "assistant", "content": _PROBE}])
        special = set(self.tokenizer.all_special_ids)
        said = [token for token, learnt in zip(encoded.tokens, encoded.learnt, strict=True) if learnt]
        found |= {next((token for token in reversed(said) if token in special), None)}
        return frozenset(int(token) for token in found if token is not None)

    def prompt(self, messages: Sequence[Message]) -> list[int]:
        """The tokens before an answer. Raises TemplateMisfitError."""
        return self._tokens(self._text(messages, answer=True))

    def lesson(self, messages: Sequence[Message]) -> Encoded:
        """A chat as tokens; what an assistant said is learnt, with the sign of its end. A plain text is learnt whole.

        An answer in the middle is learnt if the template writes the chat up to it as it writes the whole: some take the
        thoughts out of all answers but the last.

        Raises:
            TemplateMisfitError: the template does not take the chat.
        """
        if [message["role"] for message in messages] == ["text"]:
            body = self.tokenizer(messages[0]["content"], add_special_tokens=False)["input_ids"]
            start, end = self.tokenizer.bos_token_id, self.tokenizer.eos_token_id
            tokens = [*([] if start is None else [start]), *body, *([] if end is None else [end])]
            return Encoded(tokens, [token != start or number > 0 for number, token in enumerate(tokens)])
        text = self._text(messages, answer=False)
        spans = self._answers(messages, text)
        with quiet():
            found = self.tokenizer(text, add_special_tokens=False, return_offsets_mapping=True)
        learnt = [any(low < end and start < high for low, high in spans) for start, end in found["offset_mapping"]]
        return Encoded(list(found["input_ids"]), learnt)

    def said(self, tokens: Sequence[int]) -> str:
        """The text of an answer's tokens."""
        return self.said_so_far(tokens).strip()

    def said_so_far(self, tokens: Sequence[int]) -> str:
        """The same of an answer that is not at its end: white space stands where it may belong between words."""
        return str(self.tokenizer.decode(list(tokens), skip_special_tokens=True))

    def beginning(self, text: str) -> list[int]:
        """The tokens of a text that is to be gone on with as it stands, no chat."""
        start = self.tokenizer.bos_token_id
        return [*([] if start is None else [start]), *self._tokens(text)]

    def _answers(self, messages: Sequence[Message], text: str) -> list[Span]:
        """Where in the text of a chat stand the answers that are learnt."""
        spans = []
        for number, message in enumerate(messages):
            if message["role"] == "assistant":
                before = self._text(messages[:number], answer=True) if number else ""
                until = self._text(messages[: number + 1], answer=False)
                if until.startswith(before) and text.startswith(until):
                    spans.append((len(before), self._end(until)))
        return spans

    def _end(self, text: str) -> int:
        """Where an answer ends: after the sign of its end, not after the line break that a template sets behind it."""
        bare = text.rstrip()
        return len(bare) if bare.endswith(tuple(self.tokenizer.all_special_tokens)) else len(text)

    def _text(self, messages: Sequence[Message], *, answer: bool) -> str:
        for message in messages:
            if sign := next((sign for sign in self.tokenizer.all_special_tokens if sign in message["content"]), None):
                # It would be read as what it stands for: somebody's text would end a turn and begin another.
                raise TemplateMisfitError(f"a text holds {sign!r}, which is a sign of the model's own")
        try:
            text: Any = self.tokenizer.apply_chat_template(
                list(messages), chat_template=self.template, tokenize=False, add_generation_prompt=answer
            )
        except TemplateError as error:
            raise TemplateMisfitError(str(error) or type(error).__name__) from error
        return str(text)

    def _tokens(self, text: str) -> list[int]:
        with quiet():
            return list(self.tokenizer(text, add_special_tokens=False)["input_ids"])


def _forget_settings(model: Any) -> None:
    """Leaves of a base's generation_config.json the signs of an end alone.

    transformers would fill in what it says besides, such as a penalty of repetition: evaluation would then give other
    answers than a gateway does, which takes its settings from the request.
    """
    told = getattr(model, "generation_config", None)
    if told is not None:
        kept = {name: getattr(told, name, None) for name in ("bos_token_id", "eos_token_id", "pad_token_id")}
        model.generation_config = GenerationConfig(**kept)  # type: ignore[no-untyped-call]


def load_writer(folder: Path, max_tokens: int | None = None) -> Writer:
    """The folder's causal language model in float32.

    Args:
        folder: as Hugging Face writes it.
        max_tokens: of a chat with its answer; as many as the base has positions for, if not given.

    Raises:
        UserError: no tokenizer or another model's, no fast one, no safetensors weights, not a model that writes, weights
            that are missing, or fewer positions than max_tokens.
    """
    model, report = bases.load_model(folder, AutoModelForCausalLM, "to write texts")
    output = output_embedding(model)
    is_tied = output is not None and output.weight is model.get_input_embeddings().weight
    tied = {f"{name}.weight" for name, module in model.named_modules() if is_tied and module is output}
    missing = sorted({*report["missing_keys"], *(name for name, *_ in report["mismatched_keys"])} - tied)
    if missing:
        raise UserError(f"the base lacks weights: {', '.join(missing[:3])}", where=folder)
    _forget_settings(model)
    tokenizer = bases.load_tokenizer(folder)
    if not tokenizer.is_fast:
        raise UserError(
            "the tokenizer does not tell where its tokens stand",
            where=folder,
            do="Convert it once to a tokenizer.json, with save_pretrained of a fast tokenizer of transformers.",
        )
    if tokenizer.pad_token_id is None:
        tokenizer.pad_token = tokenizer.eos_token  # nothing is learnt from it and nobody attends to it
    if tokenizer.pad_token_id is None:
        raise UserError("the tokenizer has neither a padding nor an end token", where=folder)
    most = min(getattr(model.config, "max_position_embeddings", None) or 2048, tokenizer.model_max_length)
    limit = int(most) if max_tokens is None else max_tokens
    bases.refuse_misfit(model, tokenizer, limit, folder)
    template = tokenizer.chat_template
    if isinstance(template, dict):  # several of them, each with a name
        template = template.get("default")
    return Writer(model, tokenizer, limit, template if isinstance(template, str) else PLAIN)
