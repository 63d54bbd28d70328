"""Prices and stock go out between the hourly runs, by runs that conditions pass over."""

from alembic import op

revision = "0018"
down_revision = "0017"

COLUMNS = (
    "ALTER TABLE family_mark ADD COLUMN lane integer",
    """ALTER TABLE feed ADD COLUMN uses_fast_lane boolean,
        ADD COLUMN fast_lane_due_at timestamptz NOT NULL DEFAULT '-infinity',
        ADD COLUMN leaves_zeroings boolean NOT NULL DEFAULT false""",
)
COMMENTS = {
    "family_mark.lane": "In the fast lane: 1 what may fall to zero, 2 the rest; null: not in it",
    "feed.uses_fast_lane": "Whether it uses the fast lane; null: as the setting says",
    "feed.fast_lane_due_at": "Before then no fast-lane run begins",
    "feed.leaves_zeroings": "The guard would hold zeroings of the fast lane: they wait for the next"
    " offer run",
}
INDEXES = {
    "family_mark_lane": "family_mark (merchant_id, feed_id, lane, id) WHERE lane IS NOT NULL",
    "feed_run_fast_lane": "feed_run (finished_at) WHERE cause = 'fast_lane'",
    "feed_run_ended": "feed_run (merchant_id, feed_id, kind, finished_at)"
    " WHERE finished_at IS NOT NULL AND NOT is_dry_run AND cause <> 'fast_lane'",
    "feed_run_decided": "feed_run (merchant_id, feed_id, kind, finished_at)"
    " WHERE accepted + refused > 0 AND cause <> 'fast_lane'",
}


def upgrade() -> None:
    for statement in COLUMNS:
        op.execute(statement)
    for column, comment in COMMENTS.items():
        op.execute(f"COMMENT ON COLUMN {column} IS '{comment}'")
    with op.get_context().autocommit_block():
        for name, columns in INDEXES.items():
            op.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {name}")
            op.execute(f"CREATE INDEX CONCURRENTLY IF NOT EXISTS {name} ON {columns}")
