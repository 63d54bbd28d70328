"""The index of children begins with what tells them apart: it takes half the time to keep.

Each row of a batch is compared with some twenty entries on its way into the index, and all of a
catalogue's have the same first two columns. All who look for children name all three.
"""

from alembic import op

revision = "0025"
down_revision = "0024"

INDEX = "source_product_by_parent"


def upgrade() -> None:
    with op.get_context().autocommit_block():
        op.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {INDEX}")
        op.execute(
            f"CREATE INDEX CONCURRENTLY IF NOT EXISTS {INDEX} ON source_product"
            " (parent_id, catalogue_id, merchant_id) WHERE parent_id IS NOT NULL"
        )
        op.execute("DROP INDEX CONCURRENTLY IF EXISTS source_product_children")
