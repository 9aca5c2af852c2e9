"""A small flame graph of folded stacks: `python benchmarks/curate/flame.py STACKS OUT.svg`.

STACKS is what `py-spy record -f raw` writes: a line per stack, frames joined by `;`, then how many samples had it. Frames
of this project keep their file's name, others that of their package. Stacks shorter than a share of all are left out.
"""

from __future__ import annotations

import re
import sys
from html import escape
from pathlib import Path

WIDTH, HEIGHT, LEAST = 1200, 16, 0.01  # pixels, pixels of a frame, share of all samples
_FRAME = re.compile(r"(?P<name>.+?) \((?P<path>[^()]*?)(?::\d+)?\)$")
_PLUMBING = re.compile(r"^process |<frozen importlib")  # a process is no frame, and how modules are imported is long
_HUES = {"adaptline": 30, "pyarrow": 200, "other": 260}  # degrees of the colour wheel

Stacks = dict[tuple[str, ...], int]


def short(frame: str) -> str:
    """`name (package/file.py:12)` as `name (file)` of ours, `name (package)` of others."""
    found = _FRAME.match(frame)
    if not found:
        return frame
    parts = Path(found["path"]).parts
    if "adaptline" in parts:
        return f"{found['name']} (adaptline/{'/'.join(parts[len(parts) - parts[::-1].index('adaptline') :])})"
    return f"{found['name']} ({parts[0] if parts else '?'})"


def read(text: str) -> Stacks:
    """Stacks with their samples; what a recursion repeats stands once."""
    found: Stacks = {}
    for line in text.splitlines():
        stack, _, count = line.rpartition(" ")
        frames = [short(frame) for frame in stack.split(";") if not _PLUMBING.search(frame)]
        once = tuple(frame for at, frame in enumerate(frames) if at == 0 or frame != frames[at - 1])
        found[once] = found.get(once, 0) + int(count)
    return found


def boxes(stacks: Stacks) -> list[tuple[int, float, float, str]]:
    """(depth, start, share, name) of each frame that has at least LEAST of all samples; start and share are 0 to 1."""
    total = sum(stacks.values())
    found: list[tuple[int, float, float, str]] = []

    def place(depth: int, start: float, below: Stacks) -> None:
        names: dict[str, Stacks] = {}
        for stack, count in below.items():
            if stack:
                names.setdefault(stack[0], {})[stack[1:]] = count
        for name, rest in sorted(names.items()):
            share = sum(rest.values()) / total
            if share >= LEAST:
                found.append((depth, start, share, name))
                place(depth + 1, start, rest)
            start += share

    place(0, 0.0, stacks)
    return found


def svg(stacks: Stacks) -> str:
    """The picture; pointing at a frame tells its name and share."""
    placed = boxes(stacks)
    height = (max(depth for depth, *_ in placed) + 1) * HEIGHT
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" font-family="monospace" font-size="11">'
    ]
    for depth, start, share, name in placed:
        kind = next((kind for kind in _HUES if f"({kind}" in name), "other")
        x, width, y = start * WIDTH, share * WIDTH, depth * HEIGHT
        letters = int((width - 4) / 6.7)  # pixels of a letter
        label = f'<text x="{x + 2:.1f}" y="{y + 12}">{escape(name[:letters])}</text>' if letters > 2 else ""  # noqa: PLR2004
        parts.append(
            f"<g><title>{escape(name)} {share:.1%}</title>"
            f'<rect x="{x:.1f}" y="{y}" width="{max(0.5, width - 0.5):.1f}" height="{HEIGHT - 1}" '
            f'fill="hsl({_HUES[kind]},70%,75%)"/>{label}</g>'
        )
    return "\n".join([*parts, "</svg>\n"])


def main() -> None:
    """Reads and writes."""
    Path(sys.argv[2]).write_text(svg(read(Path(sys.argv[1]).read_text("utf-8"))), "utf-8")


if __name__ == "__main__":
    main()
