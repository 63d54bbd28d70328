"""The service's tables, declared once: its migrations are compared with them (`make check`)."""

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Boolean,
    Column,
    DateTime,
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
from sqlalchemy.dialects.postgresql import JSONB

from aliexpress.tables import LIMITS
from common.postgres.tables import BACKBONE

TABLES = MetaData()

carrier_list = Table(
    "carrier_list",
    TABLES,
    Column("merchant_id", Text, primary_key=True),
    Column("shop_id", Text, primary_key=True),
    Column("carriers", Text, nullable=False),
    Column("fetched_at", DateTime(timezone=True), nullable=False),
)

marketplace_order = Table(
    "marketplace_order",
    TABLES,
    Column("merchant_id", Text, primary_key=True),
    Column("shop_id", Text, primary_key=True),
    Column("order_id", Text, primary_key=True),
    Column("revision", BigInteger, nullable=False),
    Column("listed", Text),
    Column("listed_fingerprint", LargeBinary),
    Column("details", Text),
    Column("receipt", Text),
    Column("content", Text),
    Column("fingerprint", LargeBinary),
    Column("status", Text),
    Column("marketplace_status", Text),
    Column("placed_at", DateTime(timezone=True)),
    Column("modified_at", DateTime(timezone=True)),
    Column("ship_before", DateTime(timezone=True)),
    Column("problem", Text),
    Column("received_at", DateTime(timezone=True), nullable=False),
    Column("updated_at", DateTime(timezone=True), nullable=False),
    Column("erased_at", DateTime(timezone=True)),
    Column("due_at", DateTime(timezone=True)),
    Column("sku_codes", JSONB),
    Column(
        "shippable_lines",
        JSONB,
        comment="Lines that are to be shipped, in parcels or not; null: not known yet",
    ),
    # Not `coalesce`: Postgres does not count it among what leaks nothing, so that under row-level
    # security no index of it is used. The text is as Postgres writes it, lines included.
    Index(
        "marketplace_order_to_erase",
        text("(\nCASE\nWHEN modified_at IS NULL THEN received_at\nELSE modified_at\nEND)"),
        postgresql_where=text("erased_at IS NULL"),
    ),
)
Index(
    "marketplace_order_by_time",
    marketplace_order.c.merchant_id,
    marketplace_order.c.placed_at.desc(),
    marketplace_order.c.shop_id,
    marketplace_order.c.order_id,
    postgresql_where=text("content IS NOT NULL"),
)
Index(
    "marketplace_order_problem",
    marketplace_order.c.merchant_id,
    marketplace_order.c.shop_id,
    postgresql_where=text("problem IS NOT NULL"),
)
for _column in (marketplace_order.c.status, marketplace_order.c.marketplace_status):
    Index(
        f"marketplace_order_by_{_column.name}",
        marketplace_order.c.merchant_id,
        _column,
        marketplace_order.c.placed_at.desc(),
        marketplace_order.c.shop_id,
        marketplace_order.c.order_id,
        postgresql_where=text("content IS NOT NULL"),
    )
Index("marketplace_order_by_number", marketplace_order.c.merchant_id, marketplace_order.c.order_id)
Index(
    "marketplace_order_by_revision",
    marketplace_order.c.merchant_id,
    marketplace_order.c.revision,
    postgresql_where=text("content IS NOT NULL"),
)
Index(
    "marketplace_order_by_deadline",
    marketplace_order.c.merchant_id,
    marketplace_order.c.due_at,
    marketplace_order.c.shop_id,
    marketplace_order.c.order_id,
    postgresql_where=text("due_at IS NOT NULL"),
)
Index("marketplace_order_by_sku", marketplace_order.c.sku_codes, postgresql_using="gin")
Index(
    "marketplace_order_open",
    marketplace_order.c.status,
    marketplace_order.c.due_at,
    postgresql_where=text("content IS NOT NULL AND status IN ('new', 'waiting_shipment', 'other')"),
)

