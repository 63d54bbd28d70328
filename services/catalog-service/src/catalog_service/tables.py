"""The service's tables, declared once: its migrations are compared with them (`make check`)."""

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Boolean,
    Column,
    Computed,
    DateTime,
    Identity,
    Index,
    Integer,
    Interval,
    LargeBinary,
    MetaData,
    Table,
    Text,
    text,
)

from aliexpress.tables import LIMITS
from common.postgres.counters import COUNTERS
from common.postgres.tables import BACKBONE

TABLES = MetaData()

bank_picture = Table(
    "bank_picture",
    TABLES,
    Column("merchant_id", Text, primary_key=True),
    Column("shop_id", Text, primary_key=True),
    Column("content_hash", LargeBinary, primary_key=True),
    Column("url", Text, nullable=False),
    Column("address", Text),
    Column("reason", Text),
    Column("failures", Integer, nullable=False, server_default=text("0")),
    Column("due_at", DateTime(timezone=True)),
    Column("uploaded_at", DateTime(timezone=True)),
    comment="Contents uploaded, or to be uploaded, into shops' photo banks",
)
Index(
    "bank_picture_due",
    bank_picture.c.merchant_id,
    bank_picture.c.shop_id,
    bank_picture.c.due_at,
    postgresql_where=text("due_at IS NOT NULL"),
)

catalogue = Table(
    "catalogue",
    TABLES,
    Column("merchant_id", Text, primary_key=True),
    Column("catalogue_id", Text, primary_key=True),
    Column("versioning", Text, nullable=False),
    Column("fed_by", Text, nullable=False),
    Column("id_field", Text),
    Column("parent_field", Text),
    Column("created_at", DateTime(timezone=True), nullable=False),
)

IS_UNREAD = text("state IN ('waiting', 'reading')")
"""Imports still to be read; in statements as in the index, whose plans go by the words."""

catalogue_import = Table(
    "catalogue_import",
    TABLES,
    Column("merchant_id", Text, primary_key=True),
    Column("import_id", BigInteger, Identity(always=True), primary_key=True),
    Column("catalogue_id", Text, nullable=False),
    Column("file_name", Text, nullable=False),
    Column("options", Text, nullable=False),
    Column("is_full", Boolean, nullable=False),
    Column("is_dry_run", Boolean, nullable=False),
    Column("state", Text, nullable=False),
    Column("failure", Text),
    Column("format", Text),
    Column("size_bytes", BigInteger, nullable=False, server_default=text("0")),
    Column("lines", BigInteger, nullable=False, server_default=text("0")),
    Column("lines_read", BigInteger, nullable=False, server_default=text("0")),
    Column("rows_read", BigInteger, nullable=False, server_default=text("0")),
    Column("accepted", BigInteger, nullable=False, server_default=text("0")),
    Column("unchanged", BigInteger, nullable=False, server_default=text("0")),
    Column("repeated", BigInteger, nullable=False, server_default=text("0")),
    Column("rejected", BigInteger, nullable=False, server_default=text("0")),
    Column("deleted", BigInteger, nullable=False, server_default=text("0")),
    Column("withheld", BigInteger, nullable=False, server_default=text("0")),
    Column("is_read", Boolean, nullable=False, server_default=text("false")),
    Column("is_confirmed", Boolean, nullable=False, server_default=text("false")),
    Column("created_at", DateTime(timezone=True), nullable=False),
    Column("finished_at", DateTime(timezone=True)),
)
Index(
    "catalogue_import_due",
    catalogue_import.c.import_id,
    postgresql_where=IS_UNREAD,
)

Index(
    "catalogue_import_ended",
    catalogue_import.c.merchant_id,
    catalogue_import.c.catalogue_id,
    catalogue_import.c.import_id,
    postgresql_where=text("finished_at IS NOT NULL AND NOT is_dry_run AND state <> 'cancelled'"),
)

catalogue_rhythm = Table(
    "catalogue_rhythm",
    TABLES,
    Column("merchant_id", Text, primary_key=True),
    Column("catalogue_id", Text, primary_key=True),
    Column("first_at", DateTime(timezone=True), nullable=False),
    Column("beat_at", DateTime(timezone=True), nullable=False),
    Column("last_at", DateTime(timezone=True), nullable=False),
    Column("beats", BigInteger, nullable=False),
    Column("usual_silence", Interval, nullable=False),
    comment="When something came for catalogues, and how often it does",
)

