"""Each row of a background job fails alone: backed off, then set aside, while its neighbours go on.

A job names its rows by merchant and subject, passes over those that are held (`is_held` in its
queries), and does its work through `each_apart`. What fails there is tried again later, each time
after a longer pause; the fifth failure sets the row aside, with an error in the log and a metric,
until an operator releases it. An outage is no row's failure: it is raised, and the job backs off.
"""

import traceback
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple, TypeVar

import asyncpg
import sqlalchemy as sa
import structlog
from opentelemetry import trace
from structlog.contextvars import bound_contextvars

from common import clock
from common.errors import Outage
from common.failpoints import FailpointError
from common.postgres import core
from common.postgres.leases import LeaseLost
from common.postgres.pool import OUTAGE_ERRORS, Connection, Pool
from common.postgres.tables import failed_row
from common.postgres.unit_of_work import unit_of_work
from common.telemetry.names import ROWS_FAILED, SPAN_JOB
from common.telemetry.setup import counter
from common.telemetry.tracing import span_of

log = structlog.get_logger()

MOST_FAILURES = 5
"""Failures after which a row is set aside."""
FIRST_PAUSE_SECONDS = 10
"""The pause after the first failure; each further one is four times as long."""

T = TypeVar("T")

_failed = counter(ROWS_FAILED)


class RowKey(NamedTuple):
    """Whose row it is, and which of the job's rows: a shop, a feed and family, a number."""

    merchant_id: str
    subject: str


@dataclass(frozen=True)
class FailedRow:
    """A row a job failed on. `reason` is the kind of error and where it was raised, without the
    data that raised it; `retry_at` is None once the row is set aside."""

    job: str
    merchant_id: str
    subject: str
    failures: int
    reason: str
    trace_id: str | None
    failed_at: datetime
    retry_at: datetime | None

    @property
    def is_set_aside(self) -> bool:
        """Whether it waits to be released."""
        return self.retry_at is None


def is_about_the_data(error: Exception) -> bool:
    """Whether the failure lies in a record or row (halve the set) and not in what is around it."""
    if isinstance(error, OSError):  # of which some are a ValueError, too: a certificate's
        return False
    if isinstance(
        error,
        ValueError
        | asyncpg.DataError
        | asyncpg.IntegrityConstraintViolationError
        | asyncpg.ProgramLimitExceededError,
    ):
        return True
    return not isinstance(
        error,
        (
            *OUTAGE_ERRORS,
            Outage,
            FailpointError,
            LeaseLost,
            asyncpg.PostgresError,
            asyncpg.InternalClientError,
        ),
    )


def held_rows(job: str, now: datetime) -> sa.Select[*tuple[Any, ...]]:
    """Merchant and subject of the rows that the job is to pass over, for a statement that looks at
    very many: Postgres plans `is_held` anew for each row it is asked of."""
    return sa.select(failed_row.c.merchant_id, failed_row.c.subject).where(
        failed_row.c.job == job, failed_row.c.retry_at > now
    )


async def each_apart(
    pool: Pool,
    job: str,
    rows: Sequence[T],
    work: Callable[[Sequence[T]], Awaitable[object]],
    *,
    key: Callable[[T], RowKey],
    trace_parent: str | None = None,
) -> None:
    """Do the work of these rows as one set, which is one transaction; where it fails, in halves.

    So a row that fails does so alone. Its span belongs to the trace of `trace_parent`, and log
    lines name the job and whose row it is at. Raises what is no row's failure
    (`is_about_the_data`).
    """
    if not rows:
        return
    merchants = {key(row).merchant_id for row in rows}
    context = {"job": job} | ({"merchant": merchants.pop()} if len(merchants) == 1 else {})
    attributes = {f"channel.{name}": value for name, value in context.items()}
    with (
        bound_contextvars(**context),
        span_of(f"{SPAN_JOB} {job}", parent=trace_parent, attributes=attributes),
    ):
        try:
            await work(rows)
        except Exception as error:
            if not is_about_the_data(error):
                raise
            if len(rows) == 1:
                await note_failure(pool, job, key(rows[0]), error)
                return
        else:
            async with unit_of_work(pool) as connection:
                await forget_failures(connection, job, [key(row) for row in rows])
            return
    middle = len(rows) // 2
    for half in (rows[:middle], rows[middle:]):
        await each_apart(pool, job, half, work, key=key, trace_parent=trace_parent)


async def alone(
    pool: Pool,
    job: str,
    row: RowKey,
    work: Callable[[], Awaitable[T]],
    *,
    trace_parent: str | None = None,
) -> T | None:
    """What the work of one row returns; None where it failed, which is noted."""
    results: list[T] = []

    async def do(_: Sequence[RowKey]) -> None:
        results.append(await work())

    await each_apart(pool, job, [row], do, key=lambda one: one, trace_parent=trace_parent)
    return results[0] if results else None


