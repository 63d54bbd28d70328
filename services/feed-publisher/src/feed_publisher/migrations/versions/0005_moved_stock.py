"""What others change at AliExpress is found and repaired."""

from pathlib import Path

from alembic import op

from common.postgres.migrate import statements

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    for statement in statements((Path(__file__).parent / "0005_moved_stock.sql").read_text()):
        op.execute(statement)
