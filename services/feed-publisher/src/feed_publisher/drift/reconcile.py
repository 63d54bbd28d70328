"""Compares every family with its listing once a day, so that a mark that was missed does no harm.

A feed is compared in pieces, each a transaction of its own that moves the place in the feed's row;
whoever comes next goes on from there.
"""

from common.postgres.pool import Connection, Pool
from common.postgres.unit_of_work import unit_of_work
from feed_publisher.claims.store import load_holders
from feed_publisher.desired.desired_state import desired_skus
from feed_publisher.desired.store import load_desired_after, mark_unmarked
from feed_publisher.listings.store import load_listings
from feed_publisher.planning.plan import FamilyPlan, plan_offers, plan_product
from feed_publisher.reconciliation.store import (
    Reconciliation,
    advance_reconciliation,
    claim_reconciliation,
    end_reconciliation,
)

PIECE_FAMILIES = 500


async def reconcile(pool: Pool) -> bool:
    """Compare the next piece of a feed that is due; whether there was one.

    Families whose plan is not empty are marked for the run that would have it, unless they are.
    """
    async with unit_of_work(pool) as connection:
        feed = await claim_reconciliation(connection)
        if feed is None:
            return False
        through = await _reconcile_piece(connection, feed)
        if through is None:
            await end_reconciliation(connection, feed)
        else:
            await advance_reconciliation(connection, feed, through=through)
    return True


async def _reconcile_piece(connection: Connection, feed: Reconciliation) -> str | None:
    """Mark what differs in the next families; the last of them, None when there were none."""
    merchant_id, feed_id = feed.merchant_id, feed.feed_id
    desired = await load_desired_after(
        connection, merchant_id, feed_id, after=feed.through, limit=PIECE_FAMILIES
    )
    if not desired:
        return None
    listings = await load_listings(
        connection, merchant_id, feed_id, list(desired), shop_id=feed.shop_id, locked=False
    )
    codes = [code for target in desired.values() for code in desired_skus(target.state)]
    holders = await load_holders(connection, merchant_id, feed.shop_id, codes)
    products = {f: plan_product(d.state, listings[f], holders) for f, d in desired.items()}
    offers = {f: plan_offers(d.state, listings[f]) for f, d in desired.items()}
    await mark_unmarked(connection, merchant_id, feed_id, "product", _open(products))
    await mark_unmarked(connection, merchant_id, feed_id, "offer", _open(offers))
    return [*desired][-1]


def _open(plans: dict[str, FamilyPlan]) -> list[str]:
    return [family_id for family_id, plan in plans.items() if plan != FamilyPlan()]
