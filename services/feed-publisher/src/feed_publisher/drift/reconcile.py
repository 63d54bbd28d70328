"""Compares every family with its listing once a day, so that a mark that was missed does no harm.

A feed is compared in pieces, each a transaction of its own that moves the place in the feed's row;
whoever comes next goes on from there.
"""

from collections.abc import Sequence
from functools import partial

from common.postgres.pool import Pool
from common.postgres.set_aside import RowKey, each_apart
from common.postgres.unit_of_work import unit_of_work
from feed_publisher.claims.store import load_holders
from feed_publisher.desired.desired_state import desired_skus
from feed_publisher.desired.store import list_families_after, load_desired, mark_unmarked
from feed_publisher.listings.store import load_listings
from feed_publisher.planning.plan import FamilyPlan, plan_offers, plan_product
from feed_publisher.reconciliation.store import (
    Reconciliation,
    advance_reconciliation,
    claim_reconciliation,
    end_reconciliation,
)

JOB = "reconcile"
PIECE_FAMILIES = 500


async def reconcile(pool: Pool) -> bool:
    """Compare the next piece of a feed that is due; whether there was one.

    Families whose plan is not empty are marked for the run that would have it, unless they are. A
    family that cannot be compared is passed over alone.
    """
    async with unit_of_work(pool) as connection:
        feed = await claim_reconciliation(connection)
        if feed is None:
            return False
        families = await list_families_after(
            connection, feed.merchant_id, feed.feed_id, after=feed.through, limit=PIECE_FAMILIES
        )
        await each_apart(
            pool,
            JOB,
            families,
            partial(_compare, pool, feed),
            key=lambda family_id: RowKey(feed.merchant_id, f"{feed.feed_id}/{family_id}"),
        )
        if families:
            await advance_reconciliation(connection, feed, through=families[-1])
        else:
            await end_reconciliation(connection, feed)
    return True


async def _compare(pool: Pool, feed: Reconciliation, families: Sequence[str]) -> None:
    """Mark those of the families that are not as desired."""
    merchant_id, feed_id = feed.merchant_id, feed.feed_id
    async with unit_of_work(pool) as connection:
        desired = await load_desired(connection, merchant_id, feed_id, families)
        listings = await load_listings(
            connection, merchant_id, feed_id, list(desired), shop_id=feed.shop_id, locked=False
        )
        codes = [code for target in desired.values() for code in desired_skus(target.state)]
        holders = await load_holders(connection, merchant_id, feed.shop_id, codes)
        products = {f: plan_product(d.state, listings[f], holders) for f, d in desired.items()}
        offers = {f: plan_offers(d.state, listings[f]) for f, d in desired.items()}
        await mark_unmarked(connection, merchant_id, feed_id, "product", _open(products))
        await mark_unmarked(connection, merchant_id, feed_id, "offer", _open(offers))


def _open(plans: dict[str, FamilyPlan]) -> list[str]:
    return [family_id for family_id, plan in plans.items() if plan != FamilyPlan()]
