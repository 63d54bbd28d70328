"""The work of a consumer: fetch a batch, apply it in one transaction, again."""

import asyncio
import random
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Never

import structlog
from aiokafka.errors import NoOffsetForPartitionError, OffsetOutOfRangeError

from common.failpoints import reach
from common.messaging.applying import Applier, Decoded, origins_of
from common.messaging.assignment import Assignment
from common.messaging.clients import BUSY_FETCH, IDLE_FETCH, ClientStuck, let_fetches_wait
from common.messaging.positions import PositionMoved, move_positions
from common.messaging.quarantine import Breaker, impose
from common.messaging.records import FULL_AT_BYTES, NotApplied, Record, Rejected
from common.postgres.pool import Pool
from common.postgres.set_aside import is_about_the_data
from common.postgres.unit_of_work import unit_of_work
from common.supervision import Component, abandon, bounded, result_of
from common.telemetry.names import CONSUMER_BATCH, CONSUMER_FENCED
from common.telemetry.setup import counter, histogram

log = structlog.get_logger()

_batch_duration = histogram(CONSUMER_BATCH)
_fenced = counter(CONSUMER_FENCED)

FETCHED_AT_ONCE = 100
DECODED_AT_ONCE = 10
"""Records fetched, and decoded, before the batch being applied gets its turn."""
FETCH_WAIT = timedelta(seconds=1)
"""For a first record. When none comes, the last batch's positions are shown at the latest."""
FETCHED_WITHIN = timedelta(seconds=45)
"""More than the two looks at the log's range that it may need."""
APPLIED_WITHIN = timedelta(minutes=5)
SHOW_POSITIONS_EVERY = timedelta(seconds=1)
SHOWN_AT_END_WITHIN = timedelta(seconds=2)


@dataclass(frozen=True)
class _Fetched:
    """A batch, and the positions' epoch in which it was asked for."""

    epoch: int
    decoded: Decoded


