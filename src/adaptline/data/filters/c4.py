"""The rules of C4 (Raffel et al. 2020), as far as they judge a page: placeholder text, code, too few whole sentences.

Knows lines, words and marks. C4 cuts lines out of a page; a filter gives a score and changes nothing, so this one counts the
lines that C4 would keep. C4's list of bad words is not part of it, nor is its removal of repeated spans.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Annotated

import pyarrow as pa

from adaptline.core.demands import at_least, between
from adaptline.core.registry import filter
from adaptline.data import measures
from adaptline.data.measures import CLOSING_QUOTES, ELLIPSES, SENTENCE_MARKS, Measured, ends_sentence, share

RULES = ("lorem_ipsum", "curly_bracket", "sentences", "lines")
# From the authors' program, tensorflow_datasets/text/c4_utils.py; the paper says "boilerplate policy notices".
_POLICIES = ("terms of use", "privacy policy", "cookie policy", "uses cookies", "use of cookies", "use cookies")
_UNWANTED = re.compile("|".join(("javascript", *_POLICIES)))
_CITATIONS = re.compile(r"\[\d*\]|\[edit\]|\[citation needed\]")
# Marks of scripts that set a space after them end a sentence before white space only: 3.14 is one number.
_UNSPACED = "\u3002\uff01\uff0e\uff1f\uff61"
_SPACED = "".join(mark for mark in SENTENCE_MARKS if mark not in _UNSPACED)
# A run is tried from its first mark alone, so that a line of dots takes no time that grows with its square.
_SENTENCE_END = re.compile(rf"(?<![{_SPACED}])[{_SPACED}]+['\u2019){CLOSING_QUOTES}\]]*(?=\s|$)|[{_UNSPACED}]+")


@filter(version=1, labels=measures.labels(RULES), defaults={"keep": [measures.FINE]})
def c4(
    texts: pa.StringArray,
    *,
    min_sentences: Annotated[int, at_least(0)] = 3,
    min_words_per_line: Annotated[int, at_least(0)] = 5,
    max_word_length: Annotated[int, at_least(1)] = 1000,
    min_kept_lines: Annotated[float, between(0, 1)] = 0.0,
    curly_brackets: bool = False,
) -> pa.StructArray:
    """Whether C4 would take a text: "fine", or the first rule that it breaks. Keeps "fine" by default.

    The rules are those of Raffel et al., "Exploring the Limits of Transfer Learning with a Unified Text-to-Text
    Transformer", 2020 (arXiv 1910.10683), section 2.2; bounds are those of its authors' program, where
    printed versions of the paper swap them: 5 sentences, 3 words a line. The length of words, the policy notices and what an
    ellipsis at a line's end means are from that program, too.

    C4 keeps a line that ends in terminal punctuation and no ellipsis, has `min_words_per_line` words, none of them longer
    than `max_word_length`, and names neither JavaScript nor terms of use, a privacy policy or cookies. Marks of citations
    ("[1]", "[edit]") are overlooked. Lines stay as they are here: where few are kept, `min_kept_lines` drops the text.

    Sentences are counted by their marks, not by a model of abbreviations. The marks of other scripts count like ASCII's. C4's
    list of bad words is not shipped.

    Args:
        texts: one text per row; a null one has no score.
        min_sentences: in the lines that C4 keeps, rule `sentences`; 0 turns it off.
        min_words_per_line: runs of anything but white space.
        max_word_length: characters.
        min_kept_lines: the share of lines that C4 keeps, 0 to 1, blank ones left out; rule `lines`. C4 itself has no such
            bound.
        curly_brackets: whether a text may have "{", which C4 takes for code.

    Returns:
        Per row `score`, the label, and `because`, what was measured and its bounds.
    """

    def keeps(line: str) -> bool:
        words = line.split()
        return (
            len(words) >= min_words_per_line
            and ends_sentence(line)
            and not line.endswith(ELLIPSES)
            and not _UNWANTED.search(line.lower())
            and (len(line) <= max_word_length or max(map(len, words)) <= max_word_length)
        )

    def measure(text: str) -> Iterator[Measured]:
        yield Measured("lorem_ipsum", text.lower().count("lorem ipsum"), 'times "lorem ipsum"', high=0)
        if not curly_brackets:
            yield Measured("curly_bracket", text.count("{"), "curly brackets", high=0)
        lines = measures.lines(_CITATIONS.sub("", text) if "[" in text else text)
        kept = [line for line in lines if keeps(line)]
        sentences = sum(max(1, len(_SENTENCE_END.findall(line))) for line in kept)
        unit = f"sentences in the {len(kept):,} of {len(lines):,} lines that C4 keeps"
        yield Measured("sentences", sentences, unit, low=min_sentences)
        yield Measured("lines", share(len(kept), len(lines)), "of lines are kept by C4", low=min_kept_lines)

    return measures.labelled(texts, measure)
