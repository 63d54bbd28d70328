"""The service's tables, declared once: its migrations are compared with them (`make check`)."""

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Boolean,
    Column,
    DateTime,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
    text,
)

from aliexpress.tables import LIMITS
from common.postgres.tables import BACKBONE

TABLES = MetaData()

merchant = Table(
    "merchant",
    TABLES,
    Column("merchant_id", Text, primary_key=True),
    Column("name", Text, nullable=False),
    Column("is_eligible", Boolean, nullable=False),
    Column("created_at", DateTime(timezone=True), nullable=False),
    Column("updated_at", DateTime(timezone=True), nullable=False),
)

api_client = Table(
    "api_client",
    TABLES,
    Column("client_id", Text, primary_key=True),
    Column("merchant_id", Text, ForeignKey("merchant.merchant_id")),
    Column("name", Text, nullable=False),
    Column("secret_hash", LargeBinary, nullable=False),
    Column("scopes", ARRAY(Text), nullable=False),
    Column("created_at", DateTime(timezone=True), nullable=False),
)

producer_key = Table(
    "producer_key",
    TABLES,
    Column("key_id", Text, primary_key=True),
    Column("merchant_id", Text, ForeignKey("merchant.merchant_id"), nullable=False),
    Column(
        "client_id", Text, ForeignKey("api_client.client_id", ondelete="CASCADE"), nullable=False
    ),
    Column("sealed_under", Text, nullable=False),
    Column("wrapped_key", LargeBinary, nullable=False),
    Column("nonce", LargeBinary, nullable=False),
    Column("ciphertext", LargeBinary, nullable=False),
    Column("created_at", DateTime(timezone=True), nullable=False),
)
Index("producer_key_of_client", producer_key.c.client_id)

shop = Table(
    "shop",
    TABLES,
    Column("merchant_id", Text, ForeignKey("merchant.merchant_id"), primary_key=True),
    Column("shop_id", Text, primary_key=True),
    Column("is_eligible", Boolean, nullable=False),
    Column("connection", Text, nullable=False, server_default=text("'pending'")),
    Column("generation", Integer, nullable=False, server_default=text("0")),
    Column("revision", BigInteger, nullable=False),
    Column("seller_id", Text),
    Column("seller_name", Text),
    Column("connected_at", DateTime(timezone=True)),
    Column("expires_at", DateTime(timezone=True)),
    Column("announced_step", Text),
    Column("next_step_at", DateTime(timezone=True)),
    Column("token_key_id", Text),
    Column("token_wrapped_key", LargeBinary),
    Column("token_nonce", LargeBinary),
    Column("token_ciphertext", LargeBinary),
    Column("created_at", DateTime(timezone=True), nullable=False),
    UniqueConstraint("seller_id", name="shop_of_seller"),
)
Index("shop_step_due", shop.c.next_step_at, postgresql_where=text("next_step_at IS NOT NULL"))

token_refresh = Table(
    "token_refresh",
    TABLES,
    Column("merchant_id", Text, primary_key=True),
    Column("shop_id", Text, primary_key=True),
    Column("generation", Integer, nullable=False),
    Column("usable_until", DateTime(timezone=True), nullable=False),
    Column("due_at", DateTime(timezone=True)),
    Column("refusal", Text),
    Column("sealed_under", Text, nullable=False),
    Column("wrapped_key", LargeBinary, nullable=False),
    Column("nonce", LargeBinary, nullable=False),
    Column("ciphertext", LargeBinary, nullable=False),
    ForeignKeyConstraint(["merchant_id", "shop_id"], ["shop.merchant_id", "shop.shop_id"]),
)
Index("token_refresh_due", token_refresh.c.due_at, postgresql_where=text("due_at IS NOT NULL"))

connect_attempt = Table(
    "connect_attempt",
    TABLES,
    Column("ticket_hash", LargeBinary, primary_key=True),
    Column("merchant_id", Text, nullable=False),
    Column("shop_id", Text, nullable=False),
    Column("expires_at", DateTime(timezone=True), nullable=False),
    Column("state_hash", LargeBinary),
    Column("cookie_hash", LargeBinary),
    Column("started_at", DateTime(timezone=True)),
    Column("returned_at", DateTime(timezone=True)),
    ForeignKeyConstraint(["merchant_id", "shop_id"], ["shop.merchant_id", "shop.shop_id"]),
    UniqueConstraint("state_hash", name="connect_attempt_state_hash_key"),
)
Index("connect_attempt_end", connect_attempt.c.expires_at)

SCHEMA = (BACKBONE, LIMITS, TABLES)
"""All that stands in the database."""
