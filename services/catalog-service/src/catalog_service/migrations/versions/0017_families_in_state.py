"""Families in a state are listed by an index, as those of a category are.

Neither begins as the primary key does: for a table that it has not seen grow, the planner takes any
index with the same first columns for as good, and looks one family up by reading its whole feed.
"""

from alembic import op

revision = "0017"
down_revision = "0016"

INDEXES = {
    "normalized_product_in_state": "state, merchant_id, feed_id, family_id",
    "normalized_product_in_category": "category_id, merchant_id, feed_id",
}


def upgrade() -> None:
    with op.get_context().autocommit_block():
        for name, columns in INDEXES.items():
            op.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {name}")
            op.execute(
                f"CREATE INDEX CONCURRENTLY IF NOT EXISTS {name} ON normalized_product ({columns})"
            )
        for name in ("normalized_product_by_state", "normalized_product_by_category"):
            op.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {name}")
