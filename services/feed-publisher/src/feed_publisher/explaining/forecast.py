"""What the next run of a kind would do with a whole feed, counted; nothing is planned or written.

The families that a run would look at are planned as it would; of the others what they lack is known
from the last plan. The guard, and what AliExpress has under these SKU codes already, are left to a
dry run.
"""

import asyncio
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from common.contracts.product import ProductNormalized
from common.postgres.pool import Connection, Pool
from common.postgres.unit_of_work import reading
from feed_publisher.claims.holder import Holder
from feed_publisher.claims.store import load_holders
from feed_publisher.desired.desired_state import desired_skus
from feed_publisher.desired.marks import Marks
from feed_publisher.desired.states import Feed, Kind
from feed_publisher.desired.store import list_marked, load_desired
from feed_publisher.explaining.store import count_unmarked
from feed_publisher.listings.listing import Listing
from feed_publisher.listings.store import load_listings
from feed_publisher.planning.next_step import NextStep, next_step

PIECE_FAMILIES = 500
MOST_FAMILIES = 50_000


@dataclass
class Forecast:
    """How many products a run would act on, by action; those that are refused or wait for a valid
    value; those that need nothing. `is_partial` where more wait to be looked at than were."""

    kind: Kind
    actions: Counter[str] = field(default_factory=Counter)
    refused: int = 0
    waiting: int = 0
    unchanged: int = 0
    is_partial: bool = False

    def add(self, step: NextStep, *, is_wanted: bool) -> None:
        """Count one family."""
        self.actions.update({item.action for item in step.items})
        if step.verdict == "refused":
            self.refused += 1
        elif step.verdict == "waits":
            self.waiting += 1
        elif step.verdict != "planned" and is_wanted:
            self.unchanged += 1


@dataclass(frozen=True)
class _Piece:
    """Families with all that planning them takes."""

    desired: Mapping[str, ProductNormalized]
    listings: Mapping[str, Listing]
    holders: Mapping[str, Holder]

    def add_to(self, forecast: Forecast) -> None:
        for family_id, state in self.desired.items():
            step = next_step(forecast.kind, state, self.listings[family_id], self.holders)
            forecast.add(step, is_wanted=state.presence == "present")


async def forecast_run(pool: Pool, feed: Feed, kind: Kind) -> Forecast:
    """What the next run would do."""
    forecast = Forecast(kind)
    after, looked_at = "", 0
    while looked_at < MOST_FAMILIES:
        async with reading(pool) as connection:
            marks = await list_marked(
                connection, feed.merchant_id, feed.feed_id, kind, after=after, limit=PIECE_FAMILIES
            )
            piece = await _load(connection, feed, marks)
        if not marks:
            break
        await asyncio.to_thread(piece.add_to, forecast)
        after, looked_at = [*marks][-1], looked_at + len(marks)
    forecast.is_partial = looked_at >= MOST_FAMILIES
    await _add_unmarked(pool, feed, forecast)
    return forecast


async def _load(connection: Connection, feed: Feed, marks: Mapping[str, Marks]) -> _Piece:
    key, families = (feed.merchant_id, feed.feed_id), list(marks)
    found = await load_desired(connection, *key, families)
    desired = {family_id: target.state for family_id, target in found.items()}
    listings = await load_listings(connection, *key, families, shop_id=feed.shop_id, locked=False)
    codes = [code for state in desired.values() for code in desired_skus(state)]
    holders = await load_holders(connection, feed.merchant_id, feed.shop_id, codes)
    unsure = {f: listing.with_unsure(marks[f].unsure) for f, listing in listings.items()}
    return _Piece(desired, unsure, holders)


async def _add_unmarked(pool: Pool, feed: Feed, forecast: Forecast) -> None:
    """Count the wanted families that a run would not look at."""
    async with reading(pool) as connection:
        unmarked = await count_unmarked(connection, feed.merchant_id, feed.feed_id, forecast.kind)
    forecast.waiting += unmarked.waiting
    forecast.refused += unmarked.refused
    forecast.unchanged += unmarked.unchanged
