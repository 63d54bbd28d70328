"""Pictures that are due are found merchant by merchant."""

from alembic import op

from common.postgres.migrate import statements

revision = "0009"
down_revision = "0008"

SQL = """
DROP INDEX image_check_due;
CREATE INDEX image_check_due ON image_check (merchant_id, due_at)
"""


def upgrade() -> None:
    for statement in statements(SQL):
        op.execute(statement)
