"""What is still to be shipped of an order is kept with it; what was refused is found by indexes."""

from alembic import op

revision = "0012"
down_revision = "0011"

INDEXES = {
    "shipment_refused": "shipment (settled_at) WHERE state = 'refused'",
    "tracking_correction_refused": "tracking_correction (settled_at) WHERE state = 'refused'",
}


def upgrade() -> None:
    op.execute("ALTER TABLE marketplace_order ADD COLUMN shippable_lines jsonb")
    op.execute(
        "COMMENT ON COLUMN marketplace_order.shippable_lines IS"
        " 'Lines that are to be shipped, in parcels or not; null: not known yet'"
    )
    with op.get_context().autocommit_block():
        for name, columns in INDEXES.items():
            op.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {name}")
            op.execute(f"CREATE INDEX CONCURRENTLY IF NOT EXISTS {name} ON {columns}")
