"""Products that were online before are kept as found, to be adopted at once."""

from alembic import op

from common.postgres.migrate import statements
from common.postgres.row_security import protect

revision = "0012"
down_revision = "0011"

SQL = """
CREATE TABLE adoption_candidate (
    merchant_id text NOT NULL,
    feed_id text NOT NULL,
    family_id text NOT NULL,
    marketplace_product_id text NOT NULL,
    sku_codes text[] NOT NULL,
    skus_in_shop integer NOT NULL,
    title text,
    has_same_title boolean NOT NULL,
    same_barcodes text[] NOT NULL,
    found_at timestamptz NOT NULL,
    PRIMARY KEY (merchant_id, feed_id, family_id, marketplace_product_id)
);
COMMENT ON TABLE adoption_candidate IS
    'Products that were online before us and hold SKU codes of a family, as last found (M1.6)'
"""


def upgrade() -> None:
    for statement in (*statements(SQL), *protect("adoption_candidate")):
        op.execute(statement)