catalogue_summary = Table(
    "catalogue_summary",
    TABLES,
    Column("merchant_id", Text, primary_key=True),
    Column("catalogue_id", Text, primary_key=True),
    Column("body", Text),
    Column("made_at", DateTime(timezone=True)),
    Column("requested_at", DateTime(timezone=True)),
)
Index(
    "catalogue_summary_due",
    catalogue_summary.c.requested_at,
    postgresql_where=text("requested_at IS NOT NULL"),
)

category_branch = Table(
    "category_branch",
    TABLES,
    Column("merchant_id", Text, primary_key=True),
    Column("shop_id", Text, primary_key=True),
    Column("category_id", Text, primary_key=True),
    Column("children", Text),
    Column("due_at", DateTime(timezone=True), nullable=False),
    Column("failures", Integer, nullable=False, server_default=text("0")),
)
Index("category_branch_due", category_branch.c.due_at)

category_change = Table(
    "category_change",
    TABLES,
    Column("merchant_id", Text, primary_key=True),
    Column("shop_id", Text, primary_key=True),
    Column("category_id", Text, primary_key=True),
    Column("what", Text, primary_key=True),
    Column("fields", ARRAY(Text), nullable=False, server_default=text("'{}'::text[]")),
    Column("changed_at", DateTime(timezone=True), nullable=False),
    comment="Categories withdrawn from shops, or asking for something new",
)

category_schema = Table(
    "category_schema",
    TABLES,
    Column("merchant_id", Text, primary_key=True),
    Column("shop_id", Text, primary_key=True),
    Column("category_id", Text, primary_key=True),
    Column("body", Text),
    Column("refusal", Text),
    Column("version", Integer, nullable=False, server_default=text("0")),
    Column("requested_at", DateTime(timezone=True), nullable=False),
    Column("fetched_at", DateTime(timezone=True)),
    Column("failures", Integer, nullable=False, server_default=text("0")),
    Column("retry_at", DateTime(timezone=True)),
)

family_fact = Table(
    "family_fact",
    TABLES,
    Column("merchant_id", Text(collation="C"), primary_key=True),
    Column("feed_id", Text(collation="C"), primary_key=True),
    Column("kind", Text(collation="C"), primary_key=True),
    Column("name", Text(collation="C"), primary_key=True),
    Column("family_id", Text(collation="C"), primary_key=True),
    comment="Families by rules, causes and values of their issues, and by their unmatched paths",
)

family_mark = Table(
    "family_mark",
    TABLES,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("merchant_id", Text(collation="C"), nullable=False),
    Column("catalogue_id", Text(collation="C"), nullable=False),
    Column("family_id", Text(collation="C"), nullable=False),
    Column("feed_id", Text(collation="C")),
    Column("traceparent", Text),
    Column("marked_at", DateTime(timezone=True), nullable=False),
)

family_sku = Table(
    "family_sku",
    TABLES,
    Column("merchant_id", Text(collation="C"), primary_key=True),
    Column("feed_id", Text(collation="C"), primary_key=True),
    Column("family_id", Text(collation="C"), primary_key=True),
    Column("sku_code", Text(collation="C"), primary_key=True),
    comment="The SKU codes of each family, as they were last where it is wanted no more",
)
Index("family_sku_by_code", family_sku.c.merchant_id, family_sku.c.feed_id, family_sku.c.sku_code)

family_text = Table(
    "family_text",
    TABLES,
    Column("merchant_id", Text(collation="C"), primary_key=True),
    Column("feed_id", Text(collation="C"), primary_key=True),
    Column("family_id", Text(collation="C"), primary_key=True),
    Column("body", Text, nullable=False),
    comment="By what families are found: id, title, SKU codes",
)
Index(
    "family_text_search",
    family_text.c.body,
    postgresql_using="gin",
    postgresql_ops={"body": "gin_trgm_ops"},
)

family_wait = Table(
    "family_wait",
    TABLES,
    Column("merchant_id", Text(collation="C"), primary_key=True),
    Column("feed_id", Text(collation="C"), primary_key=True),
    Column("family_id", Text(collation="C"), primary_key=True),
    Column("catalogue_id", Text(collation="C"), nullable=False),
    Column("waits_for", Text, nullable=False),
    Column("traceparent", Text),
    Column("waits_since", DateTime(timezone=True), nullable=False),
)
Index("family_wait_by_need", family_wait.c.merchant_id, family_wait.c.waits_for)

feed = Table(
    "feed",
    TABLES,
    Column("merchant_id", Text, primary_key=True),
    Column("feed_id", Text, primary_key=True),
    Column("shop_id", Text, nullable=False),
    Column("catalogue_id", Text, nullable=False),
    Column("main_locale", Text, nullable=False),
    Column("configuration_version", Integer, nullable=False),
    Column("lifecycle", Text, nullable=False),
    Column("revision", BigInteger, nullable=False),
)
Index("feed_by_catalogue", feed.c.merchant_id, feed.c.catalogue_id)

