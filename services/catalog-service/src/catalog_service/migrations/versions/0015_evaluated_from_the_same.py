"""A family keeps what it was evaluated from."""

from alembic import op

revision = "0015"
down_revision = "0014"


def upgrade() -> None:
    op.execute("ALTER TABLE normalized_product ADD COLUMN inputs bytea")
