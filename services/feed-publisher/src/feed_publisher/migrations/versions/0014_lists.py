"""Lists by status, and a run's refused items by their code, are read by indexes."""

from alembic import op

revision = "0014"
down_revision = "0013"

INDEXES = {
    "listing_reported": "listing (merchant_id, feed_id, reported_status, family_id)",
    "listing_drifted": "listing (merchant_id, feed_id, family_id) WHERE drift IS NOT NULL",
    "run_item_code": "run_item (merchant_id, run_id, code, item_no) WHERE code IS NOT NULL",
}


def upgrade() -> None:
    with op.get_context().autocommit_block():
        for name, columns in INDEXES.items():
            op.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {name}")
            op.execute(f"CREATE INDEX CONCURRENTLY IF NOT EXISTS {name} ON {columns}")
