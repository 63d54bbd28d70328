"""Orders whose buyer is to be erased are found by index, however many there are."""

from alembic import op

revision = "0014"
down_revision = "0013"


def upgrade() -> None:
    with op.get_context().autocommit_block():
        op.execute("DROP INDEX CONCURRENTLY IF EXISTS marketplace_order_to_erase")
        op.execute(
            "CREATE INDEX CONCURRENTLY IF NOT EXISTS marketplace_order_to_erase"
            " ON marketplace_order"
            " ((CASE WHEN modified_at IS NULL THEN received_at ELSE modified_at END))"
            " WHERE erased_at IS NULL"
        )
