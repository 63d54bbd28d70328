"""Runs of a million items: the next to be sent, and what is audited, are found by an index."""

from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    op.execute("DROP INDEX run_item_status")
    op.execute(
        "CREATE INDEX run_item_status ON run_item (merchant_id, run_id, status, action, item_no)"
    )
    op.execute(
        "CREATE INDEX listing_auditing ON listing (merchant_id, feed_id, family_id)"
        " WHERE status = 'auditing'"
    )
