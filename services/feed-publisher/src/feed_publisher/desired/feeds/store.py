"""Rows of feeds. The only writer."""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal

import sqlalchemy as sa

from common import clock
from common.contracts.feed import FeedState
from common.errors import NotFound
from common.postgres import core
from common.postgres.pool import Connection
from common.postgres.schedules import Daily
from feed_publisher.desired.states import Feed
from feed_publisher.desired.tables import feed

_feed = feed

_FEED_COLUMNS = (
    _feed.c.merchant_id,
    _feed.c.feed_id,
    _feed.c.shop_id,
    _feed.c.catalogue_id,
    _feed.c.main_locale,
    _feed.c.configuration_version,
    _feed.c.lifecycle,
    _feed.c.confirmed_at,
    _feed.c.uses_fast_lane,
    _feed.c.product_run_at,
    _feed.c.product_run_zone,
    _feed.c.offer_run_minutes,
    _feed.c.guard_share,
)


class UnknownFeed(NotFound):
    """The feed was never configured, or its configuration has not come in yet."""

    def __init__(self) -> None:
        super().__init__(
            "feed",
            remedy="Save the feed's configuration; if you just did, ask again in a few seconds.",
        )


async def save_feeds(connection: Connection, states: Sequence[FeedState]) -> list[tuple[str, str]]:
    """Keep newer states; the feeds that changed."""
    rows = await connection.fetch(
        """
        INSERT INTO feed (merchant_id, feed_id, revision, shop_id, catalogue_id, main_locale,
            configuration_version, lifecycle)
        SELECT * FROM unnest($1::text[], $2::text[], $3::bigint[], $4::text[], $5::text[],
            $6::text[], $7::integer[], $8::text[])
        ON CONFLICT (merchant_id, feed_id) DO UPDATE SET
            revision = excluded.revision, shop_id = excluded.shop_id,
            catalogue_id = excluded.catalogue_id, main_locale = excluded.main_locale,
            configuration_version = excluded.configuration_version,
            lifecycle = excluded.lifecycle
            WHERE excluded.revision > feed.revision
        RETURNING merchant_id, feed_id
        """,
        [state.merchant_id for state in states],
        [state.feed_id for state in states],
        [state.revision for state in states],
        [state.shop_id for state in states],
        [state.catalogue_id for state in states],
        [state.main_locale for state in states],
        [state.configuration_version for state in states],
        [state.lifecycle for state in states],
    )
    return [(row["merchant_id"], row["feed_id"]) for row in rows]


async def lock_feed(connection: Connection, merchant_id: str, feed_id: str) -> None:
    """Let nobody else begin a run of the feed before the transaction has ended."""
    await connection.execute(
        "SELECT FROM feed WHERE merchant_id = $1 AND feed_id = $2 FOR NO KEY UPDATE",
        merchant_id,
        feed_id,
    )


async def load_feed(connection: Connection, merchant_id: str, feed_id: str) -> Feed:
    """The feed. Raises `UnknownFeed`."""
    query = sa.select(*_FEED_COLUMNS)
    query = query.where(_feed.c.merchant_id == merchant_id, _feed.c.feed_id == feed_id)
    row = await core.fetch_one(connection, query)
    if row is None:
        raise UnknownFeed
    return Feed(**dict(row))


async def list_feeds(
    connection: Connection, merchant_id: str, *, after: str, limit: int
) -> list[Feed]:
    """The merchant's feeds by id."""
    query = (
        sa.select(*_FEED_COLUMNS)
        .where(_feed.c.merchant_id == merchant_id, _feed.c.feed_id > after)
        .order_by(_feed.c.feed_id)
        .limit(limit)
    )
    return [Feed(**dict(row)) for row in await core.fetch(connection, query)]


async def confirm_feed(connection: Connection, merchant_id: str, feed_id: str) -> None:
    """Remember that the feed's first product run was confirmed."""
    await connection.execute(
        """
        UPDATE feed SET confirmed_at = coalesce(confirmed_at, $3)
        WHERE merchant_id = $1 AND feed_id = $2
        """,
        merchant_id,
        feed_id,
        clock.now(),
    )


async def set_fast_lane(
    connection: Connection, merchant_id: str, feed_id: str, *, is_used: bool | None
) -> None:
    """Whether the feed uses the fast lane; None: as the setting says."""
    await connection.execute(
        "UPDATE feed SET uses_fast_lane = $3 WHERE merchant_id = $1 AND feed_id = $2",
        merchant_id,
        feed_id,
        is_used,
    )


async def set_rhythm(
    connection: Connection,
    merchant_id: str,
    feed_id: str,
    *,
    product: Daily | None,
    offer_minutes: int | None,
) -> None:
    """When the feed's runs are due; None: as the setting says. Its schedules are another table."""
    await connection.execute(
        """
        UPDATE feed SET product_run_at = $3, product_run_zone = $4, offer_run_minutes = $5
        WHERE merchant_id = $1 AND feed_id = $2
        """,
        merchant_id,
        feed_id,
        None if product is None else product.at,
        None if product is None else product.zone,
        offer_minutes,
    )


async def set_guard_share(
    connection: Connection, merchant_id: str, feed_id: str, share: Decimal | None
) -> None:
    """How much the feed's guards let pass; None: as the settings say."""
    await connection.execute(
        "UPDATE feed SET guard_share = $3 WHERE merchant_id = $1 AND feed_id = $2",
        merchant_id,
        feed_id,
        share,
    )


async def claim_fast_lane(
    connection: Connection, merchant_id: str, feed_id: str, *, next_due_at: datetime
) -> bool:
    """Take the feed's turn in the fast lane, whose next one is then; False where it is not due, or
    in other hands. Nobody else begins a run of the feed before the transaction has ended."""
    claimed = await connection.fetchval(
        """
        UPDATE feed SET fast_lane_due_at = $4
        WHERE (merchant_id, feed_id) IN (
            SELECT merchant_id, feed_id FROM feed
            WHERE merchant_id = $1 AND feed_id = $2 AND fast_lane_due_at <= $3
            FOR NO KEY UPDATE SKIP LOCKED)
        RETURNING 1
        """,
        merchant_id,
        feed_id,
        clock.wall_now(),
        next_due_at,
    )
    return claimed is not None


async def leave_zeroings(
    connection: Connection, merchant_id: str, feed_id: str, *, is_left: bool
) -> None:
    """Whether zeroings in the fast lane wait for the feed's next ordinary run."""
    await connection.execute(
        """
        UPDATE feed SET leaves_zeroings = $3
        WHERE merchant_id = $1 AND feed_id = $2 AND leaves_zeroings <> $3
        """,
        merchant_id,
        feed_id,
        is_left,
    )
