"""Connection pools with bounded waits: no statement, lock or transaction lasts for ever."""

from typing import TYPE_CHECKING, TypeAlias

import asyncpg
from asyncpg.pool import PoolConnectionProxy

if TYPE_CHECKING:
    Connection: TypeAlias = asyncpg.Connection[asyncpg.Record] | PoolConnectionProxy[asyncpg.Record]
    Pool: TypeAlias = asyncpg.Pool[asyncpg.Record]
else:  # the classes are generic in their stubs only
    Connection = asyncpg.Connection | PoolConnectionProxy
    Pool = asyncpg.Pool

_SERVER_SETTINGS = {
    "statement_timeout": "30s",
    "lock_timeout": "15s",
    "idle_in_transaction_session_timeout": "60s",
    "plan_cache_mode": "force_custom_plan",
    "timezone": "UTC",
}

OUTAGE_ERRORS: tuple[type[BaseException], ...] = (
    OSError,
    TimeoutError,
    asyncpg.InterfaceError,
    asyncpg.PostgresConnectionError,
    asyncpg.OperatorInterventionError,
    asyncpg.InsufficientResourcesError,
    asyncpg.TransactionRollbackError,
    asyncpg.LockNotAvailableError,
    asyncpg.CannotConnectNowError,
)
"""Failures of the database or the way to it, not of what was asked: back off and try again."""


async def _leave_session_as_it_is(_connection: object) -> None:
    """Nothing of ours outlives its transaction: clearing the session would cost a round trip."""


async def open_pool(url: str, *, max_size: int = 10, name: str = "channel") -> Pool:
    """A pool on this database. Raises one of `OUTAGE_ERRORS` when it does not answer."""
    return await asyncpg.create_pool(
        url,
        min_size=1,
        max_size=max_size,
        timeout=10,
        command_timeout=35,
        max_inactive_connection_lifetime=120,
        reset=_leave_session_as_it_is,
        server_settings={**_SERVER_SETTINGS, "application_name": name},
    )


async def answers(pool: Pool) -> bool:
    """Whether the database answers; raises what `OUTAGE_ERRORS` names when it does not."""
    return bool(await pool.fetchval("SELECT true"))
