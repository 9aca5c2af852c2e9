"""Ours: a whole chain. The filters' bounds are so wide that they judge every row and drop none, as in the peer's runner.

With "same" before the number of workers, what the peer's chain does and nothing more: it has no Gopher rules, no languages, no
toxicity, and of personal data two kinds.
"""

import sys

from adaptline_run import MATCHERS, run

FILTERS = """
  "unicode",
  { use = "length", min = 0 },
  { use = "length", unit = "words", min = 0 },
  { use = "share", of = "letter", min = 0 },
  { use = "share", of = "symbol", min = 0 },
  { use = "gopher_repetition", drop = [] },
  { use = "fineweb", drop = [] },
"""
SAME = f"""{FILTERS} {MATCHERS}, {{ use = "mask_pii", kinds = ["email", "ip"] }}"""
CHAIN = f"""{FILTERS}
  {{ use = "gopher", drop = [] }},
  {{ use = "language", drop = [] }},
  {MATCHERS},
  {{ use = "toxicity", max = 1 }},
  "mask_pii",
"""


def main(corpus: str, out: str, *words: str) -> None:
    """Normalisation, filters of quality, exact and near-duplicates, personal data; languages and toxicity."""
    run(corpus, out, SAME if "same" in words else CHAIN, words[-1] if words and words[-1].isdecimal() else "")


if __name__ == "__main__":
    main(*sys.argv[1:])
