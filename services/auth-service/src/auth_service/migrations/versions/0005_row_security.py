"""Every merchant's rows are seen by sessions that act for it, and by those that act for all."""

from alembic import op

from common.postgres.migrate import backbone_statements
from common.postgres.row_security import protect

revision = "0005"
down_revision = "0004"

TABLES = (
    "api_client",
    "connect_attempt",
    "merchant",
    "producer_key",
    "shop",
)


def upgrade() -> None:
    for statement in (
        *backbone_statements(4),
        *(statement for table in TABLES for statement in protect(table)),
    ):
        op.execute(statement)
