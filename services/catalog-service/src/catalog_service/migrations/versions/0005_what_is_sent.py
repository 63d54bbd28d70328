"""Sale prices with dates, rows that were parents, and shops' currencies."""

from pathlib import Path

from alembic import op

from common.postgres.migrate import statements

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    own = (Path(__file__).parent / "0005_what_is_sent.sql").read_text()
    for statement in statements(own):
        op.execute(statement)
