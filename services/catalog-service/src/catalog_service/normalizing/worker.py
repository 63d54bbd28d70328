"""Dirty families become normalized products: one path for events, files and configurations.

A turn claims families, loads what they need in sets, judges them (pure), and writes results,
events and what has to wait in one transaction. Ten children that arrived cost one judgement.
"""

import asyncio
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

from opentelemetry import trace

from catalog_service.feeds.store import (
    Feed,
    SchemaKey,
    load_feeds_of_catalogues,
    load_schema_versions,
    request_schemas,
    wait_for_schema,
)
from catalog_service.images.store import request_checks, wait_for_image
from catalog_service.normalizing.knowledge import FeedCache, Knowledge, SchemaCache
from catalog_service.normalizing.normalize import (
    Normalized,
    Waiting,
    digest_of,
    normalize,
)
from catalog_service.normalizing.schema_check import missing_attributes
from catalog_service.normalizing.store import (
    FamilyKey,
    Former,
    Mark,
    NormalizedRow,
    ProductKey,
    Wait,
    claim_families,
    count_backlog,
    forget_marks,
    load_former,
    load_members,
    save_normalized,
    set_waits,
)
from catalog_service.normalizing.variations import Member
from common import clock
from common.contracts.envelope import RecordTooLarge, encode
from common.contracts.product import Part, ProductNormalized
from common.errors import Issue
from common.failpoints import reach
from common.messaging.outbox import Caused, add_events
from common.postgres.pool import Connection, Pool
from common.postgres.unit_of_work import unit_of_work
from common.telemetry.names import (
    CATALOG_DIRTY,
    CATALOG_NORMALIZED,
    CATALOG_WAITING,
    SPAN_NORMALIZE,
)
from common.telemetry.setup import Gauge, counter, links_to

SOURCE = "/catalog-service"
MARKS_PER_TURN = 300
_tracer = trace.get_tracer("channel.catalog")
_normalized = counter(CATALOG_NORMALIZED)
_dirty = Gauge(CATALOG_DIRTY)
_waiting = Gauge(CATALOG_WAITING)


@dataclass(frozen=True)
class Task:
    """One family to judge for one feed."""

    family: FamilyKey
    feed: Feed
    traceparent: str | None

    @property
    def key(self) -> ProductKey:
        """(merchant, feed, family)"""
        return self.feed.merchant_id, self.feed.feed_id, self.family[2]


