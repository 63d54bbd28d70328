"""Families in a state are listed by an index."""

from alembic import op

revision = "0016"
down_revision = "0015"


def upgrade() -> None:
    with op.get_context().autocommit_block():
        op.execute("DROP INDEX CONCURRENTLY IF EXISTS normalized_product_in_state")
        op.execute(
            "CREATE INDEX CONCURRENTLY IF NOT EXISTS normalized_product_in_state"
            " ON normalized_product (merchant_id, feed_id, state, family_id)"
        )
        op.execute("DROP INDEX CONCURRENTLY IF EXISTS normalized_product_by_state")
