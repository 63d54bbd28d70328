"""Dirty families become normalized products: one path for events, files and configurations.

A turn claims families, loads what they need in sets, evaluates them (pure), and writes results,
events and what has to wait in one transaction. Ten children that arrived cost one evaluation.

One worker serves every merchant. A feed or family that fails does so alone (`evaluate`); a turn
that fails nevertheless is repeated family by family; a merchant whose families take long has only
so many seconds of a turn: its other families are marked again, behind those of others; and one with
very many has every second turn at most while others have any.
"""

import asyncio
import time
from collections import Counter, defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from functools import partial

import structlog

from catalog_service.categories.permitted import PermittedLeaves
from catalog_service.categories.store import (
    SchemaKey,
    request_schemas,
    wait_for_schema,
)
from catalog_service.families.store import (
    JOB,
    FamilyKey,
    Mark,
    ProductKey,
    Wait,
    claim_families,
    count_backlog,
    forget_marks,
    have_others,
    list_dirty_families,
    set_waits,
)
from catalog_service.feeds.store import Feed, load_feeds_of_catalogues
from catalog_service.files.store import find_oldest_unread
from catalog_service.images.store import request_checks, wait_for_image
from catalog_service.normalizing.evaluate import Failed, absence, evaluate, failed_by
from catalog_service.normalizing.evidence import Evidence
from catalog_service.normalizing.normalize import Normalized, Waiting
from catalog_service.normalizing.reference_data import FeedCache, ReferenceData, SchemaCache
from catalog_service.normalizing.rows import has_changed
from catalog_service.normalizing.rows_of_turn import rows_of_turn
from catalog_service.normalizing.store import (
    NormalizedRow,
    Previous,
    load_previous,
    load_stored_members,
    save_normalized,
)
from catalog_service.normalizing.turn import Task, Turn
from catalog_service.normalizing.variations import Member, StoredMember
from catalog_service.photo_bank.store import PhotoKey, request_uploads, wait_for_photo
from common import clock
from common.contracts.envelope import caused_by
from common.errors import Outage
from common.failpoints import FailpointError, reach
from common.messaging.outbox import add_encoded
from common.postgres.pool import OUTAGE_ERRORS, Connection, Pool
from common.postgres.set_aside import RowKey, alone, forget_failures
from common.postgres.unit_of_work import reading, unit_of_work
from common.telemetry.names import (
    CATALOG_DELAY,
    CATALOG_DIRTY,
    CATALOG_DIRTY_AGE,
    CATALOG_FAULTS,
    CATALOG_IMPORTS_AGE,
    CATALOG_NORMALIZED,
    CATALOG_WAITING,
    SPAN_FAMILY,
    SPAN_NORMALIZE,
)
from common.telemetry.setup import Gauge, counter, histogram
from common.telemetry.tracing import is_sampled, span_of, step

log = structlog.get_logger()

MARKS_PER_TURN = 600
"""Each family of theirs takes a lock in Postgres, whose table holds some 6,400 by default for all
workers."""
AT_A_STRETCH = 0.005
"""For so many seconds at most families are evaluated while all else in the process waits."""
ASKING_PAUSES = 10
"""How many times as long as asking for other merchants' families takes, it is not asked again."""
COUNTED_TO = 100_000
RETRIED: tuple[type[BaseException], ...] = (*OUTAGE_ERRORS, Outage, FailpointError)
"""What is around the families, not in them."""

_normalized = counter(CATALOG_NORMALIZED)
_faults = counter(CATALOG_FAULTS)
_dirty = Gauge(CATALOG_DIRTY)
_waiting = Gauge(CATALOG_WAITING)
_dirty_age = Gauge(CATALOG_DIRTY_AGE)
_imports_age = Gauge(CATALOG_IMPORTS_AGE)
_delay = histogram(CATALOG_DELAY)


