"""A feed's counts add up at every moment: each desired product is in one place."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from random import Random
from typing import Any

import pytest

from common.postgres.pool import Connection, open_pool
from common.postgres.unit_of_work import unit_of_work
from feed_publisher.driving.store import count_feed
from stack.testing import NewDatabase

from ..publisher_harness import migrate

NOW = datetime(2026, 11, 2, tzinfo=UTC)
FAMILIES = [f"p{n}" for n in range(30)]
PLACES = ("live", "pending", "rejected", "withheld")
HISTORIES, STEPS = 8, 40


@pytest.fixture
async def connection(database: NewDatabase) -> AsyncIterator[Connection]:
    pool = await open_pool(await database(migrate), max_size=1)
    async with unit_of_work(pool) as connection:
        yield connection
    await pool.close()


async def test_no_history_of_rows_makes_a_product_stand_twice_or_nowhere(
    connection: Connection,
) -> None:
    for seed in range(HISTORIES):
        history = _History(connection, Random(seed), f"f{seed}")
        for _ in range(STEPS):
            await history.step()
            counts = await count_feed(connection, "m", history.feed)
            assert sum(counts[place] for place in PLACES) == counts["desired"], (seed, counts)
            assert {place: counts[place] for place in PLACES} == history.expected(), (seed, counts)


class _History:
    """Rows as the service writes them, in any order, and where they place each product."""

    def __init__(self, connection: Connection, draw: Random, feed: str) -> None:
        self.connection, self.draw, self.feed = connection, draw, feed
        self.revision: dict[str, int] = {}
        self.absent: set[str] = set()
        self.held: dict[str, int] = {}
        self.marked: set[str] = set()
        self.sent: set[str] = set()
        self.refused: set[str] = set()
        self.missing: set[str] = set()
        self.online: set[str] = set()
        self.items = 0

    def expected(self) -> dict[str, int]:
        counts = dict.fromkeys(PLACES, 0)
        for family in self.revision.keys() - self.absent:
            counts[self._place(family)] += 1
        return counts

    def _place(self, family: str) -> str:
        if self.held.get(family) == self.revision[family]:
            return "withheld"
        if family in self.marked | self.sent:
            return "pending"
        if family in self.refused | self.missing:
            return "rejected"
        return "live" if family in self.online else "pending"

    async def step(self) -> None:
        family = self.draw.choice(FAMILIES)
        await self.draw.choice(
            [self._desire, self._plan, self._send, self._list, self._hold, self._lack]
        )(family)

    async def _execute(self, statement: str, *values: Any) -> None:
        await self.connection.execute(statement, "m", self.feed, *values)

    async def _desire(self, family: str) -> None:
        is_absent = self.draw.random() < 0.2
        self.revision[family] = self.revision.get(family, 0) + 1
        (self.absent.add if is_absent else self.absent.discard)(family)
        self.marked.add(family)
        await self._execute(
            "INSERT INTO desired_product (merchant_id, feed_id, family_id, revision, presence,"
            " document) VALUES ($1, $2, $3, $4, $5, '') ON CONFLICT (merchant_id, feed_id,"
            " family_id) DO UPDATE SET revision = excluded.revision, presence = excluded.presence",
            family, self.revision[family], "absent" if is_absent else "present",
        )  # fmt: skip
        await self._execute(
            "INSERT INTO family_mark (merchant_id, feed_id, kind, family_id)"
            " VALUES ($1, $2, 'product', $3), ($1, $2, 'offer', $3)", family,
        )  # fmt: skip

    async def _plan(self, family: str) -> None:
        self.marked.discard(family)
        await self._execute(
            "DELETE FROM family_mark WHERE merchant_id = $1 AND feed_id = $2 AND family_id = $3"
            " AND kind = 'product'", family,
        )  # fmt: skip

    async def _send(self, family: str) -> None:
        """An item in a running run, in a job of a run that has ended, or one that is decided."""
        status, run = self.draw.choice(
            [("pending", "running"), ("in_job", "ended"), ("accepted", "running"),
             ("pending", "offers")]
        )  # fmt: skip
        if status != "accepted" and run != "offers":
            self.sent.add(family)
        self.items += 1
        await self._execute(
            "INSERT INTO feed_run (merchant_id, feed_id, run_id, shop_id, kind, cause, is_dry_run,"
            " state, asked_at) VALUES ($1, $2, $3, 's', $4, 'request', false, $5, $6)"
            " ON CONFLICT DO NOTHING",
            f"{self.feed}-{run}", "offer" if run == "offers" else "product",
            "completed_with_errors" if run == "ended" else "running", NOW,
        )  # fmt: skip
        await self._execute(
            "INSERT INTO run_item (merchant_id, feed_id, run_id, item_no, family_id, action,"
            " status, is_removal, desired_revision, sku_codes, change)"
            " VALUES ($1, $2, $3, $4, $5, $6, $7, false, 1, '{}', '')",
            f"{self.feed}-{run}", self.items, family, "stock" if run == "offers" else "update",
            status,
        )  # fmt: skip

    async def _list(self, family: str) -> None:
        is_online, is_refused = self.draw.random() < 0.7, self.draw.random() < 0.3
        (self.online.add if is_online else self.online.discard)(family)
        (self.refused.add if is_refused else self.refused.discard)(family)
        await self._execute(
            "INSERT INTO listing (merchant_id, feed_id, family_id, shop_id, document,"
            " marketplace_product_id, reported_status) VALUES ($1, $2, $3, 's', '', $4, $5)"
            " ON CONFLICT (merchant_id, feed_id, family_id) DO UPDATE SET marketplace_product_id ="
            " excluded.marketplace_product_id, reported_status = excluded.reported_status",
            family, f"{self.feed}-{family}" if is_online else None,
            "rejected" if is_refused else "live" if is_online else "deleted",
        )  # fmt: skip

    async def _hold(self, family: str) -> None:
        revision = self.revision.get(family, 0) - self.draw.choice([0, 0, 1])
        self.held[family] = revision
        await self._execute(
            "INSERT INTO held_change (merchant_id, feed_id, kind, family_id, guard,"
            " desired_revision, sku_codes, held_at) VALUES ($1, $2, 'product', $3, 'removal', $4,"
            " '{}', $5) ON CONFLICT (merchant_id, feed_id, kind, family_id, guard) DO UPDATE SET"
            " desired_revision = excluded.desired_revision", family, revision, NOW,
        )  # fmt: skip

    async def _lack(self, family: str) -> None:
        self.missing.add(family)
        await self._execute(
            "INSERT INTO shortfall (merchant_id, feed_id, kind, family_id, causes)"
            " VALUES ($1, $2, 'product', $3, '[]') ON CONFLICT DO NOTHING", family,
        )  # fmt: skip
