"""AliExpress is asked which categories it suggests for titles; trees have names of all languages:
every branch is fetched again for them."""

from alembic import op

from common.postgres.migrate import statements
from common.postgres.row_security import protect

revision = "0013"
down_revision = "0012"

SQL = """
CREATE TABLE title_suggestion (
    merchant_id text NOT NULL,
    shop_id text NOT NULL,
    title text NOT NULL,
    language text NOT NULL,
    leaves text,
    requested_at timestamptz NOT NULL,
    failures integer NOT NULL DEFAULT 0,
    retry_at timestamptz,
    PRIMARY KEY (merchant_id, shop_id, title)
);
CREATE INDEX title_suggestion_due ON title_suggestion (requested_at) WHERE leaves IS NULL;
UPDATE category_branch SET due_at = to_timestamp(0)
"""


def upgrade() -> None:
    for statement in (*statements(SQL), *protect("title_suggestion")):
        op.execute(statement)
