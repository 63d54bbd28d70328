"""The table of the rate buckets, in every database of a service that calls AliExpress."""

from sqlalchemy import Column, Date, DateTime, Double, Integer, MetaData, Table, Text, text

from common.postgres.row_security import SHARED

LIMITS = MetaData()

rate_bucket = Table(
    "rate_bucket",
    LIMITS,
    Column("scope", Text, primary_key=True),
    Column("operation", Text, primary_key=True),
    Column("arrival_at", Double, nullable=False, server_default=text("0")),
    Column("quota_day", Date),
    Column("used_today", Integer, nullable=False, server_default=text("0")),
    Column("granted", Integer, nullable=False, server_default=text("0")),
    Column("banned_until", DateTime(timezone=True)),
    Column("slowdown", Double, nullable=False, server_default=text("1")),
    Column("slowed_at", Double, nullable=False, server_default=text("0")),
    comment="Limits of AliExpress calls: scope is a seller id or app, operation a method or *",
    info={SHARED: "a seller's limits and the app's, whoever calls"},
)