class BatchLoop:
    """Works for `owner` with one client, until the owner stops or the client breaks."""

    def __init__(
        self,
        owner: Component,
        pool: Pool,
        assignment: Assignment,
        applier: Applier,
        breaker: Breaker,
        *,
        max_records: int,
    ) -> None:
        self._owner = owner
        self._pool = pool
        self._assignment = assignment
        self._applier = applier
        self._breaker = breaker
        self._max_records = max_records
        self._group = applier.group

    async def work(self, watching: asyncio.Task[Never]) -> None:
        """Return once the owner stops. Raises what ended the watch, `ClientStuck`, or what the
        client raised."""
        shown_at = time.monotonic()
        showing: asyncio.Task[None] | None = None
        stopping = asyncio.create_task(self._owner.until_stopped())
        following = asyncio.create_task(self._fetch())
        try:
            while (batch := await _first_of(following, watching, stopping)) is not None:
                if batch.epoch != self._assignment.epoch:
                    # Positions were sought since it was asked for: it may leave a gap. Fetch again.
                    self._assignment.seek(dict(self._assignment.positions))
                    following = asyncio.create_task(self._fetch())
                    continue
                following = asyncio.create_task(self._fetch())
                if batch.decoded.records:
                    await self._apply_or_back_off(batch.decoded)
                due = time.monotonic() - shown_at >= SHOW_POSITIONS_EVERY.total_seconds()
                if due and (showing is None or showing.done()):
                    shown_at = time.monotonic()
                    showing = asyncio.create_task(self._assignment.show_positions())
            if showing is not None:
                await asyncio.wait([showing], timeout=1)
            with suppress(TimeoutError):
                await bounded(self._assignment.show_positions(), SHOWN_AT_END_WITHIN)
        finally:
            abandon(stopping)
            abandon(following)
            if showing is not None:
                abandon(showing)

    async def _fetch(self) -> _Fetched:
        """The next batch, decoded, while the one before is applied: a few records at a time, so
        that that one waits for its database only."""
        epoch = self._assignment.epoch
        batch = Decoded.of(())
        size = 0
        wait = FETCH_WAIT
        while size < FULL_AT_BYTES and (
            room := min(FETCHED_AT_ONCE, self._max_records - len(batch.records))
        ):
            records = await self._fetch_records(room, wait)
            if wait:
                let_fetches_wait(self._assignment.client, BUSY_FETCH if records else IDLE_FETCH)
            if not records:
                break
            batch.add(records)
            size += sum(len(record.value or b"") for record in records)
            for start in range(0, len(records), DECODED_AT_ONCE):
                self._applier.decode_into(batch, records[start : start + DECODED_AT_ONCE])
                await asyncio.sleep(0)
            wait = timedelta()
        return _Fetched(epoch, batch)

    async def _fetch_records(self, at_most: int, wait: timedelta) -> list[Record]:
        assignment = self._assignment
        try:
            fetched = await assignment.client.getmany(
                timeout_ms=int(wait.total_seconds() * 1000), max_records=at_most
            )
        except NoOffsetForPartitionError:
            # The client looked for a committed offset before our seek; the seek stands.
            assignment.seek(assignment.positions)
            return []
        except OffsetOutOfRangeError as error:
            await assignment.check_range(list(assignment.positions))
            raise ClientStuck(str(error)) from error
        return assignment.records_of(fetched)

    async def _apply_or_back_off(self, batch: Decoded) -> None:
        assignment = self._assignment
        began = time.monotonic()
        assignment.idle.clear()
        try:
            await bounded(self._apply_in_halves(batch), APPLIED_WITHIN)
        except PositionMoved:
            _fenced.add(1, {"group": self._group})
            log.info("consumer.fenced", group=self._group)
            await assignment.seek_to_stored(list(assignment.positions))
        except Exception as error:
            log.warning("consumer.batch_failed", group=self._group, reason=repr(error))
            await self._owner.pause(_pause_after_failure())
            await assignment.seek_to_stored(list(assignment.positions))
        else:
            assignment.note_progress()
        finally:
            assignment.idle.set()
        _batch_duration.record(time.monotonic() - began, {"group": self._group})

    async def _apply_in_halves(self, batch: Decoded) -> None:
        """Apply the batch; when a record in it cannot be taken, halve it until that one is alone.

        Both halves are in the log's order per partition, so that each moves positions forward.
        """
        records = batch.records
        try:
            await self._apply(batch)
        except PositionMoved:
            raise
        except Exception as error:
            if not is_about_the_data(error):
                raise
            if len(records) > 1:
                middle = len(records) // 2
                await self._apply_in_halves(self._applier.decode(records[:middle]))
                await self._apply_in_halves(self._applier.decode(records[middle:]))
            else:
                log.exception("consumer.record_refused", group=self._group)
                refused = Rejected.by_handler(records[0], error)
                await self._apply(replace(batch, deliveries=[], not_applied=[refused]))

    async def _apply(self, batch: Decoded) -> None:
        records = batch.records
        reach("consumer.after-decode")
        moves = self._assignment.moves_past(records)
        batch = await self._applier.verified(batch)
        with self._applier.traced(batch) as traced:
            async with unit_of_work(self._pool) as connection:
                await move_positions(connection, self._assignment.group, moves)
                not_applied = await self._applier.apply(connection, traced)
                reach("consumer.before-commit")
        reach("consumer.after-commit")
        self._assignment.advance(moves)
        self._applier.count(records, not_applied)
        await self._trip(batch, not_applied)

    async def _trip(self, batch: Decoded, not_applied: Sequence[NotApplied]) -> None:
        bad = [
            failure.record
            for failure in not_applied
            if isinstance(failure, Rejected) and failure.blames_origin
        ]
        tripped = self._breaker.observe(batch.origins, origins_of(bad))
        if tripped:
            log.error("consumer.quarantine", group=self._group, origins=sorted(tripped))
            async with unit_of_work(self._pool) as connection:
                await impose(
                    connection, self._group, tripped, reason="mostly records that cannot be taken"
                )


def _pause_after_failure() -> timedelta:
    return timedelta(seconds=random.uniform(0.3, 1.0))  # noqa: S311 - jitter


async def _first_of(
    following: asyncio.Task[_Fetched],
    watching: asyncio.Task[Never],
    stopping: asyncio.Task[None],
) -> _Fetched | None:
    """What was fetched, unless the watch ends or nothing comes, not even an empty batch; None once
    the owner stops."""
    await asyncio.wait(
        [following, watching, stopping],
        timeout=FETCHED_WITHIN.total_seconds(),
        return_when=asyncio.FIRST_COMPLETED,
    )
    if stopping.done():
        return None
    if watching.done():
        result_of(watching)
    if not following.done():
        raise ClientStuck(f"no answer to a fetch for {FETCHED_WITHIN.total_seconds():g} s")
    return result_of(following)
