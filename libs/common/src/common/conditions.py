"""Tells, by `condition.state`, what keeps a merchant's shop from being right, and when it is over.

Level-triggered: a job compares what the service's observers see now with what was published last,
and publishes the difference, in the transaction that remembers it. So nothing that happens has to
say so, what was missed during an outage is seen at the next turn, and a process killed at any
moment has published all of a difference or nothing of it. Once a day all is published again.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta

import structlog

from common import clock
from common.contracts.condition import ConditionState, Kind
from common.errors import Outage
from common.messaging.outbox import add_events
from common.postgres.conditions import (
    JOB,
    Condition,
    Difference,
    await_turn,
    count_present,
    find_differences,
    forget_ended,
    renew_revisions,
    save_conditions,
    take_turn,
)
from common.postgres.pool import OUTAGE_ERRORS, Connection, Pool
from common.postgres.schedules import Daily, claim_due, set_schedule
from common.postgres.set_aside import RowKey, describe, each_apart
from common.postgres.unit_of_work import reading, unit_of_work
from common.telemetry.names import CONDITIONS, CONDITIONS_CHANGED
from common.telemetry.setup import Gauge, counter

log = structlog.get_logger()

CHANGES_AT_ONCE = 1_000
"""Conditions that one transaction publishes."""
ENDED_KEPT = timedelta(days=30)
"""How long what is over is known, and published again once a day."""
SCHEDULE, EVERYBODY = "conditions", "*"
DAILY = Daily(time(3, 45))
_OUTAGES: tuple[type[BaseException], ...] = (*OUTAGE_ERRORS, Outage)

_present = Gauge(CONDITIONS)
_changed = counter(CONDITIONS_CHANGED)


@dataclass(frozen=True)
class Observer:
    """How a service sees one kind of condition: a query of the store that owns the tables.

    Its rows are what is present now, each subject once: `merchant_id`, `subject`, `since` (or NULL
    for now), and `links` and `details`, JSON objects of texts. A detail must stand still while
    nothing has changed for people: each change of one is published. `values` are the query's
    parameters at a time.
    """

    kind: Kind
    query: str
    values: Callable[[datetime], Sequence[object]] = field(default=lambda _now: ())


class Conditions:
    """The job that compares and publishes; `source` is the service (`/feed-publisher`)."""

    def __init__(self, pool: Pool, source: str, observers: Sequence[Observer]) -> None:
        self._pool = pool
        self._source = source
        self._observers = observers

    async def run(self) -> bool:
        """Have each observer look once; never more work to do at once.

        A condition that cannot be published fails alone, as any job's row; so does an observer: the
        others look, then its failure is raised.
        """
        failure: Exception | None = None
        for observer in self._observers:
            try:
                while await self._look(observer):
                    pass
            except _OUTAGES:
                raise
            except Exception as error:
                log.error(  # noqa: TRY400 - its own text may quote a row
                    "condition.not_observed", kind=observer.kind, **describe(error)
                )
                failure = failure or error
        await self._republish_daily()
        await self._measure()
        if failure is not None:
            raise failure
        return False

    async def _look(self, observer: Observer) -> bool:
        """Publish the next differences of a kind; whether any was and there may be more."""
        async with reading(self._pool) as connection:
            found = await self._differences(connection, observer)
        published = 0

        async def publish(rows: Sequence[RowKey]) -> None:
            nonlocal published
            published += await self._publish(observer, rows)

        rows = [RowKey(one.merchant_id, f"{observer.kind}/{one.subject}") for one in found]
        await each_apart(self._pool, JOB, rows, publish, key=lambda row: row)
        return published > 0 and len(found) == CHANGES_AT_ONCE

    async def _differences(
        self, connection: Connection, observer: Observer, only: Sequence[RowKey] | None = None
    ) -> list[Difference]:
        return await find_differences(
            connection,
            observer.kind,
            observer.query,
            observer.values(clock.now()),
            only=only,
            limit=CHANGES_AT_ONCE,
        )

    async def _publish(self, observer: Observer, rows: Sequence[RowKey]) -> int:
        """Publish what is still different of these, and how many are; none while another replica is
        at work."""
        async with unit_of_work(self._pool) as connection:
            if not await take_turn(connection):
                return 0
            differences = await self._differences(connection, observer, rows)
            now = clock.now()
            conditions = await save_conditions(
                connection, [change_of(observer.kind, one, now) for one in differences]
            )
            await add_events(connection, map(event_of, conditions), source=self._source)
        for one in differences:
            _note(observer.kind, one)
        return len(differences)

    async def _republish_daily(self) -> None:
        async with unit_of_work(self._pool) as connection:
            await set_schedule(connection, SCHEDULE, EVERYBODY, EVERYBODY, DAILY)
            if not await claim_due(connection, SCHEDULE):
                return
            await forget_ended(connection, before=clock.now() - ENDED_KEPT)
        await republish_conditions(self._pool, self._source)

    async def _measure(self) -> None:
        kinds = [observer.kind for observer in self._observers]
        async with reading(self._pool) as connection:
            counts = await count_present(connection, kinds)
        _present.replace({(("kind", kind),): float(number) for kind, number in counts.items()})


async def republish_conditions(pool: Pool, source: str, *, merchant_id: str | None = None) -> None:
    """Publish what is known of conditions again, those that are over too: of one merchant, or of
    all (None)."""
    after = ("", "", "")
    while True:
        async with unit_of_work(pool) as connection:
            await await_turn(connection)
            piece = await renew_revisions(
                connection, merchant_id=merchant_id, after=after, limit=CHANGES_AT_ONCE
            )
            await add_events(connection, map(event_of, piece), source=source)
        if len(piece) < CHANGES_AT_ONCE:
            return
        after = (piece[-1].merchant_id, piece[-1].kind, piece[-1].subject)


def change_of(kind: str, difference: Difference, now: datetime) -> Condition:
    """What is to be published of a difference: that it began, ended, or has other details.

    One that began keeps its beginning for as long as it is present, whatever is seen later.
    """
    seen, published = difference.seen, difference.published
    here = seen or published
    if here is None:
        raise ValueError("a difference has two sides, of which one at least is present")
    began = (published.since if published else here.since) or now
    return Condition(
        merchant_id=difference.merchant_id,
        kind=kind,
        subject=difference.subject,
        present=seen is not None,
        since=min(began, now),
        ended_at=None if seen else now,
        links=here.links,
        details=here.details,
    )


def event_of(condition: Condition) -> ConditionState:
    """The condition as it is published."""
    links: Mapping[str, str] = condition.links
    return ConditionState(
        merchant_id=condition.merchant_id,
        kind=condition.kind,
        subject=condition.subject,
        present=condition.present,
        since=condition.since,
        ended_at=condition.ended_at,
        revision=condition.revision,
        shop_id=links.get("shop_id"),
        feed_id=links.get("feed_id"),
        catalogue_id=links.get("catalogue_id"),
        run_id=links.get("run_id"),
        order_id=links.get("order_id"),
        details=dict(condition.details),
    )


def _note(kind: str, difference: Difference) -> None:
    if difference.seen and difference.published:
        change = "changed"
    else:
        change = "began" if difference.seen else "ended"
    _changed.add(1, {"kind": kind, "change": change})
    log.info(
        f"condition.{change}",
        kind=kind,
        merchant=difference.merchant_id,
        subject=difference.subject,
    )
