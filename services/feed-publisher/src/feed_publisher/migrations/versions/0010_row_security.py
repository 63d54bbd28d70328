"""Every merchant's rows are seen by sessions that act for it, and by those that act for all."""

from alembic import op

from common.postgres.migrate import backbone_statements
from common.postgres.row_security import protect

revision = "0010"
down_revision = "0009"

TABLES = (
    "desired_product",
    "family_mark",
    "feed",
    "feed_run",
    "guarded_change",
    "held_change",
    "listing",
    "reconciliation",
    "remote_call",
    "run_cause",
    "run_item",
    "shop",
    "shop_look",
    "shop_product",
    "shortfall",
    "sku_claim",
    "sku_waiter",
)


def upgrade() -> None:
    for statement in (
        *backbone_statements(4),
        *(statement for table in TABLES for statement in protect(table)),
    ):
        op.execute(statement)
