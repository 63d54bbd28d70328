"""Imports can be cancelled."""

from alembic import op

from common.postgres.migrate import statements

revision = "0007"
down_revision = "0006"

SQL = """
ALTER TABLE catalogue_import DROP CONSTRAINT catalogue_import_state_check;
ALTER TABLE catalogue_import ADD CONSTRAINT catalogue_import_state_check CHECK (state IN (
    'uploading', 'waiting', 'reading', 'completed', 'completed_with_problems',
    'awaiting_confirmation', 'failed', 'cancelled'))
"""


def upgrade() -> None:
    for statement in statements(SQL):
        op.execute(statement)
