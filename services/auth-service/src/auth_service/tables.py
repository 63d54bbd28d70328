"""The service's tables, declared once: its migrations are compared with them (`make check`)."""

from typing import Any

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Boolean,
    Column,
    DateTime,
    ForeignKey,
    ForeignKeyConstraint,
    Identity,
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


def _sealed(*, nullable: bool = False) -> tuple[Column[Any], ...]:
    """A `SealedToken`."""
    return (
        Column("sealed_under", Text, nullable=nullable),
        Column("wrapped_key", LargeBinary, nullable=nullable),
        Column("nonce", LargeBinary, nullable=nullable),
        Column("ciphertext", LargeBinary, nullable=nullable),
    )


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
    *_sealed(),
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
    *_sealed(),
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
    *_sealed(),
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

mail = Table(
    "mail",
    TABLES,
    Column("mail_id", Text, primary_key=True),
    Column("merchant_id", Text),
    Column("recipient", Text, nullable=False),
    Column("template", Text, nullable=False),
    Column("language", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("attempts", Integer, nullable=False, server_default=text("0")),
    Column("queued_at", DateTime(timezone=True), nullable=False),
    Column("next_at", DateTime(timezone=True)),
    Column("claimed_until", DateTime(timezone=True)),
    Column("claimed_by", Text),
    Column("ended_at", DateTime(timezone=True)),
    Column("last_error", Text),
    *_sealed(nullable=True),
)
Index("mail_due", mail.c.next_at, postgresql_where=text("next_at IS NOT NULL"))
Index("mail_ended", mail.c.ended_at, postgresql_where=text("ended_at IS NOT NULL"))

trouble = Table(
    "trouble",
    TABLES,
    Column("trouble_id", Text, primary_key=True),
    Column("merchant_id", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("severity", Text, nullable=False),
    Column("since", DateTime(timezone=True), nullable=False),
    Column("opened_at", DateTime(timezone=True), nullable=False),
    Column("quiet_since", DateTime(timezone=True)),
    Column("quiet_until", DateTime(timezone=True)),
    Column("closed_at", DateTime(timezone=True)),
    Column("outcome", Text),
    Column("times", Integer, nullable=False, server_default=text("1")),
    Column("revision", Integer, nullable=False, server_default=text("1")),
    Column("source_revision", BigInteger, nullable=False, server_default=text("0")),
    Column("reminders", Integer, nullable=False, server_default=text("0")),
    Column("remind_at", DateTime(timezone=True)),
    Column("acknowledged_at", DateTime(timezone=True)),
    Column("acknowledged_by", Text),
    Column("shop_id", Text),
    Column("feed_id", Text),
    Column("catalogue_id", Text),
    Column("run_id", Text),
    Column("order_id", Text),
    Column("details", Text, nullable=False),
)
Index(
    "trouble_open",
    trouble.c.merchant_id,
    trouble.c.kind,
    trouble.c.subject,
    unique=True,
    postgresql_where=text("closed_at IS NULL"),
)
Index(
    "trouble_of_subject",
    trouble.c.merchant_id,
    trouble.c.kind,
    trouble.c.subject,
    trouble.c.opened_at,
)
Index("trouble_by_time", trouble.c.merchant_id, trouble.c.opened_at, trouble.c.trouble_id)
Index(
    "trouble_quiet",
    trouble.c.quiet_until,
    postgresql_where=text("closed_at IS NULL AND quiet_until IS NOT NULL"),
)
Index(
    "trouble_reminded",
    trouble.c.remind_at,
    postgresql_where=text("closed_at IS NULL AND remind_at IS NOT NULL"),
)
Index("trouble_closed", trouble.c.closed_at, postgresql_where=text("closed_at IS NOT NULL"))

trouble_notice = Table(
    "trouble_notice",
    TABLES,
    Column("notice_id", BigInteger, Identity(always=True), primary_key=True),
    Column("merchant_id", Text, nullable=False),
    Column(
        "trouble_id", Text, ForeignKey("trouble.trouble_id", ondelete="CASCADE"), nullable=False
    ),
    Column("event", Text, nullable=False),
    Column("event_id", Text, nullable=False),
    Column("at", DateTime(timezone=True), nullable=False),
    Column("details", Text, nullable=False),
)

alert_subscription = Table(
    "alert_subscription",
    TABLES,
    Column("merchant_id", Text, primary_key=True),
    _person_id(primary_key=True),
    Column("kind", Text, primary_key=True),
    Column("channel", Text, primary_key=True),
    Column("is_on", Boolean, nullable=False),
)
Index("alert_subscription_of_person", alert_subscription.c.person_id)

trouble_read = Table(
    "trouble_read",
    TABLES,
    Column("merchant_id", Text, nullable=False),
    _person_id(primary_key=True),
    Column(
        "trouble_id", Text, ForeignKey("trouble.trouble_id", ondelete="CASCADE"), primary_key=True
    ),
    Column("revision", Integer, nullable=False),
)
Index("trouble_read_of_trouble", trouble_read.c.trouble_id)

notification = Table(
    "notification",
    TABLES,
    Column("notification_id", BigInteger, Identity(always=True), primary_key=True),
    Column("merchant_id", Text, nullable=False),
    _person_id(),
    Column(
        "trouble_id", Text, ForeignKey("trouble.trouble_id", ondelete="CASCADE"), nullable=False
    ),
    Column("event", Text, nullable=False),
    Column("at", DateTime(timezone=True), nullable=False),
    Column("details", Text, nullable=False),
    Column("told_at", DateTime(timezone=True)),
)
Index(
    "notification_waiting",
    notification.c.merchant_id,
    notification.c.person_id,
    postgresql_where=text("told_at IS NULL"),
)
Index("notification_told", notification.c.told_at, postgresql_where=text("told_at IS NOT NULL"))
Index("notification_of_trouble", notification.c.trouble_id)
Index("notification_of_person", notification.c.person_id)

webhook_endpoint = Table(
    "webhook_endpoint",
    TABLES,
    Column("endpoint_id", Text, primary_key=True),
    Column("merchant_id", Text, nullable=False),
    Column("url", Text, nullable=False),
    Column("description", Text, nullable=False),
    Column("kinds", ARRAY(Text), nullable=False),
    Column("created_at", DateTime(timezone=True), nullable=False),
    Column("failing_since", DateTime(timezone=True)),
    Column("disabled_at", DateTime(timezone=True)),
    Column("disabled_reason", Text),
)
Index("webhook_endpoint_of_merchant", webhook_endpoint.c.merchant_id)

webhook_secret = Table(
    "webhook_secret",
    TABLES,
    Column("secret_id", Text, primary_key=True),
    Column("merchant_id", Text, nullable=False),
    Column(
        "endpoint_id",
        Text,
        ForeignKey("webhook_endpoint.endpoint_id", ondelete="CASCADE"),
        nullable=False,
    ),
    Column("made_at", DateTime(timezone=True), nullable=False),
    Column("ends_at", DateTime(timezone=True)),
    *_sealed(),
)
Index("webhook_secret_of_endpoint", webhook_secret.c.endpoint_id)

webhook_delivery = Table(
    "webhook_delivery",
    TABLES,
    Column("delivery_id", Text, primary_key=True),
    Column("merchant_id", Text, nullable=False),
    Column(
        "endpoint_id",
        Text,
        ForeignKey("webhook_endpoint.endpoint_id", ondelete="CASCADE"),
        nullable=False,
    ),
    Column("event_id", Text, nullable=False),
    Column("event", Text, nullable=False),
    Column("kind", Text),
    Column("body", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("attempts", Integer, nullable=False, server_default=text("0")),
    Column("queued_at", DateTime(timezone=True), nullable=False),
    Column("next_at", DateTime(timezone=True)),
    Column("claimed_until", DateTime(timezone=True)),
    Column("claimed_by", Text),
    Column("last_attempt_at", DateTime(timezone=True)),
    Column("last_status", Integer),
    Column("last_error", Text),
    Column("ended_at", DateTime(timezone=True)),
)
Index(
    "webhook_delivery_due", webhook_delivery.c.next_at, postgresql_where=text("next_at IS NOT NULL")
)
Index(
    "webhook_delivery_by_time",
    webhook_delivery.c.endpoint_id,
    webhook_delivery.c.queued_at,
    webhook_delivery.c.delivery_id,
)
Index(
    "webhook_delivery_ended",
    webhook_delivery.c.ended_at,
    postgresql_where=text("ended_at IS NOT NULL"),
)

SCHEMA = (BACKBONE, LIMITS, TABLES)
"""All that stands in the database."""
