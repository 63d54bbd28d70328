"""`product.reported`: what became of the families on AliExpress."""

from collections.abc import Sequence

from catalog_service.normalizing.store import keep_reports
from common.contracts.product import ProductReported
from common.messaging.newest import newest
from common.messaging.records import Delivery, NotApplied
from common.postgres.pool import Connection


async def on_product_reported(
    connection: Connection, deliveries: Sequence[Delivery[ProductReported]]
) -> Sequence[NotApplied]:
    """Keep what became of each family on AliExpress, for the preview and the language rule."""
    reports = newest(
        (delivery.event for delivery in deliveries),
        ProductReported.key,
        lambda report: report.revision,
    )
    await keep_reports(connection, reports)
    return []
