"""Keeps changed listings and reports them to other services, in the caller's transaction."""

from collections.abc import Sequence
from dataclasses import dataclass

import msgspec

from common import clock
from common.messaging.outbox import Caused, add_events
from common.postgres.pool import Connection
from feed_publisher.listings.listing import Listing
from feed_publisher.listings.status import report_of
from feed_publisher.listings.store import save_listings

SOURCE = "/feed-publisher"


@dataclass(frozen=True)
class Changed:
    """A listing as it is now, for which desired revision, and the trace that led to it."""

    listing: Listing
    desired_revision: int
    traceparent: str | None


async def report_products(
    connection: Connection, merchant_id: str, changed: Sequence[Changed]
) -> None:
    """Save the listings and emit `product.reported` for each.

    The listings' rows are locked, and every family is named once.
    """
    saved, events = [], []
    for change in sorted(changed, key=lambda c: (c.listing.feed_id, c.listing.family_id)):
        revision = max(change.listing.reported_revision + 1, clock.epoch_milliseconds())
        report = report_of(
            merchant_id,
            change.listing,
            revision=revision,
            desired_revision=change.desired_revision,
        )
        saved.append(
            (
                msgspec.structs.replace(
                    change.listing, reported_revision=revision, reported_status=report.status
                ),
                report,
            )
        )
        events.append(Caused(report, change.traceparent))
    await save_listings(connection, merchant_id, saved)
    await add_events(connection, events, source=SOURCE)
