"""Versions of a feed's configuration know who saved them, and why.

Those that are there stay as they are: every configuration that was ever applied is a version.
"""

from alembic import op

from common.postgres.migrate import statements

revision = "0011"
down_revision = "0010"

SQL = """
ALTER TABLE feed_configuration ADD COLUMN author text;
ALTER TABLE feed_configuration ADD COLUMN note text
"""


def upgrade() -> None:
    for statement in statements(SQL):
        op.execute(statement)
