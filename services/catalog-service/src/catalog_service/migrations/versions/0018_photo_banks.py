"""Pictures are uploaded into shops' photo banks, each content once for a shop."""

from alembic import op

from common.postgres.migrate import statements
from common.postgres.row_security import protect

revision = "0018"
down_revision = "0017"

SQL = """
CREATE TABLE bank_picture (
    merchant_id text NOT NULL,
    shop_id text NOT NULL,
    content_hash bytea NOT NULL,
    url text NOT NULL,
    address text,
    reason text,
    failures integer NOT NULL DEFAULT 0,
    due_at timestamptz,
    uploaded_at timestamptz,
    PRIMARY KEY (merchant_id, shop_id, content_hash)
);
COMMENT ON TABLE bank_picture IS
    'Contents uploaded, or to be uploaded, into shops'' photo banks';
CREATE INDEX bank_picture_due ON bank_picture (merchant_id, shop_id, due_at)
    WHERE due_at IS NOT NULL;
CREATE TABLE photo_bank (
    merchant_id text NOT NULL,
    shop_id text NOT NULL,
    used_megabytes text,
    total_megabytes text,
    full_until timestamptz,
    failures integer NOT NULL DEFAULT 0,
    retry_at timestamptz,
    turn_at timestamptz,
    PRIMARY KEY (merchant_id, shop_id)
)
"""


def upgrade() -> None:
    for statement in (*statements(SQL), *protect("bank_picture"), *protect("photo_bank")):
        op.execute(statement)
