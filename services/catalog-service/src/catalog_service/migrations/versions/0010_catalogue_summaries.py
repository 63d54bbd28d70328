"""What the fields of each catalogue hold is summarised in the background."""

from alembic import op

from common.postgres.migrate import statements
from common.postgres.row_security import protect

revision = "0010"
down_revision = "0009"

SQL = """
CREATE TABLE catalogue_summary (
    merchant_id text,
    catalogue_id text,
    body text,
    made_at timestamptz,
    requested_at timestamptz,
    PRIMARY KEY (merchant_id, catalogue_id)
);
CREATE INDEX catalogue_summary_due ON catalogue_summary (requested_at)
    WHERE requested_at IS NOT NULL
"""


def upgrade() -> None:
    for statement in (*statements(SQL), *protect("catalogue_summary")):
        op.execute(statement)
