"""The command line on the service itself: each command as it is typed."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import httpx2
import pytest
from pydantic import SecretStr
from typer.testing import CliRunner

from channel_cli import output
from channel_cli.__main__ import app as commands
from channel_cli.session import Session
from channel_cli.settings import AUTH, CATALOG, Access
from common.postgres.pool import Pool
from stack.testing import serving

from .rest import SCOPES, opened_app

Run = Callable[..., Awaitable[str]]
"""Types a command, and gives what it prints; `code` is the exit code it must end with."""


@asynccontextmanager
async def commands_of(
    pool: Pool, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Run]:
    """Commands of merchant m, shop s and feed f, with the service's REST running."""
    async with opened_app(pool, database_url) as (app, sign), serving(app) as url:
        token = sign("m", SCOPES)

        @asynccontextmanager
        async def session(_access: object) -> AsyncIterator[Session]:
            access = Access({AUTH: url, CATALOG: url}, "channel-cli", SecretStr("s"))
            async with httpx2.AsyncClient() as http:
                yield Session(access, http, token)

        monkeypatch.setattr(output, "open_session", session)
        monkeypatch.setattr(output, "find_access", lambda: None)
        for name, value in (("MERCHANT", "m"), ("SHOP", "s"), ("FEED", "f")):
            monkeypatch.setenv(f"CHANNEL_{name}", value)

        async def type_in(*words: str, code: int = 0) -> str:
            done = await asyncio.to_thread(CliRunner().invoke, commands, [*words])
            assert done.exit_code == code, done.output
            return done.stdout

        yield type_in