shop = Table(
    "shop",
    TABLES,
    Column("merchant_id", Text, primary_key=True),
    Column("shop_id", Text, primary_key=True),
    Column("revision", BigInteger, nullable=False),
    Column("is_usable", Boolean, nullable=False),
    Column("connection", Text, nullable=False),
    Column("generation", Integer, nullable=False),
    Column("covered_until", DateTime(timezone=True)),
    Column("preparation_days", Integer),
)

marketplace_parcel = Table(
    "marketplace_parcel",
    TABLES,
    Column("merchant_id", Text, primary_key=True),
    Column("shop_id", Text, primary_key=True),
    Column("order_id", Text, primary_key=True),
    Column("shipment_id", Text, primary_key=True),
    Column("carrier", Text, nullable=False),
    Column("tracking_number", Text, nullable=False),
    Column("sent_at", DateTime(timezone=True)),
    Column("found_at", DateTime(timezone=True), nullable=False),
    Column("gone_at", DateTime(timezone=True)),
    ForeignKeyConstraint(
        ["merchant_id", "shop_id", "order_id"],
        [
            "marketplace_order.merchant_id",
            "marketplace_order.shop_id",
            "marketplace_order.order_id",
        ],
    ),
)

Index(
    "marketplace_parcel_by_number",
    marketplace_parcel.c.merchant_id,
    marketplace_parcel.c.tracking_number,
)

