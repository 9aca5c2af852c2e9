"""data-juicer: the operators nearest to our chain's. Bounds are so wide that filters judge every row and drop none.

Its operator for languages is missing: it wants a model of fastText's that it downloads.
"""

import sys

from data_juicer_run import MINHASH, Operators, run

ALL, MANY = {"min_ratio": 0.0, "max_ratio": 1.0}, 10**9

CHAIN: Operators = [
    {"fix_unicode_mapper": {}},
    {"text_length_filter": {"min_len": 0, "max_len": MANY}},
    {"words_num_filter": {"min_num": 0, "max_num": MANY}},
    {"alphanumeric_filter": ALL},
    {"special_characters_filter": ALL},
    {"average_line_length_filter": {"min_len": 0, "max_len": MANY}},
    {"character_repetition_filter": ALL},
    {"word_repetition_filter": ALL},
    {"document_deduplicator": {"lowercase": True}},
    MINHASH,
    {"clean_email_mapper": {"repl": "<EMAIL>"}},
    {"clean_ip_mapper": {"repl": "<IP>"}},
]


def main(corpus: str, out: str) -> None:
    """Normalisation, seven filters, exact and near-duplicates, personal data."""
    run(corpus, out, CHAIN)


if __name__ == "__main__":
    main(*sys.argv[1:])
