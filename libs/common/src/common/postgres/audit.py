"""Who changed what that matters, when, and from which address: a row in the change's transaction.

A use case says what was done, `record(connection, "feed.configuration.saved", "summer")`; who does
it is known from the request (the door says from where, `identity` who), so no route repeats it. A
row names its merchant; without one it is the installation's, which operators alone see.

Details are a few short values that help a reader: no secrets, no data of buyers.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa

from common import clock
from common.postgres import core
from common.postgres.acting import EVERYBODY, NOBODY, current_merchant
from common.postgres.pool import Connection, Pool
from common.postgres.tables import audit
from common.postgres.unit_of_work import unit_of_work

LONGEST = 1_000
"""Of a subject, and of the JSON of details, in characters; what is longer is cut or left out."""
PRUNED_AT_ONCE = 1_000
PRUNED_EVERY = timedelta(hours=1)

Details = Mapping[str, str | int | bool | Sequence[str] | None]


@dataclass(frozen=True)
class Actor:
    """Who acts: the subject of the caller's token, a person's e-mail address where it is known,
    and the network address the request came from."""

    subject: str
    email: str | None = None
    address: str | None = None


@dataclass(frozen=True)
class AuditRow:
    """One change; `merchant_id` is None for one of the whole installation."""

    id: int
    at: datetime
    merchant_id: str | None
    actor: str
    actor_email: str | None
    action: str
    subject: str
    details: str
    address: str | None


@dataclass(frozen=True)
class AuditFilter:
    """Which rows are looked for; None filters nothing.

    `action` is a whole action or, with a dot at its end, what it begins with; `actor` a subject or
    an e-mail address. Times: from `since` on, before `until`.
    """

    merchant_id: str | None = None
    action: str | None = None
    actor: str | None = None
    since: datetime | None = None
    until: datetime | None = None


ITSELF = Actor("channel")
"""What jobs do, without anybody who asks."""
_actor: ContextVar[Actor] = ContextVar("actor", default=ITSELF)


def current_actor() -> Actor:
    """Who acts in this task."""
    return _actor.get()


def act_as(subject: str, email: str | None = None) -> None:
    """Whoever was said to come from this address is this one, from here on in this task."""
    _actor.set(Actor(subject, email, _actor.get().address))


@contextmanager
def acting_as(actor: Actor) -> Iterator[None]:
    """This one acts within the block; whatever `act_as` says inside ends with it."""
    token = _actor.set(actor)
    try:
        yield
    finally:
        _actor.reset(token)


async def record(
    connection: Connection,
    action: str,
    subject: str,
    details: Details | None = None,
    *,
    merchant_id: str | None = None,
) -> None:
    """Write down that the current actor did this, in the transaction that does it.

    The merchant is the one the task acts for, unless `merchant_id` names one (who acts for
    everybody says whose change it is; without it the row is the installation's).
    """
    acting_for = current_merchant()
    if merchant_id is None and acting_for not in {EVERYBODY, NOBODY}:
        merchant_id = acting_for
    actor = current_actor()
    text = json.dumps(details or {}, ensure_ascii=False)
    await connection.execute(
        """
        INSERT INTO audit (at, merchant_id, actor, actor_email, action, subject, details, address)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
        """,
        clock.now(),
        merchant_id,
        actor.subject,
        actor.email,
        action,
        subject[:LONGEST],
        text if len(text) <= LONGEST else "{}",
        actor.address,
    )


async def list_rows(
    connection: Connection, wanted: AuditFilter, *, after: tuple[datetime, int] | None, limit: int
) -> list[AuditRow]:
    """A page of the rows, the newest first; `after` is the time and id of the last row seen."""
    c = audit.c
    query = sa.select(audit).order_by(c.at.desc(), c.id.desc()).limit(limit)
    if wanted.merchant_id is not None:
        query = query.where(c.merchant_id == wanted.merchant_id)
    if wanted.action is not None and wanted.action.endswith("."):
        query = query.where(c.action.startswith(wanted.action, autoescape=True))
    elif wanted.action is not None:
        query = query.where(c.action == wanted.action)
    if wanted.actor is not None:
        query = query.where(sa.or_(c.actor == wanted.actor, c.actor_email == wanted.actor))
    if wanted.since is not None:
        query = query.where(c.at >= wanted.since)
    if wanted.until is not None:
        query = query.where(c.at < wanted.until)
    if after is not None:
        query = query.where(sa.tuple_(c.at, c.id) < sa.tuple_(*after))
    return [AuditRow(**row) for row in await core.fetch(connection, query)]


async def prune(pool: Pool, kept: timedelta) -> bool:
    """Delete the oldest rows of what is older than that. Whether there may be more."""
    async with unit_of_work(pool) as connection:
        status: str = await connection.execute(
            """
            DELETE FROM audit WHERE id IN (
                SELECT id FROM audit WHERE at < $1 ORDER BY at, id LIMIT $2
                FOR UPDATE SKIP LOCKED
            )
            """,
            clock.now() - kept,
            PRUNED_AT_ONCE,
        )
    return status == f"DELETE {PRUNED_AT_ONCE}"
