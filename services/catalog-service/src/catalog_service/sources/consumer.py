"""`catalog.updated`: batches of source products from other systems, applied in sets."""

from collections.abc import Sequence

from catalog_service.arrivals.note_arrivals import note_arrivals
from catalog_service.sources.record_source import ProductKey, record_sources
from catalog_service.sources.store import load_catalogues
from catalog_service.sources.versions import (
    SourceRow,
    content_of_event,
    is_conflict,
    is_newer,
    row_of_event,
)
from common.contracts.catalog import CatalogUpdated
from common.contracts.envelope import BadRecord
from common.messaging.records import (
    Delivery,
    NotApplied,
    Parked,
    Record,
    Rejected,
    Subscription,
    Verify,
)
from common.postgres.pool import Connection


def wait_for_catalogue(merchant_id: str, catalogue_id: str) -> str:
    """What a parked event of a catalogue not yet declared waits for."""
    return f"catalogue:{merchant_id}/{catalogue_id}"


async def on_catalog_updated(
    connection: Connection, deliveries: Sequence[Delivery[CatalogUpdated]]
) -> Sequence[NotApplied]:
    """Record the newest state of each product in the batch."""
    events = [delivery.envelope.data for delivery in deliveries]
    named = {(event.merchant_id, event.catalogue_id) for event in events}
    catalogues = await load_catalogues(connection, named)
    note_arrivals(catalogues)
    newest: dict[ProductKey, tuple[SourceRow, Record]] = {}
    not_applied: list[NotApplied] = []
    for event, delivery in zip(events, deliveries, strict=True):
        record = delivery.record
        catalogue = catalogues.get((event.merchant_id, event.catalogue_id))
        if catalogue is None:
            wait = wait_for_catalogue(event.merchant_id, event.catalogue_id)
            not_applied.append(Parked(record, wait))
            continue
        try:
            row = row_of_event(
                catalogue,
                event,
                delivery.prepared,
                timestamp_ms=record.timestamp_ms,
                offset=record.offset,
                traceparent=delivery.traceparent,
            )
        except BadRecord as bad:
            not_applied.append(Rejected.because(record, bad))
            continue
        key = row[:3]
        rival = newest.get(key)
        if rival is None or is_newer(row, rival[0]):
            newest[key] = (row, record)
        elif is_conflict(row, rival[0]):
            not_applied.append(_conflict(record, row))
    recorded = await record_sources(connection, [row for row, _ in newest.values()])
    for key in recorded.conflicts:
        row, record = newest[key]
        not_applied.append(_conflict(record, row))
    return not_applied


def catalog_updated(verify: Verify | None = None) -> Subscription:
    """The subscription; what `verify` refuses never reaches the catalogue."""
    return Subscription(CatalogUpdated, on_catalog_updated, content_of_event, verify)


def _conflict(record: Record, row: SourceRow) -> Rejected:
    return Rejected(
        record,
        "version-conflict",
        f"version {row.version} of {row.product_id} was taken before with other content",
        "Raise the version with every change of the product, then send it again.",
    )


async def find_declared_catalogues(connection: Connection, waits: Sequence[str]) -> set[str]:
    """Which of these waits are over because their catalogue is declared now."""
    keys = [
        tuple(wait.removeprefix("catalogue:").split("/", 1))
        for wait in waits
        if wait.startswith("catalogue:")
    ]
    found = await load_catalogues(connection, [(m, c) for m, c in keys])
    return {wait_for_catalogue(m, c) for m, c in found}
