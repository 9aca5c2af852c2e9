"""What the verbs of the command line share: options that several take, and how data is printed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer

RecipePath = Annotated[Path, typer.Argument(help="the recipe, a TOML file")]
Step = Annotated[str | None, typer.Argument(help="a step of the recipe; all if none is named")]
StorePath = Annotated[Path | None, typer.Option("--store", help="the store; .adaptline beside the recipe by default")]
WithAndWithout = Annotated[
    str | None,
    typer.Option(
        "--with-and-without", metavar="STEP", help="make this step with and without what it adds, to compare the two"
    ),
]
Workers = Annotated[int | None, typer.Option(min=1, help="processes at most; the number of cores by default")]
MemoryBound = Annotated[
    str | None, typer.Option(help='what making rows may take of private memory, all processes together, like "2GB"')
]
Force = Annotated[bool, typer.Option("--force", help="write over a file that is there")]
AsJson = Annotated[bool, typer.Option("--json", help="print JSON")]


def print_json(value: Any) -> None:
    """Prints data for programs."""
    print(json.dumps(value, indent=1, ensure_ascii=False))
