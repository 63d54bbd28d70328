"""`make run`: start everything and run the demo, with the sample or a catalogue of your own."""

from pathlib import Path
from typing import Annotated

import typer

from channel_demo.run_demo import DemoOptions, run_demo
from stack.run import run_until_stopped


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
    raise typer.Exit(run_until_stopped(run_demo(DemoOptions(catalogue, feed, report, once))))


if __name__ == "__main__":
    typer.run(demo)
