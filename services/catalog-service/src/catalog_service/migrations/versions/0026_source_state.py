"""A type for the states of products that come in: each is one value, not a place in ten arrays.

asyncpg looks at each element of an array before it encodes it, and Postgres copies each array
anew. The type is never altered: what needs another shape makes another type, so that a service of
the former version goes on during a deployment.
"""

from alembic import op

revision = "0026"
down_revision = "0025"


def upgrade() -> None:
    op.execute(
        "CREATE TYPE source_state AS ("
        "merchant_id text, catalogue_id text, product_id text, version bigint, sub_version bigint,"
        " parent_id text, is_deleted boolean, content_hash bytea, fields text, traceparent text)"
    )
