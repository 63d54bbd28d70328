"""The tables of what should be, and of what marks it: part of the service's schema."""

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Boolean,
    Column,
    DateTime,
    Identity,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Numeric,
    Table,
    Text,
    Time,
    text,
)

DESIRED = MetaData()

desired_product = Table(
    "desired_product",
    DESIRED,
    Column("merchant_id", Text, primary_key=True),
    Column("feed_id", Text, primary_key=True),
    Column("family_id", Text, primary_key=True),
    Column("revision", BigInteger, nullable=False),
    Column("presence", Text, nullable=False),
    Column("traceparent", Text),
    Column(
        "document", LargeBinary, nullable=False, comment="The data of product.normalized, as JSON"
    ),
    Column(
        "product_digest",
        LargeBinary,
        comment="A hash of what product runs go by; null: every state is theirs",
    ),
)

family_mark = Table(
    "family_mark",
    DESIRED,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("merchant_id", Text, nullable=False),
    Column("feed_id", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("family_id", Text, nullable=False),
    Column("unsure_stock", ARRAY(Text), nullable=False, server_default=text("'{}'")),
    Column("unsure_prices", ARRAY(Text), nullable=False, server_default=text("'{}'")),
    Column("is_content_unsure", Boolean, nullable=False, server_default=text("false")),
    Column(
        "lane",
        Integer,
        comment="In the fast lane: 1 what may fall to zero, 2 the rest; null: not in it",
    ),
    comment="Families a run of that kind has to look at, never unique, and what is unsure of them",
)
Index(
    "family_mark_place",
    family_mark.c.merchant_id,
    family_mark.c.feed_id,
    family_mark.c.kind,
    family_mark.c.family_id,
)

Index(
    "family_mark_lane",
    family_mark.c.merchant_id,
    family_mark.c.feed_id,
    family_mark.c.lane,
    family_mark.c.id,
    postgresql_where=text("lane IS NOT NULL"),
)

feed = Table(
    "feed",
    DESIRED,
    Column("merchant_id", Text, primary_key=True),
    Column("feed_id", Text, primary_key=True),
    Column("revision", BigInteger, nullable=False),
    Column("shop_id", Text, nullable=False),
    Column("catalogue_id", Text, nullable=False),
    Column("main_locale", Text, nullable=False),
    Column("configuration_version", Integer, nullable=False),
    Column("lifecycle", Text, nullable=False),
    Column(
        "confirmed_at",
        DateTime(timezone=True),
        comment="When the dry run of the first product run was confirmed",
    ),
    Column(
        "uses_fast_lane",
        Boolean,
        comment="Whether it uses the fast lane; null: as the setting says",
    ),
    Column(
        "fast_lane_due_at",
        DateTime(timezone=True),
        nullable=False,
        server_default=text("'-infinity'"),
        comment="Before then no fast-lane run begins",
    ),
    Column(
        "leaves_zeroings",
        Boolean,
        nullable=False,
        server_default=text("false"),
        comment="The guard would hold zeroings of the fast lane: they wait for the next offer run",
    ),
    Column(
        "product_run_at",
        Time,
        comment="When its product run is due each day; null: as the setting says",
    ),
    Column("product_run_zone", Text, comment="The time zone of product_run_at"),
    Column(
        "offer_run_minutes",
        Integer,
        comment="How often its offer run is due; null: as the setting says",
    ),
    Column(
        "guard_share",
        Numeric,
        comment="The share that the guards let pass in 24 hours; null: as the settings say",
    ),
)

shop = Table(
    "shop",
    DESIRED,
    Column("merchant_id", Text, primary_key=True),
    Column("shop_id", Text, primary_key=True),
    Column("revision", BigInteger, nullable=False),
    Column("is_eligible", Boolean, nullable=False),
    Column("connection", Text, nullable=False),
    Column("generation", Integer, nullable=False),
    Column("seller_id", Text),
    Column("expires_at", DateTime(timezone=True)),
)
