"""Keys that other systems sign their catalogue events with."""

from pathlib import Path

from alembic import op

from common.postgres.migrate import statements

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    own = (Path(__file__).parent / "0003_producer_keys.sql").read_text()
    for statement in statements(own):
        op.execute(statement)
