"""What the last runs of a feed came to, and those that wait for a person, are found by indexes."""

from alembic import op

revision = "0017"
down_revision = "0016"

INDEXES = {
    "feed_run_ended": "feed_run (merchant_id, feed_id, kind, finished_at)"
    " WHERE finished_at IS NOT NULL AND NOT is_dry_run",
    "feed_run_decided": "feed_run (merchant_id, feed_id, kind, finished_at)"
    " WHERE accepted + refused > 0",
    "feed_run_failed": "feed_run (merchant_id, feed_id, kind, finished_at)"
    " WHERE state = 'failed' AND NOT is_dry_run",
    "feed_run_waiting": "feed_run (merchant_id, feed_id, planned_at)"
    " WHERE state IN ('awaiting_confirmation', 'withheld')",
}


def upgrade() -> None:
    op.execute("ALTER TABLE feed_run ADD COLUMN accepted integer, ADD COLUMN refused integer")
    op.execute("COMMENT ON COLUMN feed_run.accepted IS 'Items accepted, once it has ended'")
    op.execute("COMMENT ON COLUMN feed_run.refused IS 'Items refused, once it has ended'")
    with op.get_context().autocommit_block():
        for name, columns in INDEXES.items():
            op.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {name}")
            op.execute(f"CREATE INDEX CONCURRENTLY IF NOT EXISTS {name} ON {columns}")
