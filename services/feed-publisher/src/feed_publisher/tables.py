"""The service's tables, declared once: its migrations are compared with them (`make check`)."""

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Boolean,
    Column,
    ColumnElement,
    DateTime,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    literal_column,
    text,
)

from aliexpress.tables import LIMITS
from common.postgres.counters import COUNTERS
from common.postgres.tables import BACKBONE
from feed_publisher.desired.tables import DESIRED

TABLES = MetaData()


def word(constant: str) -> ColumnElement[str]:
    """A constant of a statement, written into it: a bound value hides a partial index (`state IN
    (...)`) from a plan that is made for any value."""
    return literal_column(f"'{constant}'", Text)


def words(*constants: str) -> list[ColumnElement[str]]:
    """Several of them, for `IN`."""
    return [word(constant) for constant in constants]


adoption_candidate = Table(
    "adoption_candidate",
    TABLES,
    Column("merchant_id", Text, primary_key=True),
    Column("feed_id", Text, primary_key=True),
    Column("family_id", Text, primary_key=True),
    Column("marketplace_product_id", Text, primary_key=True),
    Column("sku_codes", ARRAY(Text), nullable=False),
    Column("skus_in_shop", Integer, nullable=False),
    Column("title", Text),
    Column("has_same_title", Boolean, nullable=False),
    Column("same_barcodes", ARRAY(Text), nullable=False),
    Column("found_at", DateTime(timezone=True), nullable=False),
    comment="Products that were online before us and hold SKU codes of a family, as last found"
    " (M1.6)",
)

