"""The command line: each verb a few lines that call the library and show what it returns.

Knows options and how to print. Loads nothing heavy until a verb needs it.
Exit codes: 0 done, 1 a user's mistake, 2 a wrong command line, 3 something failed while running.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import sys
import traceback
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer
from typer.core import TyperGroup

from adaptline import cli_production
from adaptline.cli_options import (
    AsJson,
    Force,
    MemoryBound,
    RecipePath,
    Step,
    StorePath,
    WithAndWithout,
    Workers,
    print_json,
)
from adaptline.errors import RunError, UserError, did_you_mean, printable

_SERVING_PACKAGES = ("httptools", "prometheus_client", "uvicorn", "uvloop")
_TRAINING_PACKAGES = ("peft", "safetensors", "tokenizers", "torch", "transformers")


class _Group(TyperGroup):
    """The verbs, and every step as a command of its own, made from its signature when it is asked for."""

    def list_commands(self, ctx: Any) -> list[str]:
        from adaptline import cli_steps  # noqa: PLC0415 - start-up time

        first, *steps = cli_steps.names()
        return [first, *super().list_commands(ctx), *steps]

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        found = super().get_command(ctx, cmd_name)
        if found is None:
            from adaptline import cli_steps  # noqa: PLC0415 - start-up time

            return cli_steps.command(cmd_name, whole="--help" not in sys.argv[1:2])
        return found

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        if not args[0].startswith("-") and self.get_command(ctx, args[0]) is None:
            ctx.fail(f"No such command {args[0]!r}. {did_you_mean(args[0], self.list_commands(ctx))}")
        return super().resolve_command(ctx, args)

    def make_context(self, *given: Any, **named: Any) -> Any:
        with _ends():  # --help of all verbs prints here
            return super().make_context(*given, **named)

    def invoke(self, ctx: Any) -> Any:
        with _ends():
            found = super().invoke(ctx)
            sys.stdout.flush()
            return found


@contextlib.contextmanager
def _ends() -> Iterator[None]:
    """Ends the process when it is interrupted or nobody reads on: typer would answer both in silence, with codes of its own."""
    try:
        yield
    except KeyboardInterrupt:
        print("stopped; what is done stays done, run again to go on", file=sys.stderr, flush=True)
        os._exit(130)
    except BrokenPipeError as error:
        if _reader_has_gone():  # as `| head` does
            os._exit(0)
        raise RunError(f"a pipe to another process broke: {error}") from error


def _reader_has_gone() -> bool:
    """Whether the other end of our output or of our messages is closed."""
    watched = select.poll()
    for stream in (sys.stdout, sys.stderr):
        watched.register(stream.fileno(), 0)  # errors and the end are told unasked
    return bool(watched.poll(0))


app = typer.Typer(
    cls=_Group,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    help="From raw text to a chosen adapter, with the evidence for every decision on the way.",
)


@app.command()
def plan(
    recipe: RecipePath,
    step: Step = None,
    store: StorePath = None,
    keep: Annotated[list[str] | None, typer.Option(help="accept a step's last artifacts as they are")] = None,
    with_and_without: WithAndWithout = None,
    as_json: AsJson = False,
) -> None:
    """Say what a run would do, and why, without doing it."""
    from adaptline import library  # noqa: PLC0415 - start-up time
    from adaptline.core.recipe import label  # noqa: PLC0415

    source = library.with_and_without(recipe, with_and_without) if with_and_without else recipe
    planned = library.plan(source, step, store=store, keep=keep or ())
    if as_json:
        return print_json([asdict(entry) for entry in planned])
    for entry in planned:
        took = (
            f"  (took {entry.seconds:.1f} s last time)"
            if entry.seconds is not None and entry.state in ("will run", "may run")
            else ""
        )
        print(
            printable(
                f"{entry.state:<9} {entry.step} {label(entry.cell)}".rstrip()
                + (f": {entry.why}" if entry.why else "")
                + took
            )
        )
        for difference in entry.drift:
            print(printable(f"          drift: {difference} (accepted; its key does not hold it)"))
        for note in entry.notes:
            print(printable(f"          note: {note}"))
    counts = {
        state: sum(entry.state == state for entry in planned) for state in ("will run", "may run", "cached", "kept")
    }
    print(", ".join(f"{count} {state}" for state, count in counts.items() if count))
    return None


@app.command()
def run(
    recipe: RecipePath,
    step: Step = None,
    store: StorePath = None,
    workers: Workers = None,
    memory: MemoryBound = None,
    keep: Annotated[list[str] | None, typer.Option(help="accept a step's last artifacts as they are")] = None,
    with_and_without: WithAndWithout = None,
    as_json: AsJson = False,
) -> None:
    """Make what is not there yet, in order; what is done stays done."""
    from adaptline import library  # noqa: PLC0415 - start-up time
    from adaptline.core import progress  # noqa: PLC0415

    source = library.with_and_without(recipe, with_and_without) if with_and_without else recipe
    with progress.for_terminal() as show:
        made = library.run(source, step, store=store, workers=workers, memory=memory, keep=keep or (), show=show)
    if as_json:
        for artifact in made:
            print(json.dumps(asdict(artifact), default=str))  # a path as a string
        return
    from adaptline.web import terminal  # noqa: PLC0415

    print(terminal.closing(recipe, store, made))


@app.command()
def show(
    recipe: RecipePath,
    step: Step = None,
    channel: Annotated[str | None, typer.Option(help="show this channel instead of steps")] = None,
    store: StorePath = None,
    as_json: AsJson = False,
) -> None:
    """Show what the last run left: rows, metrics, records; or a channel."""
    from adaptline import library, production  # noqa: PLC0415 - start-up time
    from adaptline.web import terminal  # noqa: PLC0415

    if channel is not None and step is not None:
        raise UserError("--channel shows a channel, not a step", do="Leave one of them out.")
    if channel is not None:
        return cli_production.show_channel(production.channel(recipe, channel, store=store), as_json=as_json)
    found = library.show(recipe, step, store=store)
    if as_json:
        return print_json(found)
    failed = library.failure(recipe, store=store)
    told = [
        terminal.artifacts(found, whole=step is not None),
        terminal.failure(failed, recipe, {entry["step"] for entry in found}) if failed else "",
    ]
    print("\n".join(filter(None, told)))
    return None


@app.command()
def trace(
    recipe: RecipePath,
    what: Annotated[str, typer.Argument(help="FILE:ROW, STEP:POSITION, DIGEST:POSITION, or a step")],
    out: Annotated[
        Path | None, typer.Option("-o", "--out", help="write a row's life as a page, its graph drawn")
    ] = None,
    line: Annotated[bool, typer.Option("--line", help="FILE:N is a line, as messages name it, not a row")] = False,
    force: Force = False,
    store: StorePath = None,
    as_json: AsJson = False,
) -> None:
    """Follow a row forward and backward, or an artifact back to its sources."""
    from adaptline import library  # noqa: PLC0415 - start-up time
    from adaptline.web import terminal  # noqa: PLC0415

    found = library.trace(recipe, what, line=line, store=store)
    if out is not None:
        print(library.write_life(found, out, inputs=library.inputs(recipe, store=store), force=force))
    elif as_json:
        print_json(found)
    else:
        print(terminal.life(found))


@app.command()
def review(
    recipe: RecipePath,
    step: Annotated[str | None, typer.Argument(help="a curate step; the last by default")] = None,
    out: Annotated[
        Path | None,
        typer.Option("-o", "--out", help="the file of verdicts, added to; review.jsonl beside the recipe by default"),
    ] = None,
    sample: Annotated[int, typer.Option(min=1, max=100_000, help="rows to look at, at most")] = 100,
    by: Annotated[str, typer.Option(help="who looks; several people may write to one file")] = "",
    seed: Annotated[int, typer.Option(min=0, help="chooses the rows")] = 0,
    port: Annotated[int, typer.Option(min=0, max=65535, help="of the page; a free one by default")] = 0,
    store: StorePath = None,
) -> None:
    """Let a person judge, or mend, a sample of kept, dropped and doubtful rows on a page, by keys."""
    from adaptline import library  # noqa: PLC0415 - start-up time
    from adaptline.web.review_server import ReviewServer  # noqa: PLC0415

    found = library.review(recipe, step, out=out, sample=sample, by=by, seed=seed, store=store)
    with ReviewServer(found, port=port, title=f"{found.manifest['name']} of {recipe.stem}") as server:
        where = found.start()
        print(
            f"{server.url}\n  {where['judged']} of {where['of']} rows have a verdict in {found.file.path}; end with Ctrl-C",
            flush=True,
        )
        server.serve_forever()


@app.command()
def log(recipe: RecipePath, step: Step = None, store: StorePath = None, as_json: AsJson = False) -> None:
    """List what runs made, oldest first."""
    from adaptline import library  # noqa: PLC0415 - start-up time
    from adaptline.web import terminal  # noqa: PLC0415

    found = library.log(recipe, step, store=store)
    print_json(found) if as_json else print(terminal.history(found))


@app.command()
def diff(
    recipe: RecipePath,
    step: Annotated[str, typer.Argument(help="a step of the recipe")],
    old: Annotated[
        str | None,
        typer.Argument(help="the first characters of a version's digest; the one before the last by default"),
    ] = None,
    new: Annotated[str | None, typer.Argument(help="the last by default")] = None,
    store: StorePath = None,
    as_json: AsJson = False,
) -> None:
    """Show what differs between two versions of a step, rule by rule."""
    from adaptline import library  # noqa: PLC0415 - start-up time
    from adaptline.web import terminal  # noqa: PLC0415

    found = library.diff(recipe, step, old, new, store=store)
    print_json(found) if as_json else print(terminal.difference(found))


@app.command()
def report(recipe: RecipePath, store: StorePath = None) -> None:
    """Write the report again from what the last run left, and say where it is."""
    from adaptline import library  # noqa: PLC0415 - start-up time

    print(library.report(recipe, store=store))


@app.command()
def export(
    recipe: RecipePath,
    step: Annotated[str, typer.Argument(help="a step of the recipe; of select, the weights that it chose")],
    out: Annotated[Path, typer.Option("-o", "--out", help="the file (rows) or folder (weights, reports) to write")],
    cell: Annotated[str | None, typer.Option(help="which cell of a grid: method=lora,seed=0")] = None,
    force: Force = False,
    store: StorePath = None,
) -> None:
    """Write what a step made: kept rows to a file, weights to a folder."""
    from adaptline import library  # noqa: PLC0415 - start-up time

    pairs = [entry.partition("=") for entry in (cell or "").split(",") if entry]
    chosen = {key.strip(): value.strip() for key, _, value in pairs}
    print(library.export(recipe, step, out, cell=chosen, force=force, store=store))


app.add_typer(cli_production.app)


@app.command()
def gc(
    store: Annotated[Path, typer.Option(help="the store")] = Path(".adaptline"),
    dry: Annotated[bool, typer.Option("--dry", help="only say what would go")] = False,
    damaged: Annotated[
        bool, typer.Option("--damaged", help="remove what cannot be read, so that the next run makes it anew")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Remove what no recipe's last run reaches."""
    from adaptline import library  # noqa: PLC0415 - start-up time

    gone = library.gc(store, dry=dry, damaged=damaged)
    if as_json:
        return print_json([{"path": path, "bytes": size} for path, size in gone])
    print(
        f"{len(gone):,} files and folders, {sum(size for _, size in gone) / 1e6:,.1f} MB {'would go' if dry else 'removed'}"
    )
    return None


