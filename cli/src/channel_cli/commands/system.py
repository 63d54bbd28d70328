"""`channel up`, `channel status`, `channel demo`: the local stack."""

import asyncio
from pathlib import Path
from typing import Annotated

import typer

from channel_cli.demo.play import Wishes, run_demo
from channel_cli.output import AsJson, fail, show, table_of
from channel_cli.probes import READY, probe
from channel_cli.settings import NoAccess, find_access
from stack.__main__ import up as run_stack
from stack.run import run_until_stopped


def up() -> None:
    """Start everything and keep it running until Ctrl-C."""

    raise typer.Exit(run_until_stopped(run_stack()))


def status(as_json: AsJson = False) -> None:
    """Which services answer, and whether they are ready; exit code 1 when one is not."""
    try:
        access = find_access()
    except NoAccess as failure:
        fail(str(failure))
    states = asyncio.run(probe(access.urls))
    rows = [(name, access.urls[name], state) for name, state in states.items()]
    document = {name: {"url": url, "state": state} for name, url, state in rows}
    show(document, as_json, lambda: table_of(("service", "address", "state"), rows))
    if any(state != READY for state in states.values()):
        raise typer.Exit(1)


def demo(
    catalogue: Annotated[
        Path | None,
        typer.Option(envvar="CATALOG", exists=True, dir_okay=False, help="A file of your own."),
    ] = None,
    feed: Annotated[
        Path | None,
        typer.Option(envvar="FEED", exists=True, dir_okay=False, help="Its feed configuration."),
    ] = None,
    report: Annotated[
        Path | None, typer.Option(envvar="REPORT", help="Where the result goes as JSON.")
    ] = None,
    once: Annotated[
        bool, typer.Option("--once", envvar="ONCE", help="End afterwards; non-zero when not well.")
    ] = False,
) -> None:
    """Start everything and run the demo, with the sample or with a catalogue of your own."""
    if (catalogue is None) != (feed is None):
        raise typer.BadParameter("CATALOG and FEED go together: a file and its configuration")
    wishes = Wishes(catalogue, feed, report, once)
    raise typer.Exit(run_until_stopped(run_demo(wishes)))