class Normalizer:
    """The job that normalizes dirty families."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._feeds = FeedCache()
        self._schemas = SchemaCache()

    async def run(self) -> bool:
        """One turn; whether any family was dirty."""
        async with unit_of_work(self._pool) as connection:
            claimed = await claim_families(connection, limit=MARKS_PER_TURN)
            if not claimed:
                return False
            reach("normalizing.after-claim")
            traces = [mark.traceparent for marks in claimed.values() for mark in marks]
            with _tracer.start_as_current_span(
                SPAN_NORMALIZE,
                links=links_to(traces),
                attributes={"channel.families": len(claimed)},
            ):
                fates = await self._normalize(connection, claimed)
            reach("normalizing.before-commit")
        for (state, is_emitted), families in fates.items():
            _normalized.add(families, {"state": state, "emitted": str(is_emitted).lower()})
        return True

    async def observe(self) -> bool:
        """Read the gauges of the backlog; there is never more work to do at once."""
        async with self._pool.acquire(timeout=10) as connection:
            dirty, waiting = await count_backlog(connection)
        _dirty.set(dirty)
        _waiting.set(waiting)
        return False

    async def _normalize(
        self, connection: Connection, claimed: dict[FamilyKey, list[Mark]]
    ) -> Counter[tuple[str, bool]]:
        feeds = await load_feeds_of_catalogues(connection, {key[:2] for key in claimed})
        tasks = _tasks(claimed, feeds)
        members = await load_members(connection, claimed.keys())
        former = await load_former(connection, [task.key for task in tasks])
        results = await self._judge(connection, tasks, members, former)
        waits = await _wait(connection, [(t, r) for t, r in results if isinstance(r, Waiting)])
        rows = [
            row
            for task, result in results
            if isinstance(result, Normalized)
            and (row := _row(task, result, former.get(task.key))) is not None
        ]
        rows.sort(key=lambda row: row.event.key())
        await save_normalized(connection, rows)
        news = [row for row in rows if _is_news(row, former)]
        await add_events(
            connection, [Caused(row.event, row.traceparent) for row in news], source=SOURCE
        )
        await set_waits(connection, [task.key for task in tasks], waits)
        await forget_marks(connection, [m.id for marks in claimed.values() for m in marks])
        return Counter((row.state, _is_news(row, former)) for row in rows)

    async def _judge(
        self,
        connection: Connection,
        tasks: Sequence[Task],
        members: dict[FamilyKey, list[Member]],
        former: dict[ProductKey, Former],
    ) -> list[tuple[Task, Normalized | Waiting]]:
        known = Knowledge(self._schemas)
        shops = {(task.feed.merchant_id, task.feed.shop_id) for task in tasks}
        known.versions = await load_schema_versions(connection, shops)
        done: list[tuple[Task, Normalized | Waiting]] = []
        left = list(tasks)
        while left:
            waiting = []
            for task in left:
                result = await self._judge_one(connection, task, members, former, known)
                if isinstance(result, Waiting):
                    waiting.append((task, result))
                else:
                    done.append((task, result))
                await asyncio.sleep(0)  # other tasks of the process get their turn
            if not await known.load_lacking(connection):
                return done + list(waiting)
            left = [task for task, _ in waiting]
        return done

    async def _judge_one(
        self,
        connection: Connection,
        task: Task,
        members: dict[FamilyKey, list[Member]],
        former: dict[ProductKey, Former],
        known: Knowledge,
    ) -> Normalized | Waiting:
        if task.feed.lifecycle == "removed":
            return Normalized(absent_reason="feed_removed")
        compiled = await self._feeds.get(connection, task.feed)
        before = former.get(task.key)
        return normalize(
            compiled,
            task.family[2],
            members.get(task.family, []),
            known.of(task.feed.merchant_id, task.feed.shop_id),
            live_locale=None if before is None else before.live_locale,
        )


def _tasks(claimed: dict[FamilyKey, list[Mark]], feeds: Sequence[Feed]) -> list[Task]:
    tasks = []
    for family, marks in claimed.items():
        marked = {mark.feed_id for mark in marks}
        cause = next((m.traceparent for m in reversed(marks) if m.traceparent), None)
        tasks += [
            Task(family, feed, cause)
            for feed in feeds
            if (feed.merchant_id, feed.catalogue_id) == family[:2]
            and (None in marked or feed.feed_id in marked)
        ]
    return tasks


async def _wait(connection: Connection, waiting: Sequence[tuple[Task, Waiting]]) -> list[Wait]:
    """Ask for what the families wait for, and name it; what came meanwhile is not waited for."""
    schemas: dict[SchemaKey, str] = {}
    images: set[tuple[str, str]] = set()
    for task, wait in waiting:
        kind, _, name = wait.waits_for.partition(":")
        if kind == "schema":
            key = (task.feed.merchant_id, task.feed.shop_id, name)
            schemas[key] = wait_for_schema(task.feed.shop_id, name)
        else:
            images |= {(task.feed.merchant_id, url) for url in wait.unchecked_images}
    there: set[tuple[str, str]] = set()
    if schemas:
        arrived = await request_schemas(connection, schemas)
        there |= {(key[0], wait_for_schema(key[1], key[2])) for key in arrived}
    if images:
        checked = await request_checks(connection, images)
        there |= {(merchant, wait_for_image(url)) for merchant, url in checked}
    return [_waits(task, wait, there) for task, wait in waiting]


def _waits(task: Task, wait: Waiting, there: set[tuple[str, str]]) -> Wait:
    kind, _, name = wait.waits_for.partition(":")
    named = wait_for_schema(task.feed.shop_id, name) if kind == "schema" else wait_for_image(name)
    has_come = (task.feed.merchant_id, named) in there
    return Wait(task.family, task.feed.feed_id, None if has_come else named, task.traceparent)


def _row(task: Task, result: Normalized, former: Former | None) -> NormalizedRow | None:
    """The row to write; None where there is nothing and never was."""
    is_gone = result.absent_reason in {"deleted", "feed_removed"}
    if former is None and is_gone:
        return None
    digest = digest_of(result, shop_id=task.feed.shop_id)
    event = _event(task, result, _revision(former, digest))
    try:
        encode(event, source=SOURCE)
    except RecordTooLarge as large:
        result = _too_large(result, large)
        digest = digest_of(result, shop_id=task.feed.shop_id)
        event = _event(task, result, _revision(former, digest))
    errors = [issue for issue in result.issues if issue.severity == "error"]
    return NormalizedRow(
        event=event,
        catalogue_id=task.feed.catalogue_id,
        state=result.state,
        digest=digest,
        category_id=result.category_id,
        category_path=result.category_path,
        title=result.title,
        image_urls=result.image_urls,
        rules=sorted({issue.rule for issue in result.issues}),
        missing=sorted(set(missing_attributes(errors))),
        traceparent=task.traceparent,
    )


def _revision(former: Former | None, digest: bytes) -> int:
    """The next revision, or the former one where nothing changed."""
    if former is None:
        return clock.epoch_milliseconds()
    if former.digest == digest:
        return former.revision
    return max(former.revision + 1, clock.epoch_milliseconds())


def _is_news(row: NormalizedRow, former: dict[ProductKey, Former]) -> bool:
    before = former.get((row.event.merchant_id, row.event.feed_id, row.event.family_id))
    return before is None or before.revision != row.event.revision


def _event(task: Task, result: Normalized, revision: int) -> ProductNormalized:
    is_absent = result.absent_reason is not None
    return ProductNormalized(
        merchant_id=task.feed.merchant_id,
        feed_id=task.feed.feed_id,
        family_id=task.family[2],
        revision=revision,
        shop_id=task.feed.shop_id,
        presence="absent" if is_absent else "present",
        absent_reason=result.absent_reason,
        configuration_version=task.feed.configuration_version,
        product_ids=result.product_ids,
        sku_codes=result.sku_codes,
        content_part=result.content_part,
        content=result.content,
        offers_part=result.offers_part,
        offers=result.offers,
        stock_part=result.stock_part,
        stock=result.stock,
    )


def _too_large(result: Normalized, large: RecordTooLarge) -> Normalized:
    issue = Issue(
        rule="M3.7",
        field="product",
        message=f"the product has {large.size_bytes} bytes, more than one message takes",
        remedy="Shorten its descriptions, or split the family.",
    )
    part = Part(is_valid=False, hash="too-large", issues=[issue])
    return replace(result, content=None, content_part=part, offers=None, offers_part=part)