def main() -> None:
    """Runs the command line. With --debug anywhere, errors come with their traceback."""
    debug = "--debug" in sys.argv
    arguments = [argument for argument in sys.argv[1:] if argument != "--debug"]
    try:
        with _ends():
            app(arguments, standalone_mode=True, prog_name="adaptline")
    except UserError as error:
        _fail(error, debug, code=1)
    except RunError as error:
        _fail(error, debug, code=3)
    except ModuleNotFoundError as error:
        extra = _extra_of((error.name or "").partition(".")[0])
        if extra is None:
            _fail(error, debug, code=3)
        _fail(
            UserError(
                f"this needs {error.name}, which is not installed",
                do=f"pip install 'adaptline[{extra}]', or in a checkout: pip install '.[{extra}]'",
            ),
            debug,
            code=1,
        )
    except Exception as error:  # noqa: BLE001 - the last line of defence: a user sees words, a developer asks for --debug
        _fail(error, debug, code=3)


def _extra_of(package: str) -> str | None:
    """Which extra installs a package that is missing."""
    return "train" if package in _TRAINING_PACKAGES else "serve" if package in _SERVING_PACKAGES else None


def _fail(error: Exception, debug: bool, code: int) -> NoReturn:
    if debug:
        traceback.print_exc()
    elif isinstance(error, UserError | RunError):
        print(f"error: {printable(str(error), keep=chr(10))}", file=sys.stderr)  # names of files are foreign
    else:
        print(
            f"error: {type(error).__name__}: {error}\n  This is a fault of adaptline; --debug shows where. What is done stays done.",
            file=sys.stderr,
        )
    sys.exit(code)
