"""Plans are made in pieces."""

from pathlib import Path

from alembic import op

from common.postgres.migrate import statements

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    for statement in statements((Path(__file__).parent / "0003_plans_in_pieces.sql").read_text()):
        op.execute(statement)
