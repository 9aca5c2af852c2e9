"""The small base's tokenizer: byte-level BPE in which a word has one spelling, wherever it stands.

A word after a bracket, a quote or a line's end would be other tokens than after a space, and what is to be copied would
have to be translated. So such signs get a space after them before the text is cut, and lose it again when it is joined.
Not at the end of a text: there the word is yet to be written, and it brings its own.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers
from transformers import PreTrainedTokenizerFast

SIZE = 2048
PAD, START, END = "<pad>", "<bos>", "<eos>"
# Messages, each on lines of its own, and the end's sign after what was written.
TEMPLATE = (
    "{{ bos_token }}{% for message in messages %}{{ message['content'] }}"
    "{% if message['role'] == 'assistant' %}{{ eos_token }}{% endif %}"
    "{% if not loop.last or (add_generation_prompt and message['role'] != 'assistant') %}{{ '\\n' }}{% endif %}"
    "{% endfor %}"
)
_OPENING = ("[", "(", "\n", "\N{LEFT DOUBLE QUOTATION MARK}")


def train(texts: Iterable[str]) -> PreTrainedTokenizerFast:
    """A tokenizer of SIZE tokens, with the three special ones first."""
    cut = Tokenizer(models.BPE())
    cut.normalizer = normalizers.Sequence(
        [normalizers.Replace(Regex(f"{re.escape(sign)}(?=[\\s\\S])"), f"{sign} ") for sign in _OPENING]
    )
    cut.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=True)
    joins = [decoders.Replace(f"{sign} ", sign) for sign in _OPENING]
    cut.decoder = decoders.Sequence([decoders.ByteLevel(), *joins, decoders.Strip(" ", 1, 0)])
    cut.train_from_iterator(
        texts,
        trainers.BpeTrainer(
            vocab_size=SIZE,
            special_tokens=[PAD, START, END],
            initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
            show_progress=False,
        ),
    )
    return PreTrainedTokenizerFast(  # type: ignore[no-untyped-call]
        tokenizer_object=cut,
        pad_token=PAD,
        bos_token=START,
        eos_token=END,
        padding_side="left",
        clean_up_tokenization_spaces=False,
        chat_template=TEMPLATE,
    )


def save(tokenizer: PreTrainedTokenizerFast, folder: Path) -> None:
    """Writes tokenizer.json and its configuration."""
    tokenizer.model_max_length = 256
    tokenizer.save_pretrained(folder)
    tokenizer.model_max_length = int(1e30)  # documents are cut by whoever trains
