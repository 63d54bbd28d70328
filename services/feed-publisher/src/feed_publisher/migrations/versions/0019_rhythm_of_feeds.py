"""A feed chooses when its runs are due and how much they may take away."""

from alembic import op

revision = "0019"
down_revision = "0018"

COMMENTS = {
    "product_run_at": "When its product run is due each day; null: as the setting says",
    "product_run_zone": "The time zone of product_run_at",
    "offer_run_minutes": "How often its offer run is due; null: as the setting says",
    "guard_share": "The share that the guards let pass in 24 hours; null: as the settings say",
}


def upgrade() -> None:
    op.execute(
        """ALTER TABLE feed ADD COLUMN product_run_at time, ADD COLUMN product_run_zone text,
        ADD COLUMN offer_run_minutes integer, ADD COLUMN guard_share numeric"""
    )
    for column, comment in COMMENTS.items():
        op.execute(f"COMMENT ON COLUMN feed.{column} IS '{comment}'")
