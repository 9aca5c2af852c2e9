"""How long a text is. Knows characters and words, and tokens where a tokenizer is named; which one suits is the recipe's."""

from __future__ import annotations

import math
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import pyarrow as pa
import pyarrow.compute as pc

from adaptline.core.demands import needs
from adaptline.core.registry import filter
from adaptline.core.sources import Files, Folder
from adaptline.data import text
from adaptline.errors import UserError

if TYPE_CHECKING:
    from tokenizers import Tokenizer

_NAME = "tokenizer.json"
_TOGETHER = 1024  # texts that are cut at once, which bounds what their tokens take of memory


def _check(
    *, unit: str = "characters", base: Folder | None = None, tokenizer: Files | None = None, **_: object
) -> None:
    if (unit == "tokens") != (base is not None or tokenizer is not None):
        raise UserError(
            f"unit = {unit!r} {'without' if unit == 'tokens' else 'with'} a tokenizer",
            do='Tokens are counted with base = "FOLDER", "package:NAME" or "hub:ORG/NAME", or tokenizer = "tokenizer.json".',
        )
    if unit == "tokens":
        needs("tokenizers", extra="train")
    if base is not None and tokenizer is not None:
        raise UserError("both a base and a tokenizer", do="Name one of them.")
    if tokenizer is not None and len(tokenizer) != 1:
        raise UserError(f"{len(tokenizer)} files as a tokenizer", do="Name one tokenizer.json.")
    if base is not None and not (base.path / _NAME).is_file():
        do = "save_pretrained of a fast tokenizer of transformers writes one."
        raise UserError(f"a base without {_NAME}: {base.name}", do=do)


@filter(version=1, finds=("empty", "too_short", "too_long"), gives="number", bounds=(0, math.inf), check=_check)
def length(
    texts: pa.StringArray,
    *,
    unit: Literal["characters", "words", "tokens"] = "characters",
    base: Folder | None = None,
    tokenizer: Files | None = None,
) -> pa.Array:
    """Unicode characters per text, or words, or tokens. Bound it with min and max.

    Args:
        texts: one text per row; a null one stays null.
        unit: words are runs of anything but white space and punctuation, so a script without spaces has few. Tokens are a
            tokenizer's, without those that it sets around a text, and without its bounds of length.
        base: for tokens, a model's folder with a tokenizer.json.
        tokenizer: for tokens, such a file by itself.

    Returns:
        int32 per text.

    Raises:
        UserError: the tokenizer cannot be read.
    """
    if unit == "characters":
        return pc.utf8_length(texts)
    count = (
        _words
        if base is None and tokenizer is None
        else _Tokens(base.path / _NAME if base else next(iter(tokenizer or ())))
    )
    given = texts.to_pylist()
    counts = iter(count([one for one in given if one is not None]))
    return pa.array([None if one is None else next(counts) for one in given], pa.int32())


def _words(texts: list[str]) -> list[int]:
    return [len(text.words(one)) for one in texts]


class _Tokens:
    """Counts tokens by a file."""

    def __init__(self, path: Path) -> None:
        self.tokenizer = _read(path, path.stat().st_mtime_ns)

    def __call__(self, texts: list[str]) -> list[int]:
        """The tokens of each text."""
        found: list[int] = []
        for start in range(0, len(texts), _TOGETHER):
            cut = self.tokenizer.encode_batch_fast(texts[start : start + _TOGETHER], add_special_tokens=False)
            found += map(len, cut)
        return found


@lru_cache(maxsize=2)
def _read(path: Path, _: int) -> Tokenizer:
    """Read once per process, not once per shard; again where it was written anew."""
    from tokenizers import Tokenizer  # noqa: PLC0415 - only tokens need it

    try:
        found = Tokenizer.from_file(str(path))
    except Exception as error:  # the package raises nothing narrower
        first = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise UserError(f"no tokenizer that can be read: {first}", where=path) from error
    found.no_truncation()
    found.no_padding()
    return found
