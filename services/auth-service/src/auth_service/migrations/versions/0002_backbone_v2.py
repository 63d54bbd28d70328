"""The second version of the shared tables."""

from alembic import op

from common.postgres.migrate import backbone_statements

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    for statement in backbone_statements(2):
        op.execute(statement)
