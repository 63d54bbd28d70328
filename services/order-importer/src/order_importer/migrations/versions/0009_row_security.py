"""Every merchant's rows are seen by sessions that act for it, and by those that act for all."""

from alembic import op

from common.postgres.migrate import backbone_statements
from common.postgres.row_security import looking_up, of_parent, protect

revision = "0009"
down_revision = "0008"

TABLES = (
    "carrier_list",
    "deadline_notice",
    "marketplace_order",
    "marketplace_parcel",
    "order_audit",
    "order_change",
    "order_feed",
    "order_import",
    "shipment",
    "shipping_pause",
    "shop",
    "tracking_correction",
    "unreadable_order",
)
ORDERS_WITH_SKU = looking_up(
    "orders_with_sku",
    parameters="sku text",
    returns="shop_id text, order_id text",
    query="SELECT o.shop_id, o.order_id FROM marketplace_order AS o"
    " WHERE o.merchant_id = orders_with_sku.merchant_id"
    " AND o.sku_codes @> jsonb_build_array(orders_with_sku.sku)",
)
DIFFERENCES = "order_audit_difference"


def upgrade() -> None:
    for statement in (
        *backbone_statements(4),
        *(statement for table in TABLES for statement in protect(table)),
        *protect(DIFFERENCES, of_parent(DIFFERENCES, "order_audit", audit_id="audit_id")),
        ORDERS_WITH_SKU,
    ):
        op.execute(statement)
