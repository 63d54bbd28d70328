"""A state with nothing new for product runs marks its family for offer runs alone."""

from alembic import op

revision = "0020"
down_revision = "0019"


def upgrade() -> None:
    op.execute("ALTER TABLE desired_product ADD COLUMN product_digest bytea")
    op.execute(
        "COMMENT ON COLUMN desired_product.product_digest"
        " IS 'A hash of what product runs go by; null: every state is theirs'"
    )
