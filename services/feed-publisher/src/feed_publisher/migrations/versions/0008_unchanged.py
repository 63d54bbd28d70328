"""A run's report accounts for every product: those it has nothing to do for are counted."""

from alembic import op

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    op.execute("ALTER TABLE feed_run ADD COLUMN unchanged integer")
    op.execute(
        "COMMENT ON COLUMN feed_run.unchanged IS"
        " 'Wanted products that neither have an item nor lack one'"
    )
