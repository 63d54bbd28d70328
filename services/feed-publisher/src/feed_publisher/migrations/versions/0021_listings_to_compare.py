"""Listings to compare are found by index, however many a shop has."""

from alembic import op

revision = "0021"
down_revision = "0020"

INDEXES = {
    "listing_compared": """(merchant_id, shop_id,
        (CASE WHEN read_back_at IS NULL THEN live_since ELSE read_back_at END))""",
    "listing_written_over": """(merchant_id, shop_id)
        WHERE marketplace_product_id IS NOT NULL
            AND drift IS NOT NULL AND written_at > read_back_at""",
}


def upgrade() -> None:
    with op.get_context().autocommit_block():
        for name, rows in INDEXES.items():
            op.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {name}")
            op.execute(f"CREATE INDEX CONCURRENTLY IF NOT EXISTS {name} ON listing {rows}")
        op.execute("DROP INDEX CONCURRENTLY IF EXISTS listing_read_back")
