"""Parcels made in AliExpress's seller centre."""

from pathlib import Path

from alembic import op

from common.postgres.migrate import statements

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    for statement in statements(Path(__file__).with_suffix(".sql").read_text()):
        op.execute(statement)