feed_check = Table(
    "feed_check",
    TABLES,
    Column("merchant_id", Text, primary_key=True),
    Column("feed_id", Text, primary_key=True),
    Column("version", Integer, nullable=False),
    Column("release", Text, nullable=False),
    Column("problem", Text),
    Column("checked_at", DateTime(timezone=True), nullable=False),
    comment="Whether feeds' configurations compile, under which software",
)

feed_configuration = Table(
    "feed_configuration",
    TABLES,
    Column("merchant_id", Text, primary_key=True),
    Column("feed_id", Text, primary_key=True),
    Column("version", Integer, primary_key=True),
    Column("body", Text, nullable=False),
    Column("created_at", DateTime(timezone=True), nullable=False),
    Column("author", Text),
    Column("note", Text),
)

feed_draft = Table(
    "feed_draft",
    TABLES,
    Column("merchant_id", Text(collation="C"), primary_key=True),
    Column("draft_id", BigInteger, Identity(always=True), primary_key=True),
    Column("feed_id", Text, nullable=False),
    Column("body", Text, nullable=False),
    Column("based_on", Text),
    Column("author", Text),
    Column("state", Text, nullable=False),
    Column("families", BigInteger),
    Column("evaluated", BigInteger, nullable=False, server_default=text("0")),
    Column("result", Text, nullable=False, server_default=text("'{}'")),
    Column("warnings", Text, nullable=False, server_default=text("'[]'")),
    Column("created_at", DateTime(timezone=True), nullable=False),
    Column("turn_at", DateTime(timezone=True), nullable=False),
    Column("waits_until", DateTime(timezone=True)),
    Column("finished_at", DateTime(timezone=True)),
)
Index("feed_draft_due", feed_draft.c.turn_at, postgresql_where=text("state = 'evaluating'"))

feed_draft_family = Table(
    "feed_draft_family",
    TABLES,
    Column("merchant_id", Text(collation="C"), primary_key=True),
    Column("draft_id", BigInteger, primary_key=True),
    Column("family_id", Text(collation="C"), primary_key=True),
    Column("kind", Text(collation="C"), nullable=False),
    Column("waits_for", Text),
    Column("digest", LargeBinary),
    Column("change", Text),
)
Index(
    "feed_draft_family_by_kind",
    feed_draft_family.c.merchant_id,
    feed_draft_family.c.draft_id,
    feed_draft_family.c.kind,
    feed_draft_family.c.family_id,
)

image_check = Table(
    "image_check",
    TABLES,
    Column("merchant_id", Text, primary_key=True),
    Column("url", Text, primary_key=True),
    Column("is_reachable", Boolean),
    Column("reason", Text),
    Column("content_hash", LargeBinary),
    Column("failures", Integer, nullable=False, server_default=text("0")),
    Column("due_at", DateTime(timezone=True), nullable=False),
    Column("checked_at", DateTime(timezone=True)),
)
Index("image_check_due", image_check.c.merchant_id, image_check.c.due_at)
Index("image_check_by_content", image_check.c.merchant_id, image_check.c.content_hash)

import_chunk = Table(
    "import_chunk",
    TABLES,
    Column("merchant_id", Text, primary_key=True),
    Column("import_id", BigInteger, primary_key=True),
    Column("place", Integer, primary_key=True),
    Column("content", LargeBinary, nullable=False),
)

import_problem = Table(
    "import_problem",
    TABLES,
    Column("merchant_id", Text, primary_key=True),
    Column("import_id", BigInteger, primary_key=True),
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("line", BigInteger, nullable=False),
    Column("product_id", Text),
    Column("message", Text, nullable=False),
    Column("remedy", Text, nullable=False),
)

