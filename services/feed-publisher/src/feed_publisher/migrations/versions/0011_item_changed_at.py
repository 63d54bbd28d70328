"""How old a change is when it is sent counts from when it came in."""

from alembic import op

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    op.execute("ALTER TABLE run_item ADD COLUMN changed_at timestamptz")
    op.execute(
        "COMMENT ON COLUMN run_item.changed_at IS"
        " 'When the oldest change that led to it came in; null: when it was normalized'"
    )