unreadable_order = Table(
    "unreadable_order",
    TABLES,
    Column("merchant_id", Text, primary_key=True),
    Column("shop_id", Text, primary_key=True),
    Column("raw_hash", LargeBinary, primary_key=True),
    Column("raw", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("seen_at", DateTime(timezone=True), nullable=False),
)

order_import = Table(
    "order_import",
    TABLES,
    Column("import_id", BigInteger, Identity(always=True), primary_key=True),
    Column("merchant_id", Text, nullable=False),
    Column("shop_id", Text, nullable=False),
    Column("cause", Text, nullable=False),
    Column("state", Text, nullable=False, server_default=text("'due'")),
    Column("requested_at", DateTime(timezone=True), nullable=False),
    Column("next_try_at", DateTime(timezone=True), nullable=False),
    Column("attempts", Integer, nullable=False, server_default=text("0")),
    Column("window_from", DateTime(timezone=True)),
    Column("window_to", DateTime(timezone=True)),
    Column("orders_seen", Integer, nullable=False, server_default=text("0")),
    Column("orders_received", Integer, nullable=False, server_default=text("0")),
    Column("orders_updated", Integer, nullable=False, server_default=text("0")),
    Column("orders_unreadable", Integer, nullable=False, server_default=text("0")),
    Column("reads_from", DateTime(timezone=True)),
    Column("is_late", Boolean, nullable=False, server_default=text("false")),
    Column("problem", Text),
    Column("ended_at", DateTime(timezone=True)),
    ForeignKeyConstraint(["merchant_id", "shop_id"], ["shop.merchant_id", "shop.shop_id"]),
)
Index(
    "order_import_due",
    order_import.c.merchant_id,
    order_import.c.shop_id,
    unique=True,
    postgresql_where=text("state = 'due'"),
)
Index(
    "order_import_history",
    order_import.c.merchant_id,
    order_import.c.shop_id,
    order_import.c.import_id.desc(),
)
Index(
    "order_import_open",
    order_import.c.next_try_at,
    postgresql_where=text("state IN ('due', 'running')"),
)

order_audit = Table(
    "order_audit",
    TABLES,
    Column("audit_id", BigInteger, Identity(always=True), primary_key=True),
    Column("merchant_id", Text, nullable=False),
    Column("shop_id", Text, nullable=False),
    Column("cause", Text, nullable=False),
    Column("state", Text, nullable=False, server_default=text("'due'")),
    Column("requested_at", DateTime(timezone=True), nullable=False),
    Column("next_try_at", DateTime(timezone=True), nullable=False),
    Column("attempts", Integer, nullable=False, server_default=text("0")),
    Column("placed_from", DateTime(timezone=True)),
    Column("placed_to", DateTime(timezone=True)),
    Column("compared", Integer),
    Column("pending", Integer),
    Column("differences", Integer),
    Column("problem", Text),
    Column("ended_at", DateTime(timezone=True)),
    ForeignKeyConstraint(["merchant_id", "shop_id"], ["shop.merchant_id", "shop.shop_id"]),
)
Index(
    "order_audit_due",
    order_audit.c.merchant_id,
    order_audit.c.shop_id,
    unique=True,
    postgresql_where=text("state = 'due'"),
)
Index("order_audit_open", order_audit.c.next_try_at, postgresql_where=text("state = 'due'"))
Index(
    "order_audit_history",
    order_audit.c.merchant_id,
    order_audit.c.shop_id,
    order_audit.c.audit_id.desc(),
)

order_audit_difference = Table(
    "order_audit_difference",
    TABLES,
    Column("audit_id", BigInteger, primary_key=True),
    Column("order_id", Text, primary_key=True),
    Column("kind", Text, primary_key=True),
    Column("ours", Text),
    Column("theirs", Text),
    ForeignKeyConstraint(["audit_id"], ["order_audit.audit_id"]),
)

shipment = Table(
    "shipment",
    TABLES,
    Column("merchant_id", Text, primary_key=True),
    Column("shop_id", Text, primary_key=True),
    Column("order_id", Text, primary_key=True),
    Column("shipment_id", Text, primary_key=True),
    Column("idempotency_key", Text, nullable=False),
    Column("request_fingerprint", LargeBinary, nullable=False),
    Column("carrier", Text, nullable=False),
    Column("service_name", Text, nullable=False),
    Column("tracking_number", Text, nullable=False),
    Column("tracking_website", Text),
    Column("note", Text),
    Column("line_ids", ARRAY(Text), nullable=False),
    Column("state", Text, nullable=False, server_default=text("'pending'")),
    Column("absent_readings", Integer, nullable=False, server_default=text("0")),
    Column("attempts", Integer, nullable=False, server_default=text("0")),
    Column("requested_at", DateTime(timezone=True), nullable=False),
    Column("next_try_at", DateTime(timezone=True), nullable=False),
    Column("settled_at", DateTime(timezone=True)),
    Column("problem_code", Text),
    Column("problem_message", Text),
    Column("explanation", Text),
    Column("remedy", Text),
    Column("traceparent", Text),
    Column("is_further", Boolean, nullable=False, server_default=text("false")),
    Column("more_follow", Boolean, nullable=False, server_default=text("false")),
    Column("sent_as", Text),
    ForeignKeyConstraint(
        ["merchant_id", "shop_id", "order_id"],
        [
            "marketplace_order.merchant_id",
            "marketplace_order.shop_id",
            "marketplace_order.order_id",
        ],
    ),
    UniqueConstraint(
        "merchant_id", "idempotency_key", name="shipment_merchant_id_idempotency_key_key"
    ),
)
Index("shipment_by_number", shipment.c.merchant_id, shipment.c.tracking_number)
Index(
    "shipment_open", shipment.c.next_try_at, postgresql_where=text("state IN ('pending', 'sent')")
)
Index("shipment_refused", shipment.c.settled_at, postgresql_where=text("state = 'refused'"))
Index(
    "shipment_parcel",
    shipment.c.merchant_id,
    shipment.c.shop_id,
    shipment.c.order_id,
    shipment.c.tracking_number,
    unique=True,
    postgresql_where=text("state <> 'refused'"),
)

tracking_correction = Table(
    "tracking_correction",
    TABLES,
    Column("merchant_id", Text, primary_key=True),
    Column("shop_id", Text, primary_key=True),
    Column("order_id", Text, primary_key=True),
    Column("shipment_id", Text, primary_key=True),
    Column("correction_id", Text, primary_key=True),
    Column("idempotency_key", Text, nullable=False),
    Column("request_fingerprint", LargeBinary, nullable=False),
    Column("former_carrier", Text, nullable=False),
    Column("former_service_name", Text, nullable=False),
    Column("former_number", Text, nullable=False),
    Column("carrier", Text, nullable=False),
    Column("service_name", Text, nullable=False),
    Column("tracking_number", Text, nullable=False),
    Column("tracking_website", Text),
    Column("note", Text),
    Column("state", Text, nullable=False, server_default=text("'pending'")),
    Column("absent_readings", Integer, nullable=False, server_default=text("0")),
    Column("attempts", Integer, nullable=False, server_default=text("0")),
    Column("requested_at", DateTime(timezone=True), nullable=False),
    Column("next_try_at", DateTime(timezone=True), nullable=False),
    Column("settled_at", DateTime(timezone=True)),
    Column("problem_code", Text),
    Column("problem_message", Text),
    Column("explanation", Text),
    Column("remedy", Text),
    Column("traceparent", Text),
    ForeignKeyConstraint(
        ["merchant_id", "shop_id", "order_id", "shipment_id"],
        [
            "shipment.merchant_id",
            "shipment.shop_id",
            "shipment.order_id",
            "shipment.shipment_id",
        ],
    ),
    UniqueConstraint(
        "merchant_id",
        "idempotency_key",
        name="tracking_correction_merchant_id_idempotency_key_key",
    ),
)
Index(
    "tracking_correction_refused",
    tracking_correction.c.settled_at,
    postgresql_where=text("state = 'refused'"),
)
Index(
    "tracking_correction_open",
    tracking_correction.c.merchant_id,
    tracking_correction.c.shop_id,
    tracking_correction.c.order_id,
    tracking_correction.c.shipment_id,
    unique=True,
    postgresql_where=text("state IN ('pending', 'sent')"),
)

shipping_pause = Table(
    "shipping_pause",
    TABLES,
    Column("merchant_id", Text, primary_key=True),
    Column("shop_id", Text, primary_key=True),
    Column("failures", Integer, nullable=False),
    Column("until", DateTime(timezone=True), nullable=False),
)

deadline_notice = Table(
    "deadline_notice",
    TABLES,
    Column("merchant_id", Text, primary_key=True),
    Column("shop_id", Text, primary_key=True),
    Column("order_id", Text, primary_key=True),
    Column("due_at", DateTime(timezone=True), nullable=False),
    Column("threshold", Text, nullable=False),
    Column("notified_at", DateTime(timezone=True), nullable=False),
    Column("next_at", DateTime(timezone=True)),
    ForeignKeyConstraint(
        ["merchant_id", "shop_id", "order_id"],
        [
            "marketplace_order.merchant_id",
            "marketplace_order.shop_id",
            "marketplace_order.order_id",
        ],
    ),
)

order_change = Table(
    "order_change",
    TABLES,
    Column("change_id", BigInteger, Identity(always=True), primary_key=True),
    Column("merchant_id", Text, nullable=False),
    Column("shop_id", Text, nullable=False),
    Column("order_id", Text, nullable=False),
    Column("revision", BigInteger, nullable=False),
    Column("kind", Text, nullable=False),
    Column("changed_at", DateTime(timezone=True), nullable=False),
    Column("place", BigInteger),
)
Index(
    "order_change_feed",
    order_change.c.merchant_id,
    order_change.c.place,
    unique=True,
    postgresql_where=text("place IS NOT NULL"),
)
Index("order_change_unplaced", order_change.c.change_id, postgresql_where=text("place IS NULL"))
Index("order_change_by_time", order_change.c.changed_at)

order_feed = Table(
    "order_feed",
    TABLES,
    Column("merchant_id", Text, primary_key=True),
    Column("removed_until", BigInteger, nullable=False),
)

SCHEMA = (BACKBONE, LIMITS, TABLES)
"""All that stands in the database."""
