"""Keys that other systems sign their catalogue events with."""

from pathlib import Path

from alembic import op

from common.postgres.migrate import statements

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    own = (Path(__file__).parent / "0004_producer_keys.sql").read_text()
    for statement in statements(own):
        op.execute(statement)
