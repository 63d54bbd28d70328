"""The sixth version of the shared tables."""

from alembic import op

from common.postgres.migrate import backbone_statements

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    for statement in backbone_statements(6):
        op.execute(statement)
