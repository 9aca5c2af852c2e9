"""The verbs of production: what moves channels, and what serves them.

Knows their options and how to print. Loads nothing heavy until a verb needs it.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from adaptline.cli_options import AsJson, RecipePath, StorePath, print_json

ChannelName = Annotated[str, typer.Option("--channel", help="a name in production")]
By = Annotated[str | None, typer.Option(help="who moves it; ADAPTLINE_USER or the login name by default")]
Why = Annotated[str, typer.Option(help="why, for the log")]
Expect = Annotated[int | None, typer.Option(help="the version that the channel must have")]

app = typer.Typer()


@app.command()
def deploy(
    recipe: RecipePath,
    release: Annotated[
        str | None,
        typer.Argument(help="a step, the first characters of a digest, or a served name; the canary if none is named"),
    ] = None,
    *,
    channel: ChannelName,
    percent: Annotated[float, typer.Option(help="of users who get it, 0 to 100; 0 stops it")],
    again: Annotated[bool, typer.Option("--again", help="even if this channel rolled it back")] = False,
    by: By = None,
    why: Why = "",
    expect: Expect = None,
    store: StorePath = None,
    as_json: AsJson = False,
) -> None:
    """Give a release to some of a channel's users, or change how many get it."""
    from adaptline import production  # noqa: PLC0415 - start-up time

    found = production.deploy(
        recipe, release, channel=channel, percent=percent, again=again, by=by, why=why, expect=expect, store=store
    )
    show_channel(found, as_json=as_json)


@app.command()
def promote(
    recipe: RecipePath,
    channel: ChannelName,
    by: By = None,
    why: Why = "",
    expect: Expect = None,
    store: StorePath = None,
    as_json: AsJson = False,
) -> None:
    """Make a channel's canary what all of its users get."""
    from adaptline import production  # noqa: PLC0415 - start-up time

    found = production.promote(recipe, channel=channel, by=by, why=why, expect=expect, store=store)
    show_channel(found, as_json=as_json)


@app.command()
def rollback(
    recipe: RecipePath,
    channel: ChannelName,
    by: By = None,
    why: Why = "",
    expect: Expect = None,
    store: StorePath = None,
    as_json: AsJson = False,
) -> None:
    """Take a channel's canary away, or go back to the stable release before this one."""
    from adaptline import production  # noqa: PLC0415 - start-up time

    found = production.rollback(recipe, channel=channel, by=by, why=why, expect=expect, store=store)
    show_channel(found, as_json=as_json)


def show_channel(found: dict[str, Any], *, as_json: bool) -> None:
    """Prints a channel."""
    from adaptline.web import terminal  # noqa: PLC0415 - start-up time

    print_json(found) if as_json else print(terminal.channel(found))


@app.command()
def serve(
    recipe: RecipePath,
    store: StorePath = None,
    host: Annotated[str, typer.Option(help="where to listen; off loopback, --keys are needed")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="0 takes a free one")] = 8000,
    backend: Annotated[str, typer.Option(help="what computes answers: bank, or openai for an upstream")] = "bank",
    upstream: Annotated[str | None, typer.Option(help="the base URL of an OpenAI-compatible server")] = None,
    upstream_key: Annotated[str | None, typer.Option(help="its key, as env:NAME")] = None,
    alias: Annotated[
        list[str] | None, typer.Option(help="SERVED_OR_CHANNEL=UPSTREAM_MODEL, where names differ; repeatable")
    ] = None,
    keys: Annotated[Path | None, typer.Option(help="a file of API keys, as `adaptline key` writes it")] = None,
    concurrency: Annotated[int, typer.Option(min=1, help="answers at once")] = 256,
    queue: Annotated[int, typer.Option(min=0, help="requests that may wait; more get 429")] = 1024,
    timeout: Annotated[float, typer.Option(min=0.1, help="seconds for a whole answer")] = 600.0,
    max_body: Annotated[int, typer.Option(min=1, help="bytes of a request")] = 1 << 20,
    max_tokens: Annotated[int | None, typer.Option(min=1, help="the most that a request may ask for")] = None,
    grace: Annotated[float, typer.Option(min=0, help="seconds for answers to end after SIGTERM")] = 30.0,
    log: Annotated[Path | None, typer.Option(help="a file for the access log; standard error by default")] = None,
    log_text: Annotated[bool, typer.Option("--log-text", help="log requests and answers themselves")] = False,
) -> None:
    """Answer with what the recipe's channels point at, until it is stopped."""
    from adaptline import serving  # noqa: PLC0415 - start-up time
    from adaptline.deploy.limits import Limits  # noqa: PLC0415

    serving.serve(
        recipe,
        store=store,
        host=host,
        port=port,
        backend=backend,
        upstream=upstream,
        upstream_key=upstream_key,
        aliases=alias or (),
        keys=keys,
        limits=Limits(
            concurrency=concurrency,
            queue=queue,
            timeout=timeout,
            max_body=max_body,
            max_tokens=max_tokens,
            grace=grace,
        ),
        log=log,
        log_text=log_text,
        started=serving.say,
    )


@app.command()
def key(
    name: Annotated[str, typer.Argument(help="what logs call it")],
    keys: Annotated[Path, typer.Option(help="the file that gets its hash")] = Path("keys.txt"),
) -> None:
    """Make an API key and print it, once."""
    from adaptline import serving  # noqa: PLC0415 - start-up time

    print(serving.new_key(keys, name))
