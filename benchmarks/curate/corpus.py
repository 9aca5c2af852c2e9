r"""A corpus with planted near-duplicates: `python benchmarks/curate/corpus.py OUT [ROWS] [FOLDER ...]`.

Text is what lies on the machine: sources and documents of installed Python packages, changelogs of Debian's packages, and
.txt files of FOLDERs. It is cut into pieces of about 1.3 KB. Where that is not enough, further pieces are put together of
parts of others, which makes them new. A fifth of the rows are copies of others, changed in one of six ways, or not at all.

OUT gets corpus-0.jsonl and corpus-1.jsonl (id, text) and truth.jsonl: of each copy its id, that of its original, the kind
and the true Jaccard similarity of their 5-grams of lower-cased \w+ words. The same files give the same corpus.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import random
import re
import site
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

ROWS, COPIES, SEED = 100_000, 0.2, 11
WORD = re.compile(r"\w+")
_SUFFIXES = {".py", ".md", ".rst", ".txt", ".pyi"}
_LARGEST = 400_000  # bytes of a file: tables of data are no text

Draw = random.Random
Words = list[str]


def files(folders: list[Path]) -> Iterator[str]:
    """Texts on this machine, in the order of their names."""
    for root in (*map(Path, site.getsitepackages()), Path("/usr/share/doc"), *folders):
        for path in sorted(root.rglob("*")):
            try:
                if path.suffix in _SUFFIXES and path.is_file() and path.stat().st_size < _LARGEST:
                    yield path.read_text("utf-8")
                elif path.name.lower().startswith("changelog") and path.suffix == ".gz":
                    with gzip.open(path, "rt", encoding="utf-8") as file:
                        yield file.read(_LARGEST)
            except (OSError, UnicodeDecodeError, EOFError):
                continue


def pieces(texts: Iterator[str], draw: Draw) -> Iterator[str]:
    """Texts cut into pieces of some 200 words, each once."""
    seen = set()
    for text in texts:
        parts = re.split(r"(?<=\s)(?=\S)", text)
        at = 0
        while at < len(parts):
            length = max(20, min(4000, int(draw.lognormvariate(4.85, 0.75))))
            piece = "".join(parts[at : at + length]).strip()
            at += length
            digest = hashlib.blake2b(piece.encode(), digest_size=8).digest()
            if len(WORD.findall(piece)) >= 20 and digest not in seen:  # noqa: PLR2004 - shorter ones are no documents
                seen.add(digest)
                yield piece


def recombined(base: list[str], draw: Draw) -> str:
    """A new text of parts of four others."""
    parts = []
    for _ in range(4):
        words = draw.choice(base).split(" ")
        at, length = draw.randrange(len(words)), max(5, len(words) // 4)
        parts.append(" ".join(words[at : at + length]))
    return "\n".join(parts)


# Ways to change a copy. Each gets its words and those of all texts.


def same(words: Words, _: Words, __: Draw) -> str:
    """Not at all."""
    return " ".join(words)


def cosmetic(words: Words, _: Words, draw: Draw) -> str:
    """Case, white space and punctuation."""
    text = re.sub(r"[,;:]", lambda found: draw.choice((found[0], " ", " -")), " ".join(words))
    text = re.sub(r" ", lambda _: draw.choice((" ", " ", "  ", "\n")), text)
    return text.upper() if draw.random() < 0.3 else text  # noqa: PLR2004


def scattered(words: Words, known: Words, draw: Draw) -> str:
    """Words here and there are others, gone, or new."""
    share, found = draw.uniform(0.002, 0.06), []
    for word in words:
        if draw.random() >= share:
            found.append(word)
        else:
            found += draw.choice(([draw.choice(known)], [], [word, draw.choice(known)]))
    return " ".join(found)


def block(words: Words, known: Words, draw: Draw) -> str:
    """A run of words is another."""
    length = max(1, int(len(words) * draw.uniform(0.02, 0.35)))
    at = draw.randrange(max(1, len(words) - length))
    return " ".join(words[:at] + draw.choices(known, k=length) + words[at + length :])


def framed(words: Words, known: Words, draw: Draw) -> str:
    """Something stands before it, or after."""
    more = draw.choices(known, k=max(1, int(len(words) * draw.uniform(0.02, 0.3))))
    return " ".join(more + words if draw.random() < 0.5 else words + more)  # noqa: PLR2004


def cut(words: Words, _: Words, draw: Draw) -> str:
    """An end is missing."""
    length = max(1, int(len(words) * draw.uniform(0.03, 0.4)))
    return " ".join(words[length:] if draw.random() < 0.5 else words[:-length])  # noqa: PLR2004


KINDS: dict[Callable[[Words, Words, Draw], str], int] = {
    same: 3,
    cosmetic: 2,
    scattered: 7,
    block: 4,
    framed: 2,
    cut: 2,
}


def grams(text: str, size: int = 5) -> set[tuple[str, ...]]:
    """n-grams as peers cut them."""
    words = WORD.findall(text.lower())
    return {tuple(words[at : at + size]) for at in range(max(1, len(words) - size + 1))}


def jaccard(one: str, other: str) -> float:
    """The true similarity of two texts."""
    first, second = grams(one), grams(other)
    return len(first & second) / len(first | second)


def make(out: Path, rows: int, folders: list[Path]) -> None:
    """Writes the corpus and its truth, and says what it is."""
    draw = random.Random(SEED)
    wanted = rows - int(rows * COPIES)
    base: list[str] = []
    for piece in pieces(files(folders), draw):
        base.append(piece)
        if len(base) == min(wanted, 4 * ROWS):
            break
    draw.shuffle(base)
    own = len(base)
    texts = base + [recombined(base, draw) for _ in range(wanted - own)]
    known = sorted({word for text in base[:3000] for word in text.split() if word.isalpha()})
    truth = []
    while len(texts) < rows:
        original = draw.randrange(wanted)
        for _ in range(min(rows - len(texts), draw.choice((1, 1, 1, 1, 2, 2, 3, 5, 12)))):
            (kind,) = draw.choices([*KINDS], weights=[*KINDS.values()])
            text = kind(texts[original].split(" "), known, draw)
            truth.append((len(texts), original, kind.__name__, jaccard(text, texts[original])))
            texts.append(text)
    order = list(range(rows))
    draw.shuffle(order)
    place = {row: at for at, row in enumerate(order)}
    out.mkdir(parents=True, exist_ok=True)
    digest = hashlib.blake2b(digest_size=8)
    for part in range(2):
        with (out / f"corpus-{part}.jsonl").open("w", encoding="utf-8") as file:
            for at in range(part * rows // 2, (part + 1) * rows // 2):
                line = json.dumps({"id": at, "text": texts[order[at]]}, ensure_ascii=False)
                digest.update(line.encode())
                file.write(line + "\n")
    with (out / "truth.jsonl").open("w", encoding="utf-8") as file:
        for copy, original, name, similarity in truth:
            found = {"copy": place[copy], "original": place[original], "kind": name, "similarity": similarity}
            file.write(json.dumps(found) + "\n")
    size = sum(len(text.encode()) for text in texts)
    print(f"{rows:,} rows, {size / 1e6:,.1f} MB, {own:,} pieces of files, {len(truth):,} copies, {digest.hexdigest()}")


if __name__ == "__main__":
    make(
        Path(sys.argv[1]),
        int(sys.argv[2]) if len(sys.argv) > 2 else ROWS,  # noqa: PLR2004 - the second word
        [Path(folder) for folder in sys.argv[3:]],
    )