feed_run = Table(
    "feed_run",
    TABLES,
    Column("merchant_id", Text, primary_key=True),
    Column("run_id", Text, primary_key=True),
    Column("feed_id", Text, nullable=False),
    Column("shop_id", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("cause", Text, nullable=False),
    Column("is_dry_run", Boolean, nullable=False),
    Column("state", Text, nullable=False),
    Column("plan_hash", Text),
    Column("trouble", Text),
    Column("failures", Integer, nullable=False, server_default=text("0")),
    Column("asked_at", DateTime(timezone=True), nullable=False),
    Column("planned_at", DateTime(timezone=True)),
    Column("confirmed_at", DateTime(timezone=True)),
    Column("started_at", DateTime(timezone=True)),
    Column("finished_at", DateTime(timezone=True)),
    Column("planned_through", Text, nullable=False, server_default=text("''")),
    Column("planned_items", Integer, nullable=False, server_default=text("0")),
    Column("planned_digest", Text, nullable=False, server_default=text("''")),
    Column(
        "next_turn_at", DateTime(timezone=True), nullable=False, server_default=text("'-infinity'")
    ),
    Column("missing", Integer, nullable=False, server_default=text("0")),
    Column("unchanged", Integer, comment="Wanted products that neither have an item nor lack one"),
    Column("accepted", Integer, comment="Items accepted, once it has ended"),
    Column("refused", Integer, comment="Items refused, once it has ended"),
)
Index(
    "feed_run_active",
    feed_run.c.merchant_id,
    feed_run.c.feed_id,
    feed_run.c.kind,
    unique=True,
    postgresql_where=text("state IN ('planning', 'running') AND NOT is_dry_run"),
)
Index(
    "feed_run_decided",
    feed_run.c.merchant_id,
    feed_run.c.feed_id,
    feed_run.c.kind,
    feed_run.c.finished_at,
    postgresql_where=text("accepted + refused > 0 AND cause <> 'fast_lane'"),
)
Index(
    "feed_run_ended",
    feed_run.c.merchant_id,
    feed_run.c.feed_id,
    feed_run.c.kind,
    feed_run.c.finished_at,
    postgresql_where=text("finished_at IS NOT NULL AND NOT is_dry_run AND cause <> 'fast_lane'"),
)
Index("feed_run_fast_lane", feed_run.c.finished_at, postgresql_where=text("cause = 'fast_lane'"))
Index(
    "feed_run_failed",
    feed_run.c.merchant_id,
    feed_run.c.feed_id,
    feed_run.c.kind,
    feed_run.c.finished_at,
    postgresql_where=text("state = 'failed' AND NOT is_dry_run"),
)
Index(
    "feed_run_waiting",
    feed_run.c.merchant_id,
    feed_run.c.feed_id,
    feed_run.c.planned_at,
    postgresql_where=text("state IN ('awaiting_confirmation', 'withheld')"),
)
Index("feed_run_history", feed_run.c.merchant_id, feed_run.c.feed_id, feed_run.c.asked_at)
Index(
    "feed_run_open",
    feed_run.c.asked_at,
    postgresql_where=text("state IN ('queued', 'planning', 'running')"),
)
Index(
    "feed_run_queued",
    feed_run.c.merchant_id,
    feed_run.c.feed_id,
    feed_run.c.kind,
    feed_run.c.is_dry_run,
    unique=True,
    postgresql_where=text("state = 'queued'"),
)

listing = Table(
    "listing",
    TABLES,
    Column("merchant_id", Text, primary_key=True),
    Column("feed_id", Text, primary_key=True),
    Column("family_id", Text, primary_key=True),
    Column("shop_id", Text, nullable=False),
    Column("status", Text, nullable=False, server_default=text("'none'")),
    Column("marketplace_product_id", Text),
    Column("live_since", DateTime(timezone=True)),
    Column("deleted_at", DateTime(timezone=True)),
    Column(
        "create_intent_at",
        DateTime(timezone=True),
        comment="Set while the outcome of a creation is not known",
    ),
    Column("read_back_at", DateTime(timezone=True)),
    Column("written_at", DateTime(timezone=True), comment="When AliExpress last accepted a change"),
    Column("document", LargeBinary, nullable=False),
    Column("drift", LargeBinary),
    Column("reported_revision", BigInteger, nullable=False, server_default=text("0")),
    Column("reported_status", Text),
    Column("report", LargeBinary),
    Column("skus_online", Integer, nullable=False, server_default=text("0")),
    comment="What AliExpress has accepted of a family, and what it refused",
)
Index(
    "listing_product",
    listing.c.merchant_id,
    listing.c.shop_id,
    listing.c.marketplace_product_id,
    unique=True,
    postgresql_where=text("marketplace_product_id IS NOT NULL"),
)
# Not `coalesce`: Postgres does not count it among what leaks nothing, so that under row-level
# security no index of it is used. Not partial: then the planner would not know its values. The text
# is as Postgres writes it, lines included.
Index(
    "listing_compared",
    listing.c.merchant_id,
    listing.c.shop_id,
    text("(\nCASE\nWHEN read_back_at IS NULL THEN live_since\nELSE read_back_at\nEND)"),
)
Index(
    "listing_written_over",
    listing.c.merchant_id,
    listing.c.shop_id,
    postgresql_where=text(
        "marketplace_product_id IS NOT NULL AND drift IS NOT NULL AND written_at > read_back_at"
    ),
)
Index(
    "listing_auditing",
    listing.c.merchant_id,
    listing.c.feed_id,
    listing.c.family_id,
    postgresql_where=text("status = 'auditing'"),
)
Index(
    "listing_reported",
    listing.c.merchant_id,
    listing.c.feed_id,
    listing.c.reported_status,
    listing.c.family_id,
)
Index(
    "listing_drifted",
    listing.c.merchant_id,
    listing.c.feed_id,
    listing.c.family_id,
    postgresql_where=text("drift IS NOT NULL"),
)
Index(
    "listing_rejected",
    listing.c.merchant_id,
    listing.c.feed_id,
    listing.c.family_id,
    postgresql_where=text("reported_status = 'rejected'"),
)

remote_call = Table(
    "remote_call",
    TABLES,
    Column("merchant_id", Text, primary_key=True),
    Column("call_id", Text, primary_key=True),
    Column("run_id", Text, nullable=False),
    Column("feed_id", Text, nullable=False),
    Column("shop_id", Text, nullable=False),
    Column("operation", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("marketplace_job_id", Text),
    Column("looks", Integer, nullable=False, server_default=text("0")),
    Column("intended_at", DateTime(timezone=True), nullable=False),
    Column("submitted_at", DateTime(timezone=True)),
    Column("ended_at", DateTime(timezone=True)),
    comment="Each writing call: intended before it is made, its outcome after, unknown when lost",
)
Index(
    "remote_call_job",
    remote_call.c.merchant_id,
    remote_call.c.marketplace_job_id,
    postgresql_where=text("marketplace_job_id IS NOT NULL"),
)
Index(
    "remote_call_one_job",
    remote_call.c.merchant_id,
    remote_call.c.shop_id,
    remote_call.c.operation,
    unique=True,
    postgresql_where=text(
        "operation IN ('create', 'update') AND state IN ('intended', 'unknown', 'following')"
    ),
)
Index(
    "remote_call_open",
    remote_call.c.merchant_id,
    remote_call.c.run_id,
    postgresql_where=text("state IN ('intended', 'unknown', 'following', 'stuck')"),
)

reconciliation = Table(
    "reconciliation",
    TABLES,
    Column("merchant_id", Text, primary_key=True),
    Column("feed_id", Text, primary_key=True),
    Column("through", Text, nullable=False, server_default=text("''")),
    comment="Feeds whose families are being compared with their listings, and how far",
)

guarded_change = Table(
    "guarded_change",
    TABLES,
    Column("merchant_id", Text, primary_key=True),
    Column("shop_id", Text, primary_key=True),
    Column("feed_id", Text, primary_key=True),
    Column("family_id", Text, primary_key=True),
    Column("passed_at", DateTime(timezone=True), nullable=False),
    Column("is_confirmed", Boolean, nullable=False),
    Column("desired_revision", BigInteger, primary_key=True),
    Column("guard", Text, primary_key=True),
    Column("sku_codes", ARRAY(Text), nullable=False, server_default=text("'{}'")),
    Column("is_whole", Boolean, nullable=False),
    comment="Changes let through by the guard, which counts them (M7.4)",
)
Index(
    "guarded_change_window",
    guarded_change.c.merchant_id,
    guarded_change.c.shop_id,
    guarded_change.c.passed_at,
)

held_change = Table(
    "held_change",
    TABLES,
    Column("merchant_id", Text, primary_key=True),
    Column("feed_id", Text, primary_key=True),
    Column("kind", Text, primary_key=True),
    Column("family_id", Text, primary_key=True),
    Column("guard", Text, primary_key=True),
    Column("desired_revision", BigInteger, nullable=False),
    Column("sku_codes", ARRAY(Text), nullable=False),
    Column("held_at", DateTime(timezone=True), nullable=False),
    comment="Changes held back until they are confirmed or their cause is gone (M7.4)",
)

run_item = Table(
    "run_item",
    TABLES,
    Column("merchant_id", Text, primary_key=True),
    Column("run_id", Text, primary_key=True),
    Column("item_no", Integer, primary_key=True),
    Column("feed_id", Text, nullable=False),
    Column("family_id", Text, nullable=False),
    Column("action", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("is_removal", Boolean, nullable=False),
    Column("desired_revision", BigInteger, nullable=False),
    Column("marketplace_product_id", Text),
    Column("sku_codes", ARRAY(Text), nullable=False),
    Column("change", LargeBinary, nullable=False),
    Column("sent", LargeBinary),
    Column("call_id", Text),
    Column("attempts", Integer, nullable=False, server_default=text("0")),
    Column("code", Text),
    Column("message", Text),
    Column("traceparent", Text),
    Column("decided_at", DateTime(timezone=True)),
    Column("removed_skus", ARRAY(Text), nullable=False, server_default=text("'{}'")),
    Column("removes_product", Boolean, nullable=False, server_default=text("false")),
    Column("is_reconfiguring", Boolean, nullable=False, server_default=text("false")),
    Column("changed_at", DateTime(timezone=True)),
)
Index(
    "run_item_call",
    run_item.c.merchant_id,
    run_item.c.call_id,
    postgresql_where=text("call_id IS NOT NULL"),
)
Index(
    "run_item_in_flight",
    run_item.c.merchant_id,
    run_item.c.feed_id,
    run_item.c.family_id,
    postgresql_where=text("status IN ('sending', 'in_job')"),
)
Index(
    "run_item_status",
    run_item.c.merchant_id,
    run_item.c.run_id,
    run_item.c.status,
    run_item.c.action,
    run_item.c.item_no,
)

Index(
    "run_item_code",
    run_item.c.merchant_id,
    run_item.c.run_id,
    run_item.c.code,
    run_item.c.item_no,
    postgresql_where=text("code IS NOT NULL"),
)
Index("run_item_family", run_item.c.merchant_id, run_item.c.run_id, run_item.c.family_id)

run_cause = Table(
    "run_cause",
    TABLES,
    Column("merchant_id", Text, primary_key=True),
    Column("run_id", Text, primary_key=True),
    Column("place", Integer, primary_key=True),
    Column("cause", LargeBinary, nullable=False),
    Column("products", Integer, nullable=False),
    Column("families", ARRAY(Text), nullable=False),
    comment="Why products that are wanted were not in a run's plan",
)

shop_look = Table(
    "shop_look",
    TABLES,
    Column("merchant_id", Text, primary_key=True),
    Column("shop_id", Text, primary_key=True),
    Column("looked_at", DateTime(timezone=True), nullable=False),
    Column("edited_through", DateTime(timezone=True), nullable=False),
    comment="When a shop was last asked for edited products, and up to which time of editing",
)

shortfall = Table(
    "shortfall",
    TABLES,
    Column("merchant_id", Text, primary_key=True),
    Column("feed_id", Text, primary_key=True),
    Column("kind", Text, primary_key=True),
    Column("family_id", Text, primary_key=True),
    Column("causes", LargeBinary, nullable=False),
    comment="Families that are wanted and cannot be sent, as last planned",
)

shop_product = Table(
    "shop_product",
    TABLES,
    Column("merchant_id", Text, primary_key=True),
    Column("shop_id", Text, primary_key=True),
    Column("marketplace_product_id", Text, primary_key=True),
    Column("modified_at", DateTime(timezone=True)),
    Column("sku_codes", ARRAY(Text), nullable=False),
    comment="Products of the shop that are not ours, as last read (M1.6)",
)

sku_claim = Table(
    "sku_claim",
    TABLES,
    Column("merchant_id", Text, primary_key=True),
    Column("shop_id", Text, primary_key=True),
    Column("sku_code", Text, primary_key=True),
    Column("feed_id", Text, nullable=False),
    Column("family_id", Text, nullable=False),
    Column("claimed_at", DateTime(timezone=True), nullable=False),
    comment="A SKU code belongs to one feed and family per shop (M1.7)",
)
Index("sku_claim_family", sku_claim.c.merchant_id, sku_claim.c.feed_id, sku_claim.c.family_id)

sku_waiter = Table(
    "sku_waiter",
    TABLES,
    Column("merchant_id", Text, primary_key=True),
    Column("shop_id", Text, primary_key=True),
    Column("sku_code", Text, primary_key=True),
    Column("feed_id", Text, primary_key=True),
    Column("family_id", Text, primary_key=True),
)

SCHEMA = (BACKBONE, LIMITS, COUNTERS, DESIRED, TABLES)
"""All that stands in the database."""
