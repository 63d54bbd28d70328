"""The job that evaluates drafts: page by page, drafts in turns, nothing emitted.

A family is evaluated as the worker of `normalizing` would after the configuration was saved, and
compared with what is there. Schemas of categories that the shop was never asked for are fetched;
what they hold up is evaluated when they come, for a minute at most.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import partial

from cachetools import LRUCache

from catalog_service.categories.permitted import PermittedLeaves
from catalog_service.categories.store import request_schemas
from catalog_service.drafts.compare import UNKNOWN, FamilyChange, compare
from catalog_service.drafts.store import (
    Draft,
    DraftKey,
    claim_draft,
    end_waits,
    find_due,
    finish_draft,
    list_awaited,
    list_expired,
    list_families,
    list_pending,
    put_off,
    remove_draft,
    save_page,
)
from catalog_service.drafts.tally import Tally
from catalog_service.families.store import FamilyKey
from catalog_service.feeds.compile import CompiledFeed
from catalog_service.feeds.count_excluded import ExclusionCount
from catalog_service.feeds.stored import compile_body
from catalog_service.feeds.work import FamilyBudget, FamilyTooCostly
from catalog_service.normalizing.reference_data import SchemaCache
from catalog_service.normalizing.rows_of_turn import rows_of_turn
from catalog_service.normalizing.store import NormalizedRow, Present, load_members, load_present
from catalog_service.normalizing.try_families import Trial, Tried, feed_of, try_families
from catalog_service.normalizing.turn import Task, Turn
from catalog_service.normalizing.variations import Member, own_members
from catalog_service.preview.views import issues_of
from common import clock
from common.postgres.pool import Connection, Pool
from common.postgres.set_aside import RowKey, alone
from common.postgres.unit_of_work import reading, unit_of_work

JOB = "drafts"
FAMILIES_PER_TURN = 250
EXPIRED_PER_TURN = 10
DRAFTS_COMPILED = 16
SCHEMAS_WITHIN = timedelta(seconds=60)
ASKED_EVERY = timedelta(seconds=1)


@dataclass(frozen=True)
class _Compiled:
    """A draft's configuration, ready to evaluate with."""

    feed: CompiledFeed
    excluded: ExclusionCount


@dataclass(frozen=True)
class _Page:
    """Families of a draft: their rows, how they are stored, and what would become of them."""

    members: Mapping[FamilyKey, Sequence[Member]]
    present: Mapping[str, Present]
    tried: Tried
    rows: Mapping[str, NormalizedRow]


