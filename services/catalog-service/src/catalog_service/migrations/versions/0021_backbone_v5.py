"""The fifth version of the shared tables: who changed what."""

from alembic import op

from common.postgres.migrate import backbone_statements

revision = "0021"
down_revision = "0020"


def upgrade() -> None:
    for statement in backbone_statements(5):
        op.execute(statement)
