"""Connection pools with bounded waits: no statement, lock or transaction lasts for ever."""

from typing import TYPE_CHECKING, Any, TypeAlias

import asyncpg
from asyncpg.pool import PoolConnectionProxy

from common.postgres.acting import EVERYBODY, SETTING, current_merchant
from common.postgres.known_types import TypesKnown

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

FOR_EVERYBODY = {SETTING: EVERYBODY}
"""Server settings of a connection that acts for all merchants."""

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


class Session(TypesKnown):
    """A session that knows for whom it acts, so that jobs never have to say it again."""

    __slots__ = ("_acts_for",)

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._acts_for = EVERYBODY

    async def act_for(self, merchant_id: str) -> None:
        """See only this merchant's rows from here on."""
        if merchant_id != self._acts_for:
            await self.execute("SELECT set_config($1, $2, false)", SETTING, merchant_id)
            self._acts_for = merchant_id


async def _act_for_current(connection: Any) -> None:
    """Called with each connection that is acquired; one on which it fails is closed."""
    await connection.act_for(current_merchant())


async def _leave_session_as_it_is(_connection: object) -> None:
    """Nothing of ours outlives its transaction but for whom the session acts, which the next one
    who acquires it sets: clearing the session would cost a round trip."""


async def open_pool(
    url: str, *, min_size: int = 1, max_size: int = 10, name: str = "channel"
) -> Pool:
    """A pool on this database, each connection acting for whom its acquirer does (`acting`).

    `min_size` connections are opened at once: opening one takes some 8 ms, which otherwise whoever
    acquires it waits for. Raises one of `OUTAGE_ERRORS` when the database does not answer.
    """
    return await asyncpg.create_pool(
        url,
        min_size=min(min_size, max_size),
        max_size=max_size,
        timeout=10,
        command_timeout=35,
        max_inactive_connection_lifetime=120,
        connection_class=Session,
        setup=_act_for_current,
        reset=_leave_session_as_it_is,
        server_settings={**_SERVER_SETTINGS, **FOR_EVERYBODY, "application_name": name},
    )


async def is_bound(pool: Pool) -> bool:
    """Whether row-level security binds the pool's role, which is no superuser and owns nothing."""
    return (
        await pool.fetchval("SELECT row_security_active(to_regclass('outbox')::oid)") is not False
    )


async def answers(pool: Pool) -> bool:
    """Whether the database answers; raises what `OUTAGE_ERRORS` names when it does not."""
    return bool(await pool.fetchval("SELECT true"))