class DraftEvaluator:
    """The job. Replicas share the drafts, a kill costs a page of one."""

    def __init__(self, pool: Pool, *, lifetime: timedelta) -> None:
        self._pool = pool
        self._lifetime = lifetime
        self._compiled: LRUCache[DraftKey, _Compiled] = LRUCache(DRAFTS_COMPILED)
        self._schemas = SchemaCache()
        self._leaves = PermittedLeaves()

    async def run(self) -> bool:
        """Forget drafts that are too old, give the next one its turn; whether there was any."""
        await self._forget_expired()
        async with reading(self._pool) as connection:
            key = await find_due(connection, JOB)
        if key is None:
            return False
        had_work = await alone(self._pool, JOB, _row(key), partial(self._turn, key))
        return had_work is None or had_work

    async def _forget_expired(self) -> None:
        begun_before = clock.now() - self._lifetime
        async with reading(self._pool) as connection:
            expired = await list_expired(
                connection, JOB, begun_before=begun_before, limit=EXPIRED_PER_TURN
            )
        for key in expired:
            await alone(self._pool, JOB, _row(key), partial(self._forget, key))

    async def _forget(self, key: DraftKey) -> None:
        async with unit_of_work(self._pool) as connection:
            await remove_draft(connection, key)

    async def _turn(self, key: DraftKey) -> bool:
        """A page of the draft, or its next step; whether there was anything to do."""
        async with unit_of_work(self._pool) as connection:
            draft = await claim_draft(connection, key)
            if draft is None:
                return False
            compiled = await self._compile(draft)
            if draft.families is None:
                await list_families(connection, draft, compiled.feed)
                return True
            families = await list_pending(connection, draft, limit=FAMILIES_PER_TURN)
            if families:
                await self._evaluate(connection, draft, compiled, families)
                return True
            return await _wait_or_finish(connection, draft, compiled.feed)

    async def _compile(self, draft: Draft) -> _Compiled:
        known = self._compiled.get(draft.key)
        if known is None:
            feed = await asyncio.to_thread(
                compile_body, draft.merchant_id, draft.feed_id, 0, draft.body
            )
            known = _Compiled(feed, ExclusionCount(feed.form, feed.is_excluded))
            self._compiled[draft.key] = known
        return known

    async def _evaluate(
        self, connection: Connection, draft: Draft, compiled: _Compiled, families: Sequence[str]
    ) -> None:
        page = await self._try(connection, compiled.feed, families)
        waiting = page.tried.schemas_awaited()
        if waiting:
            shop = (draft.merchant_id, compiled.feed.form.shop)
            await request_schemas(connection, {(*shop, category) for category in waiting.values()})
        tally = draft.tally
        changes = await asyncio.to_thread(_count, page, families, waiting, compiled, tally)
        await save_page(
            connection,
            draft,
            unchanged=[f for f in families if f not in changes and f not in waiting],
            changes={f: (change, page.rows[f].digest) for f, change in changes.items()},
            waiting=waiting,
            tally=tally,
        )

    async def _try(
        self, connection: Connection, feed: CompiledFeed, families: Sequence[str]
    ) -> _Page:
        trial = Trial(feed_of(feed), feed, clock.now())
        merchant, catalogue, feed_id = feed.merchant_id, feed.form.catalogue, feed.feed_id
        members = await load_members(connection, [(merchant, catalogue, f) for f in families])
        stored = await load_present(connection, [(merchant, feed_id, f) for f in families])
        previous = {key: present.previous for key, present in stored.items()}
        tried = await try_families(
            connection,
            trial,
            families,
            members,
            {key: before.standing for key, before in previous.items()},
            schemas=self._schemas,
            leaves=self._leaves,
            pictures=[url for present in stored.values() for url in present.image_urls],
        )
        turn = Turn(trial.at)
        for family, result in tried.results.items():
            turn.sort_in(Task((merchant, catalogue, family), trial.feed, None), result)
        rows = await rows_of_turn(connection, turn, members, previous)
        return _Page(
            members,
            {key[2]: present for key, present in stored.items()},
            tried,
            {row.event.family_id: row for row in rows},
        )


def _row(key: DraftKey) -> RowKey:
    merchant, draft_id = key
    return RowKey(merchant, str(draft_id))


async def _wait_or_finish(connection: Connection, draft: Draft, feed: CompiledFeed) -> bool:
    """Whether there is more to do at once: families whose schema has come, or nothing any more."""
    shop = (draft.merchant_id, feed.form.shop)
    awaited = await list_awaited(connection, draft)
    if awaited:
        keys = {(*shop, category) for category in awaited}
        come = [key[2] for key in await request_schemas(connection, keys)]
        if come:
            await end_waits(connection, draft, come)
            return True
        now = clock.now()
        waits_until = draft.waits_until or now + SCHEMAS_WITHIN
        if now < waits_until:
            await put_off(connection, draft, turn_at=now + ASKED_EVERY, waits_until=waits_until)
            return False
    await finish_draft(connection, draft)
    return True


def _count(
    page: _Page,
    families: Sequence[str],
    waiting: Mapping[str, str],
    compiled: _Compiled,
    tally: Tally,
) -> dict[str, FamilyChange]:
    """The families that would change; all of them are counted."""
    changes: dict[str, FamilyChange] = {}
    evaluated = [family for family in families if family not in waiting]
    for family in evaluated:
        present, row = page.present.get(family), page.rows.get(family)
        before = UNKNOWN if present is None else present.previous.state
        if row is None or (row.state == before == "deleted"):
            continue
        change = compare(present, row)
        if change is not None:
            changes[family] = change
        tally.add_states(before, row.state)
        tally.add_change(change)
        tally.add_issues(
            family, [] if present is None else issues_of(present.event), issues_of(row.event)
        )
    tally.unseen_pictures += len(page.tried.with_unseen_pictures)
    _count_excluded(page, evaluated, compiled, tally)
    return changes


def _count_excluded(
    page: _Page, families: Sequence[str], compiled: _Compiled, tally: Tally
) -> None:
    counted = compiled.excluded.fresh()
    feed = compiled.feed
    for family in families:
        members = page.members.get((feed.merchant_id, feed.form.catalogue, family), ())
        budget = FamilyBudget(len(members))
        try:
            for member in own_members(family, members):
                counted.add(member.product_id, member.parent_id, member.fields, budget)
        except FamilyTooCostly:
            continue  # its evaluation has an issue that says so
    by_rule = dict(zip(counted.places, counted.by_rule(), strict=True))
    tally.add_excluded(counted.total(), by_rule)
