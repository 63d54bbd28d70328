"""Trees by branch, back-off of calls by shop, schema and branch; a shop's eligibility."""

from alembic import op

from common.postgres.migrate import statements

revision = "0004"
down_revision = "0003"

SQL = """
CREATE TABLE category_branch (
    merchant_id text NOT NULL,
    shop_id text NOT NULL,
    category_id text NOT NULL,
    children text,
    due_at timestamptz NOT NULL,
    failures integer NOT NULL DEFAULT 0,
    PRIMARY KEY (merchant_id, shop_id, category_id)
);
CREATE INDEX category_branch_due ON category_branch (due_at);
ALTER TABLE category_schema ADD COLUMN failures integer NOT NULL DEFAULT 0;
ALTER TABLE category_schema ADD COLUMN retry_at timestamptz;
ALTER TABLE shop ADD COLUMN is_eligible boolean NOT NULL DEFAULT true;
ALTER TABLE shop ADD COLUMN failures integer NOT NULL DEFAULT 0;
ALTER TABLE shop ADD COLUMN retry_at timestamptz;
"""


def upgrade() -> None:
    for statement in statements(SQL):
        op.execute(statement)