class Normalizer:
    """The job that normalizes dirty families."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._feeds = FeedCache()
        self._schemas = SchemaCache()
        self._leaves = PermittedLeaves()
        self._passed_over: set[str] = set()
        self._ask_again_at = 0.0

    async def run(self) -> bool:
        """One turn; whether any family was dirty."""
        # Who took most of the last turn is passed over in this one, if there are others.
        without, self._passed_over = self._passed_over, set()
        try:
            if without and await self._have_others(without):
                return await self._turn(without_merchants=without) or await self._turn()
            return await self._turn()
        except RETRIED:
            raise
        except Exception:
            log.exception("normalizing.turn_failed")
            return await self._isolate()

    async def observe(self) -> bool:
        """Read the gauges of the backlog; there is never more work to do at once."""
        async with reading(self._pool) as connection:
            backlog = await count_backlog(connection, limit=COUNTED_TO)
            unread_since = await find_oldest_unread(connection)
        now = clock.now()
        _dirty.set(backlog.marks)
        _dirty_age.set(clock.seconds_between(backlog.oldest_mark, now))
        _waiting.set(backlog.waiting)
        _imports_age.set(clock.seconds_between(unread_since, now))
        return False

    async def _have_others(self, merchants: Collection[str]) -> bool:
        """Whether others have dirty families. That reads all marks where they have none, so it is
        asked so seldom that it takes a tenth of the time at most."""
        began = time.monotonic()
        if began < self._ask_again_at:
            return False
        async with reading(self._pool) as connection:
            found = await have_others(connection, merchants)
        self._ask_again_at = began + ASKING_PAUSES * (time.monotonic() - began)
        return found

    async def _isolate(self) -> bool:
        """Each dirty family in a turn of its own: one that fails there is stored as failed."""
        async with reading(self._pool) as connection:
            families = await list_dirty_families(connection, limit=MARKS_PER_TURN)
        has_worked = False
        for family in families:
            try:
                has_worked |= await self._turn(only=family)
            except RETRIED:
                raise
            except Exception as error:
                has_worked |= await self._store_failed(family, error)
        return has_worked

    async def _store_failed(self, family: FamilyKey, error: Exception) -> bool:
        """Store the family as failed; one that even that fails for is held back."""
        row = _row(family)
        store = partial(self._turn, only=family, failure=failed_by(error))
        return bool(await alone(self._pool, JOB, row, store))

    async def _turn(
        self,
        *,
        without_merchants: Collection[str] = (),
        only: FamilyKey | None = None,
        failure: Failed | None = None,
    ) -> bool:
        async with unit_of_work(self._pool) as connection:
            claimed = await claim_families(
                connection, limit=MARKS_PER_TURN, without_merchants=without_merchants, only=only
            )
            if not claimed:
                return False
            reach("normalizing.after-claim")
            traces = [mark.traceparent for marks in claimed.values() for mark in marks]
            with span_of(SPAN_NORMALIZE, traces, attributes={"channel.families": len(claimed)}):
                outcomes = await self._normalize(connection, claimed, failure)
            await forget_failures(connection, JOB, [_row(family) for family in claimed])
            reach("normalizing.before-commit")
        now = clock.now()
        for marks in claimed.values():
            _delay.record(clock.seconds_between(min(mark.marked_at for mark in marks), now))
        for (state, is_emitted), families in outcomes.items():
            _normalized.add(families, {"state": state, "emitted": str(is_emitted).lower()})
        return True

    async def _normalize(
        self,
        connection: Connection,
        claimed: dict[FamilyKey, list[Mark]],
        failure: Failed | None,
    ) -> Counter[tuple[str, bool]]:
        feeds = await load_feeds_of_catalogues(connection, {key[:2] for key in claimed})
        tasks = _tasks(claimed, feeds)
        stored = await load_stored_members(connection, claimed.keys())
        previous = await load_previous(connection, [task.key for task in tasks])
        turn = Turn(clock.now())
        if failure is None:
            members = await self._evaluate(connection, turn, tasks, stored, previous)
        else:
            members = _read(stored)
            for task in tasks:
                turn.sort_in(task, absence(task.feed, members.get(task.family, [])) or failure)
        waits = await _wait(connection, [*turn.waiting, *_for_photos(turn.normalized)])
        waits += [Wait(t.family, t.feed.feed_id, None, t.traceparent) for t in turn.put_off]
        rows = [_traced(row) for row in await rows_of_turn(connection, turn, members, previous)]
        await save_normalized(connection, rows, known=previous.keys())
        changed = [row for row in rows if has_changed(row, previous)]
        await add_encoded(connection, [caused_by(row.record, row.traceparent) for row in changed])
        await set_waits(connection, [task.key for task in tasks], waits)
        await forget_marks(connection, [m.id for marks in claimed.values() for m in marks])
        self._passed_over |= turn.slow_merchants() | _those_who_filled_it(claimed)
        _alarm(turn.failed)
        outcomes = Counter((row.state, has_changed(row, previous)) for row in rows)
        outcomes.update((previous[task.key].state, False) for task in turn.unchanged)
        return outcomes

    async def _evaluate(
        self,
        connection: Connection,
        turn: Turn,
        tasks: Sequence[Task],
        stored: dict[FamilyKey, list[StoredMember]],
        previous: dict[ProductKey, Previous],
    ) -> dict[FamilyKey, list[Member]]:
        """Evaluate what would not be found as it was; the members of these families."""
        shops = {(task.feed.merchant_id, task.feed.shop_id) for task in tasks}
        known = await ReferenceData.of_shops(
            connection, shops, schemas=self._schemas, leaves=self._leaves
        )
        feeds = {task.key[:2]: task.feed for task in tasks if task.feed.lifecycle == "active"}
        compiled = {key: await self._feeds.get(connection, feed) for key, feed in feeds.items()}
        evidence = Evidence(stored, previous, compiled, known)
        known.lacking_images |= evidence.pictures(tasks)
        known.lacking_photos |= evidence.photos(tasks)
        await known.load_lacking(connection)
        turn.unchanged = [task for task in tasks if evidence.is_unchanged(task)]
        done = {task.key for task in turn.unchanged}
        left = [task for task in tasks if task.key not in done]
        members = _read({task.family: stored.get(task.family, []) for task in left})
        yields_at = 0.0
        while left:
            turn.waiting = []
            for task in left:
                if turn.has_time_for(task):
                    began = time.monotonic()
                    result = _evaluate_one(task, members[task.family], evidence, at=turn.at)
                    turn.note_inputs(task, evidence.inputs(task, result))
                    turn.seconds[task.feed.merchant_id] += time.monotonic() - began
                    turn.sort_in(task, result)
                else:
                    turn.put_off.append(task)
                if time.monotonic() >= yields_at:  # other tasks of the process get their turn
                    await asyncio.sleep(0)
                    yields_at = time.monotonic() + AT_A_STRETCH
            if not await known.load_lacking(connection):
                break
            left = [task for task, _ in turn.waiting]
        return members


def _evaluate_one(
    task: Task, family: Sequence[Member], evidence: Evidence, *, at: datetime
) -> Normalized | Waiting | Failed:
    absent = absence(task.feed, family)
    if absent is not None:
        return absent
    before = evidence.previous.get(task.key)
    return evaluate(
        evidence.feeds[task.key[:2]],
        task.family[2],
        family,
        evidence.known.of(task.feed.merchant_id, task.feed.shop_id),
        at=at,
        standing=None if before is None else before.standing,
    )


def _read(
    stored: Mapping[FamilyKey, Sequence[StoredMember]],
) -> dict[FamilyKey, list[Member]]:
    return {family: [member.read() for member in members] for family, members in stored.items()}


def _traced(row: NormalizedRow) -> NormalizedRow:
    """The row, continuing its cause by a span of its own."""
    if not is_sampled(row.traceparent):
        return row
    event = row.event
    attributes: dict[str, str | int] = {
        "channel.merchant": event.merchant_id,
        "channel.feed": event.feed_id,
        "channel.family": event.family_id,
        "channel.revision": event.revision,
        "channel.state": row.state,
    }
    return replace(row, traceparent=step(SPAN_FAMILY, row.traceparent, attributes=attributes))


def _row(family: FamilyKey) -> RowKey:
    """What the job calls the family's row."""
    merchant_id, catalogue_id, family_id = family
    return RowKey(merchant_id, f"{catalogue_id}/{family_id}")


