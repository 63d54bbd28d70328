"""The guard counts SKUs and configurations; what it holds stays held; refusals in every report."""

from pathlib import Path

from alembic import op

from common.postgres.migrate import statements

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    for statement in statements((Path(__file__).parent / "0006_guards.sql").read_text()):
        op.execute(statement)