async def note_failure(pool: Pool, job: str, row: RowKey, error: Exception) -> None:
    """Hold the row back after a failure: longer each time, and at last until it is released."""
    async with unit_of_work(pool) as connection:
        await note_failure_on(connection, job, row, error)


async def note_failure_on(connection: Connection, job: str, row: RowKey, error: Exception) -> None:
    """As `note_failure`, on a connection of the caller's."""
    span = trace.get_current_span().get_span_context()
    trace_id = trace.format_trace_id(span.trace_id) if span.is_valid else None
    described = describe(error)
    failures: int = await connection.fetchval(
        """
        INSERT INTO failed_row AS f
            (job, merchant_id, subject, failures, reason, trace_id, failed_at, retry_at)
        VALUES ($1, $2, $3, 1, $4, $5, $6, $6::timestamptz + make_interval(secs => $7))
        ON CONFLICT (job, merchant_id, subject) DO UPDATE SET
            failures = f.failures + 1, reason = $4, trace_id = $5, failed_at = $6,
            retry_at = CASE WHEN f.failures + 1 >= $8 THEN 'infinity'::timestamptz
                ELSE $6::timestamptz + make_interval(secs => $7 * 4 ^ f.failures) END
        RETURNING failures
        """,
        job,
        *row,
        described["reason"],
        trace_id,
        clock.now(),
        float(FIRST_PAUSE_SECONDS),
        MOST_FAILURES,
    )
    _failed.add(1, {"name": job})
    named = {"job": job, "merchant": row.merchant_id, "row": row.subject, "failures": failures}
    if failures >= MOST_FAILURES:
        log.error("job.row_set_aside", **named, **described)
    else:
        log.warning("job.row_failed", **named, **described)


async def list_failed_rows(
    connection: Connection,
    *,
    merchant_id: str | None,
    after: tuple[str, str, str] | None = None,
    limit: int = 50,
) -> list[FailedRow]:
    """Rows that are held, or were and are due again, by job, merchant and subject; all merchants'
    without `merchant_id`."""
    place = (failed_row.c.job, failed_row.c.merchant_id, failed_row.c.subject)
    infinity: sa.ColumnClause[object] = sa.literal_column("'infinity'::timestamptz")
    page = sa.select(
        *(column for column in failed_row.c if column.name != "retry_at"),
        sa.func.nullif(failed_row.c.retry_at, infinity).label("retry_at"),
    )
    if merchant_id is not None:
        page = page.where(failed_row.c.merchant_id == merchant_id)
    if after is not None:
        page = page.where(sa.tuple_(*place) > after)
    rows = await core.fetch(connection, page.order_by(*place).limit(limit))
    return [FailedRow(**dict(row)) for row in rows]


async def release(
    connection: Connection, job: str, *, merchant_id: str | None, subject: str | None
) -> int:
    """Let the job take these rows again, as if they had never failed; how many there were."""
    released = await connection.fetch(
        """
        DELETE FROM failed_row
        WHERE job = $1 AND ($2::text IS NULL OR merchant_id = $2)
            AND ($3::text IS NULL OR subject = $3)
        RETURNING 1
        """,
        job,
        merchant_id,
        subject,
    )
    return len(released)


async def forget_failures(connection: Connection, job: str, rows: Sequence[RowKey]) -> None:
    """These succeeded: what they failed at before counts no more."""
    await connection.execute(
        """
        DELETE FROM failed_row USING unnest($2::text[], $3::text[]) AS k (merchant_id, subject)
        WHERE job = $1 AND (failed_row.merchant_id, failed_row.subject)
            = (k.merchant_id, k.subject)
        """,
        job,
        [row.merchant_id for row in rows],
        [row.subject for row in rows],
    )


async def load_failures(connection: Connection, job: str) -> dict[RowKey, datetime]:
    """The rows the job has failed on, and until when each is held; all of them: for a job that
    has few."""
    rows = await connection.fetch(
        """
        SELECT merchant_id, subject, least(retry_at, '9999-12-31Z') FROM failed_row WHERE job = $1
        """,
        job,
    )
    return {RowKey(merchant, subject): until for merchant, subject, until in rows}


def describe(error: Exception) -> dict[str, str]:
    """What a log may hold of a failure on a row: the kind of error and where it was raised, and the
    way there through the code. Its own text may quote the row, and with it a buyer."""
    frames = traceback.extract_tb(error.__traceback__)
    ours = [frame for frame in frames if "site-packages" not in frame.filename] or frames
    place = f" in {ours[-1].name}, line {ours[-1].lineno}" if ours else ""
    stack = "".join(traceback.format_list(frames))
    return {"reason": f"{type(error).__name__}{place}", "stack": stack}
