"""`channel up`, `channel status`: the local stack."""

import asyncio
from collections.abc import Mapping

import typer

from channel_cli.output import AsJson, fail, show, table_of
from channel_cli.probes import READY, open_client, probe
from channel_cli.settings import NoAccess, find_access


def up() -> None:
    """Start everything and keep it running until Ctrl-C."""
    from stack.__main__ import up as run_stack  # noqa: PLC0415 - a second no other command waits
    from stack.run import run_until_stopped  # noqa: PLC0415 - the same

    raise typer.Exit(run_until_stopped(run_stack()))


def status(as_json: AsJson = False) -> None:
    """Which services answer, and whether they are ready; exit code 1 when one is not."""
    try:
        access = find_access()
    except NoAccess as failure:
        fail(str(failure))
    states = asyncio.run(_states(access.urls))
    rows = [(name, access.urls[name], state) for name, state in states.items()]
    document = {name: {"url": url, "state": state} for name, url, state in rows}
    show(document, as_json, lambda: table_of(("service", "address", "state"), rows))
    if any(state != READY for state in states.values()):
        raise typer.Exit(1)


async def _states(urls: Mapping[str, str]) -> dict[str, str]:
    async with open_client() as http:
        return await probe(http, urls)
