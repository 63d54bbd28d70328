"""The addresses under which a content was found are looked up by it."""

from alembic import op

revision = "0019"
down_revision = "0018"


def upgrade() -> None:
    with op.get_context().autocommit_block():
        op.execute(
            "CREATE INDEX CONCURRENTLY IF NOT EXISTS image_check_by_content"
            " ON image_check (merchant_id, content_hash)"
        )