def _those_who_filled_it(claimed: dict[FamilyKey, list[Mark]]) -> set[str]:
    """The merchant of more than half of a full turn's marks: it may have more before others'."""
    marks: Counter[str] = Counter()
    for (merchant, _, _), some in claimed.items():
        marks[merchant] += len(some)
    return {merchant for merchant, own in marks.items() if own > MARKS_PER_TURN // 2}


def _tasks(claimed: dict[FamilyKey, list[Mark]], feeds: Sequence[Feed]) -> list[Task]:
    tasks = []
    of_catalogue: dict[tuple[str, str], list[Feed]] = defaultdict(list)
    for feed in feeds:
        of_catalogue[feed.merchant_id, feed.catalogue_id].append(feed)
    for family, marks in claimed.items():
        marked = {mark.feed_id for mark in marks}
        cause = next((m.traceparent for m in reversed(marks) if m.traceparent), None)
        changed_at = min(mark.marked_at for mark in marks)
        tasks += [
            Task(family, feed, cause, changed_at)
            for feed in of_catalogue.get(family[:2], [])
            if None in marked or feed.feed_id in marked
        ]
    return tasks


def _for_photos(normalized: Sequence[tuple[Task, Normalized]]) -> list[tuple[Task, Waiting]]:
    """The families that are online and whose pictures are still to be uploaded."""
    return [
        (task, Waiting(f"photo:{result.unuploaded_images[0]}", (), result.unuploaded_images))
        for task, result in normalized
        if result.unuploaded_images
    ]


async def _wait(connection: Connection, waiting: Sequence[tuple[Task, Waiting]]) -> list[Wait]:
    """Ask for what the families wait for, and name it; what came meanwhile is not waited for."""
    schemas: dict[SchemaKey, str] = {}
    images: set[tuple[str, str]] = set()
    photos: set[PhotoKey] = set()
    for task, wait in waiting:
        merchant, shop = task.feed.merchant_id, task.feed.shop_id
        kind, _, name = wait.waits_for.partition(":")
        if kind == "schema":
            schemas[merchant, shop, name] = wait_for_schema(shop, name)
        images |= {(merchant, url) for url in wait.unchecked_images}
        photos |= {(merchant, shop, url) for url in wait.unuploaded_images}
    there: set[tuple[str, str]] = set()
    if schemas:
        arrived = await request_schemas(connection, schemas)
        there |= {(key[0], wait_for_schema(key[1], key[2])) for key in arrived}
    if images:
        checked = await request_checks(connection, images)
        there |= {(merchant, wait_for_image(url)) for merchant, url in checked}
    if photos:
        uploaded = await request_uploads(connection, photos)
        there |= {(merchant, wait_for_photo(shop, url)) for merchant, shop, url in uploaded}
    return [_waits(task, wait, there) for task, wait in waiting]


def _waits(task: Task, wait: Waiting, there: set[tuple[str, str]]) -> Wait:
    kind, _, name = wait.waits_for.partition(":")
    shop = task.feed.shop_id
    if kind == "schema":
        named = wait_for_schema(shop, name)
    else:
        named = wait_for_image(name) if kind == "image" else wait_for_photo(shop, name)
    has_come = (task.feed.merchant_id, named) in there
    return Wait(task.family, task.feed.feed_id, None if has_come else named, task.traceparent)


def _alarm(failed: Sequence[tuple[Task, Failed]]) -> None:
    """Log and count what the channel failed on: once for each feed and kind of error."""
    alike: dict[tuple[str, str, str], list[tuple[Task, Exception]]] = defaultdict(list)
    for task, failure in failed:
        if failure.error is not None:
            kind = type(failure.error).__name__
            alike[task.feed.merchant_id, task.feed.feed_id, kind].append((task, failure.error))
    for (merchant, feed, _), some in alike.items():
        task, error = some[0]
        _faults.add(len(some), {"kind": "family"})
        log.error(
            "family.failed",
            merchant=merchant,
            feed=feed,
            family=task.family[2],
            families=len(some),
            exc_info=error,
        )
