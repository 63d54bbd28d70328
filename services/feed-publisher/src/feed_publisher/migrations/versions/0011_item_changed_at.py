"""An item says when the oldest change came in that led to it; the metrics time it from there."""

from alembic import op

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    op.execute("ALTER TABLE run_item ADD COLUMN changed_at timestamptz")
