"""Buyers' data are erased a set time after an order's end, and on request (M8.6)."""

from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    op.execute("ALTER TABLE marketplace_order ADD COLUMN erased_at timestamptz")
    op.execute(
        "CREATE INDEX marketplace_order_to_erase"
        " ON marketplace_order (modified_at) WHERE erased_at IS NULL"
    )
