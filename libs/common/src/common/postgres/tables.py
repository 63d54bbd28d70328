"""The tables of the shared mechanisms, which every service's database has."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    DateTime,
    ForeignKey,
    Identity,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    Time,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

from common.postgres.row_security import BY_KEY, SHARED

BACKBONE = MetaData()

consumer_position = Table(
    "consumer_position",
    BACKBONE,
    Column("consumer_group", Text, primary_key=True),
    Column("topic", Text, primary_key=True),
    Column("partition", Integer, primary_key=True),
    Column("next_offset", BigInteger, nullable=False),
    info={SHARED: "a partition holds the records of many merchants"},
)

outbox = Table(
    "outbox",
    BACKBONE,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("topic", Text, nullable=False),
    Column("key", LargeBinary, nullable=False),
    Column("value", LargeBinary, nullable=False),
    Column("headers", Text, nullable=False),
    Column("added_at", DateTime(timezone=True), nullable=False),
    info={BY_KEY: True},
)

dead_letter = Table(
    "dead_letter",
    BACKBONE,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("consumer_group", Text, nullable=False),
    Column("topic", Text, nullable=False),
    Column("partition", Integer, nullable=False),
    Column("record_offset", BigInteger, nullable=False),
    Column("record_timestamp_ms", BigInteger, nullable=False),
    Column("key", LargeBinary),
    Column("value", LargeBinary),
    Column("headers", Text, nullable=False),
    Column("source", Text, nullable=False),
    Column("merchant_id", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("detail", Text, nullable=False),
    Column("remedy", Text, nullable=False),
    Column("state", Text, nullable=False, server_default=text("'open'")),
    Column("attempts", Integer, nullable=False, server_default=text("1")),
    Column("created_at", DateTime(timezone=True), nullable=False),
    Column("updated_at", DateTime(timezone=True), nullable=False),
    UniqueConstraint(
        "consumer_group",
        "topic",
        "partition",
        "record_offset",
        name="dead_letter_consumer_group_topic_partition_record_offset_key",
    ),
)
Index("dead_letter_by_merchant", dead_letter.c.merchant_id, dead_letter.c.state, dead_letter.c.id)

dead_letter_audit = Table(
    "dead_letter_audit",
    BACKBONE,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("dead_letter_id", BigInteger, ForeignKey("dead_letter.id"), nullable=False),
    Column("action", Text, nullable=False),
    Column("actor", Text, nullable=False),
    Column("outcome", Text, nullable=False),
    Column("at", DateTime(timezone=True), nullable=False),
)

parked_event = Table(
    "parked_event",
    BACKBONE,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("consumer_group", Text, nullable=False),
    Column("topic", Text, nullable=False),
    Column("partition", Integer, nullable=False),
    Column("record_offset", BigInteger, nullable=False),
    Column("record_timestamp_ms", BigInteger, nullable=False),
    Column("key", LargeBinary),
    Column("value", LargeBinary),
    Column("headers", Text, nullable=False),
    Column("source", Text, nullable=False),
    Column("merchant_id", Text, nullable=False),
    Column("waits_for", Text, nullable=False),
    Column("parked_at", DateTime(timezone=True), nullable=False),
    UniqueConstraint(
        "consumer_group",
        "topic",
        "partition",
        "record_offset",
        name="parked_event_consumer_group_topic_partition_record_offset_key",
    ),
)
Index(
    "parked_event_by_wait",
    parked_event.c.consumer_group,
    parked_event.c.waits_for,
    parked_event.c.id,
)

quarantine = Table(
    "quarantine",
    BACKBONE,
    Column("consumer_group", Text, primary_key=True),
    Column("source", Text, primary_key=True),
    Column("merchant_id", Text, primary_key=True),
    Column("reason", Text, nullable=False),
    Column("since", DateTime(timezone=True), nullable=False),
)

lease = Table(
    "lease",
    BACKBONE,
    Column("name", Text, primary_key=True),
    Column("holder", Text, nullable=False),
    Column("fence", BigInteger, nullable=False),
    Column("expires_at", DateTime(timezone=True), nullable=False),
    Index("lease_fence", "name", "fence", unique=True),
    info={SHARED: "names, holders and ends of work in progress, of which some is for all"},
)

schedule = Table(
    "schedule",
    BACKBONE,
    Column("kind", Text, primary_key=True),
    Column("merchant_id", Text, primary_key=True),
    Column("subject", Text, primary_key=True),
    Column("every_seconds", Integer),
    Column("daily_at", Time),
    Column("zone", Text),
    Column("next_due_at", DateTime(timezone=True), nullable=False),
    Column("is_paused", Boolean, nullable=False, server_default=text("false")),
    Column("pause_reason", Text),
)
Index(
    "schedule_due", schedule.c.kind, schedule.c.next_due_at, postgresql_where=text("NOT is_paused")
)

failed_row = Table(
    "failed_row",
    BACKBONE,
    Column("job", Text, primary_key=True),
    Column("merchant_id", Text, primary_key=True),
    Column("subject", Text, primary_key=True),
    Column("failures", Integer, nullable=False),
    Column("reason", Text, nullable=False),
    Column("trace_id", Text),
    Column("failed_at", DateTime(timezone=True), nullable=False),
    Column("retry_at", DateTime(timezone=True), nullable=False),
)

audit = Table(
    "audit",
    BACKBONE,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("at", DateTime(timezone=True), nullable=False),
    Column("merchant_id", Text),
    Column("actor", Text, nullable=False),
    Column("actor_email", Text),
    Column("action", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("details", Text, nullable=False),
    Column("address", Text),
)
Index("audit_of_merchant", audit.c.merchant_id, audit.c.at, audit.c.id)
Index("audit_by_time", audit.c.at, audit.c.id)

condition = Table(
    "condition",
    BACKBONE,
    Column("merchant_id", Text, primary_key=True),
    Column("kind", Text, primary_key=True),
    Column("subject", Text, primary_key=True),
    Column("present", Boolean, nullable=False),
    Column("since", DateTime(timezone=True), nullable=False),
    Column("ended_at", DateTime(timezone=True)),
    Column("revision", BigInteger, nullable=False),
    Column("links", JSONB, nullable=False),
    Column("details", JSONB, nullable=False),
)
Index("condition_present", condition.c.kind, postgresql_where=text("present"))
