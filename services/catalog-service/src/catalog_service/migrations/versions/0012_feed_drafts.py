"""Configurations are tried on the whole feed before they are saved."""

from alembic import op

from common.postgres.migrate import statements
from common.postgres.row_security import protect

revision = "0012"
down_revision = "0011"

SQL = """
CREATE TABLE feed_draft (
    merchant_id text COLLATE "C" NOT NULL,
    draft_id bigint GENERATED ALWAYS AS IDENTITY,
    feed_id text NOT NULL,
    body text NOT NULL,
    based_on text,
    author text,
    state text NOT NULL CHECK (state IN ('evaluating', 'ready')),
    families bigint,
    evaluated bigint NOT NULL DEFAULT 0,
    result text NOT NULL DEFAULT '{}',
    warnings text NOT NULL DEFAULT '[]',
    created_at timestamptz NOT NULL,
    turn_at timestamptz NOT NULL,
    waits_until timestamptz,
    finished_at timestamptz,
    PRIMARY KEY (merchant_id, draft_id)
);
CREATE INDEX feed_draft_due ON feed_draft (turn_at) WHERE state = 'evaluating';
CREATE TABLE feed_draft_family (
    merchant_id text COLLATE "C" NOT NULL,
    draft_id bigint NOT NULL,
    family_id text COLLATE "C" NOT NULL,
    kind text COLLATE "C" NOT NULL,
    waits_for text,
    digest bytea,
    change text,
    PRIMARY KEY (merchant_id, draft_id, family_id)
);
CREATE INDEX feed_draft_family_by_kind
    ON feed_draft_family (merchant_id, draft_id, kind, family_id)
"""


def upgrade() -> None:
    for statement in (
        *statements(SQL),
        *protect("feed_draft"),
        *protect("feed_draft_family"),
    ):
        op.execute(statement)
