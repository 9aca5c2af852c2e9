"""A folder in the format of WordNet's database files, with a few words of each part of speech."""

from __future__ import annotations

from pathlib import Path

# Part -> synsets, each with the words in it; a word's senses are in the order of this list.
SYNSETS: dict[str, list[list[str]]] = {
    "noun": [
        ["country", "nation", "land"],
        ["mistake", "error"],
        ["shop", "store"],
        ["book"],
        ["China", "Cathay"],
        ["order"],
        ["leaf", "foliage"],
        ["leave", "permission"],
        ["box", "case"],
        ["wage", "pay"],
        ["store", "computer_memory"],
    ],
    "verb": [
        ["buy", "purchase"],
        ["begin", "start"],
        ["stop", "halt"],
        ["pay"],
        ["reserve", "book"],
        ["shut", "close"],
        ["find", "discover"],
        ["found", "establish"],
        ["start", "bulge"],
    ],
    "adj": [["big", "large"], ["pretty", "attractive"], ["galore(ip)", "abundant"], ["late"]],
    "adv": [["quickly", "rapidly"]],
}
EXCEPTIONS = {
    "noun": ["leaves leaf", "men man"],
    "verb": [
        "began begin",
        "beginning begin",
        "begun begin",
        "bought buy",
        "found find",
        "stopped stop",
        "stopping stop",
    ],
    "adj": ["bigger big", "biggest big", "prettiest pretty"],
    "adv": [],
}
_LETTERS = {"noun": "n", "verb": "v", "adj": "a", "adv": "r"}
_LICENCE = "  1 This stands where the licence stands in the real files.  \n"


def write(folder: Path) -> Path:
    """Writes the files and returns the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for part, synsets in SYNSETS.items():
        senses: dict[str, list[str]] = {}
        text = _LICENCE
        for words in synsets:
            offset = f"{len(text):08d}"
            said = " ".join(f"{word} 0" for word in words)
            text += f'{offset} 00 {_LETTERS[part]} {len(words):02x} {said} 000 | meaning; "an example"  \n'
            for word in words:
                senses.setdefault(word.partition("(")[0].lower(), []).append(offset)
        (folder / f"data.{part}").write_text(text)
        index = [
            f"{word} {_LETTERS[part]} {len(found)} 1 @ {len(found)} 1 {' '.join(found)}  "
            for word, found in sorted(senses.items())
        ]
        (folder / f"index.{part}").write_text(_LICENCE + "\n".join(index) + "\n")
        (folder / f"{part}.exc").write_text("".join(f"{line}\n" for line in EXCEPTIONS[part]))
    return folder
