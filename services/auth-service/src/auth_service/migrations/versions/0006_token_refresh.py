"""Refresh tokens, sealed, and when each is used by itself."""

from alembic import op

from common.postgres.migrate import statements
from common.postgres.row_security import protect

revision = "0006"
down_revision = "0005"

SQL = """
CREATE TABLE token_refresh (
    merchant_id text NOT NULL,
    shop_id text NOT NULL,
    -- of the access token that it came with; its seal is bound to it
    generation integer NOT NULL,
    usable_until timestamptz NOT NULL,
    -- null: not used any more in this generation, and refusal says why
    due_at timestamptz,
    refusal text,
    sealed_under text NOT NULL,
    wrapped_key bytea NOT NULL,
    nonce bytea NOT NULL,
    ciphertext bytea NOT NULL,
    PRIMARY KEY (merchant_id, shop_id),
    FOREIGN KEY (merchant_id, shop_id) REFERENCES shop (merchant_id, shop_id)
);
CREATE INDEX token_refresh_due ON token_refresh (due_at) WHERE due_at IS NOT NULL
"""


def upgrade() -> None:
    for statement in (*statements(SQL), *protect("token_refresh")):
        op.execute(statement)
