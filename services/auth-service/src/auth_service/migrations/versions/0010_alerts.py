"""Troubles, whom they are told to, and webhooks."""

from pathlib import Path

from alembic import op

from common.postgres.migrate import statements
from common.postgres.row_security import protect

revision = "0010"
down_revision = "0009"

TABLES = (
    "trouble",
    "trouble_notice",
    "alert_subscription",
    "trouble_read",
    "notification",
    "webhook_endpoint",
    "webhook_secret",
    "webhook_delivery",
)


def upgrade() -> None:
    own = (Path(__file__).parent / "0010_alerts.sql").read_text()
    for statement in (
        *statements(own),
        *(statement for table in TABLES for statement in protect(table)),
    ):
        op.execute(statement)
