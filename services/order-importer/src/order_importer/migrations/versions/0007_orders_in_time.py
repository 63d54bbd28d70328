"""Deadlines of orders and what was published of them; filters of their list; the changes feed."""

from pathlib import Path

from alembic import op

from common.postgres.migrate import statements

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    for statement in statements((Path(__file__).parent / "0007_orders_in_time.sql").read_text()):
        op.execute(statement)
