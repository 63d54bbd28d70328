"""`product.reported`: what became of the families on AliExpress."""

from collections.abc import Sequence

from catalog_service.normalizing.store import keep_reports
from common.contracts.product import ProductReported
from common.messaging.records import Delivery, Setback
from common.postgres.pool import Connection


async def on_product_reported(
    connection: Connection, deliveries: Sequence[Delivery[ProductReported]]
) -> Sequence[Setback]:
    """Keep what became of each family on AliExpress, for the preview and the language rule."""
    newest: dict[str, ProductReported] = {}
    for delivery in deliveries:
        report = delivery.event
        known = newest.get(report.key())
        if known is None or report.revision > known.revision:
            newest[report.key()] = report
    await keep_reports(connection, [newest[key] for key in sorted(newest)])
    return []
