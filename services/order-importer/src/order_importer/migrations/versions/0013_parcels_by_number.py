"""Orders are found by the tracking number of a parcel."""

from alembic import op

revision = "0013"
down_revision = "0012"

INDEXES = {
    "shipment_by_number": "shipment (merchant_id, tracking_number)",
    "marketplace_parcel_by_number": "marketplace_parcel (merchant_id, tracking_number)",
}


def upgrade() -> None:
    with op.get_context().autocommit_block():
        for name, columns in INDEXES.items():
            op.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {name}")
            op.execute(f"CREATE INDEX CONCURRENTLY IF NOT EXISTS {name} ON {columns}")
