"""A SKU's family is found by its code."""

from alembic import op

from common.postgres.migrate import statements
from common.postgres.row_security import protect

revision = "0014"
down_revision = "0013"

SQL = """
CREATE TABLE family_sku (
    merchant_id text COLLATE "C" NOT NULL,
    feed_id text COLLATE "C" NOT NULL,
    family_id text COLLATE "C" NOT NULL,
    sku_code text COLLATE "C" NOT NULL,
    PRIMARY KEY (merchant_id, feed_id, family_id, sku_code)
);
COMMENT ON TABLE family_sku IS
    'The SKU codes of each family, as they were last where it is wanted no more';
INSERT INTO family_sku (merchant_id, feed_id, family_id, sku_code)
SELECT DISTINCT merchant_id, feed_id, family_id, sku_code
FROM normalized_product, json_array_elements_text(
    coalesce(event::json -> 'sku_codes', '[]')) AS sku_code;
CREATE INDEX family_sku_by_code ON family_sku (merchant_id, feed_id, sku_code)
"""


def upgrade() -> None:
    for statement in (*statements(SQL), *protect("family_sku")):
        op.execute(statement)
