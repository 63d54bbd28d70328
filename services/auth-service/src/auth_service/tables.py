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
from common.postgres.row_security import CONDITION, OF_EVERYBODY, of_parent
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
    Column("previous_secret_hash", LargeBinary),
    Column("previous_ends_at", DateTime(timezone=True)),
    Column("rotated_at", DateTime(timezone=True)),
    Column("revoked_at", DateTime(timezone=True)),
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

person = Table(
    "person",
    TABLES,
    Column("person_id", Text, primary_key=True),
    Column("email", Text, nullable=False),
    Column("display_name", Text, nullable=False),
    Column("language", Text, nullable=False),
    Column("time_zone", Text, nullable=False),
    Column("is_operator", Boolean, nullable=False, server_default=text("false")),
    Column("created_at", DateTime(timezone=True), nullable=False),
    UniqueConstraint("email", name="person_of_email"),
    info={CONDITION: of_parent("person", "membership", person_id="person_id")},
)

membership = Table(
    "membership",
    TABLES,
    Column("merchant_id", Text, ForeignKey("merchant.merchant_id"), primary_key=True),
    Column("person_id", Text, ForeignKey("person.person_id", ondelete="CASCADE"), primary_key=True),
    Column("role", Text, nullable=False),
    Column("created_at", DateTime(timezone=True), nullable=False),
    Column("accepted_at", DateTime(timezone=True)),
)
Index("membership_of_person", membership.c.person_id)

_OF_A_PERSON = "a person may work for several merchants, and none of them sees how they sign in"


def _person_id(*, primary_key: bool = False) -> Column[str]:
    return Column(
        "person_id",
        Text,
        ForeignKey("person.person_id", ondelete="CASCADE"),
        primary_key=primary_key,
        nullable=False,
    )


person_password = Table(
    "person_password",
    TABLES,
    _person_id(primary_key=True),
    Column("hash", Text, nullable=False),
    Column("changed_at", DateTime(timezone=True), nullable=False),
    info={OF_EVERYBODY: _OF_A_PERSON},
)

single_use_link = Table(
    "single_use_link",
    TABLES,
    Column("link_hash", LargeBinary, primary_key=True),
    _person_id(),
    Column("kind", Text, nullable=False),
    Column("merchant_id", Text),
    Column("made_at", DateTime(timezone=True), nullable=False),
    Column("expires_at", DateTime(timezone=True), nullable=False),
    Column("used_at", DateTime(timezone=True)),
    info={OF_EVERYBODY: _OF_A_PERSON},
)
Index("single_use_link_of_person", single_use_link.c.person_id)
Index("single_use_link_end", single_use_link.c.expires_at)

person_session = Table(
    "person_session",
    TABLES,
    Column("session_hash", LargeBinary, primary_key=True),
    Column("session_id", Text, nullable=False),
    _person_id(),
    Column("made_at", DateTime(timezone=True), nullable=False),
    Column("last_seen_at", DateTime(timezone=True), nullable=False),
    Column("ends_at", DateTime(timezone=True), nullable=False),
    Column("address", Text, nullable=False),
    Column("user_agent", Text, nullable=False),
    UniqueConstraint("session_id", name="person_session_session_id_key"),
    info={OF_EVERYBODY: _OF_A_PERSON},
)
Index("person_session_of_person", person_session.c.person_id)
Index("person_session_end", person_session.c.ends_at)

second_factor = Table(
    "second_factor",
    TABLES,
    _person_id(primary_key=True),
    Column("sealed_under", Text, nullable=False),
    Column("wrapped_key", LargeBinary, nullable=False),
    Column("nonce", LargeBinary, nullable=False),
    Column("ciphertext", LargeBinary, nullable=False),
    Column("made_at", DateTime(timezone=True), nullable=False),
    Column("confirmed_at", DateTime(timezone=True)),
    Column("last_step", BigInteger),
    info={OF_EVERYBODY: _OF_A_PERSON},
)

recovery_code = Table(
    "recovery_code",
    TABLES,
    _person_id(primary_key=True),
    Column("code_hash", LargeBinary, primary_key=True),
    Column("used_at", DateTime(timezone=True)),
    info={OF_EVERYBODY: _OF_A_PERSON},
)

SCHEMA = (BACKBONE, LIMITS, TABLES)
"""All that stands in the database."""
