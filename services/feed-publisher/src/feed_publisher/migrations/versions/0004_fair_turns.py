"""Runs take turns."""

from pathlib import Path

from alembic import op

from common.postgres.migrate import statements

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    for statement in statements((Path(__file__).parent / "0004_fair_turns.sql").read_text()):
        op.execute(statement)
