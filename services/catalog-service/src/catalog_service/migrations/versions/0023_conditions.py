"""What is to be known of catalogues' rhythm, of changed categories and of feeds' configurations."""

from alembic import op

from common.postgres.migrate import statements
from common.postgres.row_security import protect

revision = "0023"
down_revision = "0022"

TABLES = """
CREATE TABLE catalogue_rhythm (
    merchant_id text NOT NULL,
    catalogue_id text NOT NULL,
    first_at timestamptz NOT NULL,
    beat_at timestamptz NOT NULL,
    last_at timestamptz NOT NULL,
    beats bigint NOT NULL,
    usual_silence interval NOT NULL,
    PRIMARY KEY (merchant_id, catalogue_id)
);
COMMENT ON TABLE catalogue_rhythm IS 'When something came for catalogues, and how often it does';
CREATE TABLE category_change (
    merchant_id text NOT NULL,
    shop_id text NOT NULL,
    category_id text NOT NULL,
    what text NOT NULL,
    fields text[] NOT NULL DEFAULT '{}',
    changed_at timestamptz NOT NULL,
    PRIMARY KEY (merchant_id, shop_id, category_id, what)
);
COMMENT ON TABLE category_change IS 'Categories withdrawn from shops, or asking for something new';
CREATE TABLE feed_check (
    merchant_id text NOT NULL,
    feed_id text NOT NULL,
    version integer NOT NULL,
    release text NOT NULL,
    problem text,
    checked_at timestamptz NOT NULL,
    PRIMARY KEY (merchant_id, feed_id)
);
COMMENT ON TABLE feed_check IS 'Whether feeds'' configurations compile, under which software'
"""
PROTECTED = ("catalogue_rhythm", "category_change", "feed_check")
ENDED = "catalogue_import_ended"


def upgrade() -> None:
    for statement in (
        *statements(TABLES),
        *(statement for table in PROTECTED for statement in protect(table)),
    ):
        op.execute(statement)
    with op.get_context().autocommit_block():
        op.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {ENDED}")
        op.execute(
            f"CREATE INDEX CONCURRENTLY IF NOT EXISTS {ENDED}"
            " ON catalogue_import (merchant_id, catalogue_id, import_id)"
            " WHERE finished_at IS NOT NULL AND NOT is_dry_run AND state <> 'cancelled'"
        )
