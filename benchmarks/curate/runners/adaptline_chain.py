"""Ours: a whole chain. The filters' bounds are so wide that they judge every row and drop none, as in the peer's runner."""

import sys

from adaptline_run import MATCHERS, run

CHAIN = f"""
  "unicode",
  {{ use = "length", min = 0 }},
  {{ use = "length", unit = "words", min = 0 }},
  {{ use = "share", of = "letter", min = 0 }},
  {{ use = "share", of = "symbol", min = 0 }},
  {{ use = "gopher", drop = [] }},
  {{ use = "gopher_repetition", drop = [] }},
  {{ use = "fineweb", drop = [] }},
  {{ use = "language", drop = [] }},
  {MATCHERS},
  {{ use = "toxicity", max = 1 }},
  "mask_pii",
"""


def main(corpus: str, out: str, workers: str = "") -> None:
    """Normalisation, seven filters, language, exact and near-duplicates, toxicity, personal data."""
    run(corpus, out, CHAIN, workers)


if __name__ == "__main__":
    main(*sys.argv[1:])