normalized_product = Table(
    "normalized_product",
    TABLES,
    Column("merchant_id", Text(collation="C"), primary_key=True),
    Column("feed_id", Text(collation="C"), primary_key=True),
    Column("family_id", Text(collation="C"), primary_key=True),
    Column("catalogue_id", Text, nullable=False),
    Column("revision", BigInteger, nullable=False),
    Column("state", Text, nullable=False),
    Column("digest", LargeBinary, nullable=False),
    Column("category_id", Text),
    Column("category_path", Text),
    Column("title", Text),
    Column("image_urls", ARRAY(Text), nullable=False, server_default=text("'{}'::text[]")),
    Column("rules", ARRAY(Text), nullable=False, server_default=text("'{}'::text[]")),
    Column("missing", ARRAY(Text), nullable=False, server_default=text("'{}'::text[]")),
    Column("event", Text, nullable=False),
    Column("traceparent", Text),
    Column("normalized_at", DateTime(timezone=True), nullable=False),
    Column("live_locale", Text),
    Column("report_status", Text),
    Column("report_revision", BigInteger),
    Column("report_causes", Text),
    Column("marketplace_product_id", Text),
    Column("is_parent", Boolean, nullable=False, server_default=text("false")),
    Column("due_at", DateTime(timezone=True)),
    Column("inputs", LargeBinary),
    Column("groups", ARRAY(Text), nullable=False, server_default=text("'{}'::text[]")),
    Column("sought", Text, nullable=False, server_default=text("''")),
    Column("quality", Integer),
)
Index(
    "normalized_product_in_category",
    normalized_product.c.category_id,
    normalized_product.c.merchant_id,
    normalized_product.c.feed_id,
)
Index(
    "normalized_product_due",
    normalized_product.c.due_at,
    postgresql_where=text("due_at IS NOT NULL"),
)
Index("normalized_product_by_image", normalized_product.c.image_urls, postgresql_using="gin")
Index(
    "normalized_product_in_state",
    normalized_product.c.state,
    normalized_product.c.merchant_id,
    normalized_product.c.feed_id,
    normalized_product.c.family_id,
)

photo_bank = Table(
    "photo_bank",
    TABLES,
    Column("merchant_id", Text, primary_key=True),
    Column("shop_id", Text, primary_key=True),
    Column("used_megabytes", Text),
    Column("total_megabytes", Text),
    Column("full_until", DateTime(timezone=True)),
    Column("failures", Integer, nullable=False, server_default=text("0")),
    Column("retry_at", DateTime(timezone=True)),
    Column("turn_at", DateTime(timezone=True)),
)

republish_request = Table(
    "republish_request",
    TABLES,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("merchant_id", Text, nullable=False),
    Column("feed_id", Text, nullable=False),
    Column("after_family_id", Text, nullable=False, server_default=text("''")),
)

shop = Table(
    "shop",
    TABLES,
    Column("merchant_id", Text, primary_key=True),
    Column("shop_id", Text, primary_key=True),
    Column("revision", BigInteger, nullable=False),
    Column("is_usable", Boolean, nullable=False),
    Column("generation", Integer, nullable=False),
    Column("seller_id", Text),
    Column("tree", Text),
    Column("tree_fetched_at", DateTime(timezone=True)),
    Column("is_eligible", Boolean, nullable=False, server_default=text("true")),
    Column("failures", Integer, nullable=False, server_default=text("0")),
    Column("retry_at", DateTime(timezone=True)),
)

shop_currency = Table(
    "shop_currency",
    TABLES,
    Column("merchant_id", Text, primary_key=True),
    Column("shop_id", Text, primary_key=True),
    Column("currency", Text),
    Column("checked_at", DateTime(timezone=True), nullable=False),
)

source_product = Table(
    "source_product",
    TABLES,
    Column("merchant_id", Text(collation="C"), primary_key=True),
    Column("catalogue_id", Text(collation="C"), primary_key=True),
    Column("product_id", Text(collation="C"), primary_key=True),
    Column("version", BigInteger, nullable=False),
    Column("sub_version", BigInteger, nullable=False),
    Column("parent_id", Text(collation="C")),
    Column(
        "family_id",
        Text(collation="C"),
        Computed("COALESCE(parent_id, product_id)", persisted=True),
        nullable=False,
    ),
    Column("is_deleted", Boolean, nullable=False),
    Column("content_hash", LargeBinary, nullable=False),
    Column("fields", Text, nullable=False),
    Column("traceparent", Text),
    Column("updated_at", DateTime(timezone=True), nullable=False),
)
Index(
    "source_product_by_parent",
    source_product.c.parent_id,
    source_product.c.catalogue_id,
    source_product.c.merchant_id,
    postgresql_where=text("parent_id IS NOT NULL"),
)

title_suggestion = Table(
    "title_suggestion",
    TABLES,
    Column("merchant_id", Text, primary_key=True),
    Column("shop_id", Text, primary_key=True),
    Column("title", Text, primary_key=True),
    Column("language", Text, nullable=False),
    Column("leaves", Text),
    Column("requested_at", DateTime(timezone=True), nullable=False),
    Column("failures", Integer, nullable=False, server_default=text("0")),
    Column("retry_at", DateTime(timezone=True)),
)
Index(
    "title_suggestion_due",
    title_suggestion.c.requested_at,
    postgresql_where=text("leaves IS NULL"),
)

SCHEMA = (BACKBONE, LIMITS, COUNTERS, TABLES)
"""All that stands in the database."""
