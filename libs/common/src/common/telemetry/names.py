"""Every metric and span name of the channel, with its unit and its meaning."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Metric:
    """A metric's name, unit (UCUM) and meaning."""

    name: str
    unit: str
    meaning: str


CONSUMER_LAG = Metric(
    "channel.consumer.lag", "{record}", "Records between the stored position and the log's end"
)
CONSUMER_RECORDS = Metric(
    "channel.consumer.records", "{record}", "Records taken, by consumer group and outcome"
)
CONSUMER_BATCH = Metric("channel.consumer.batch.duration", "s", "How long one batch took")
CONSUMER_FENCED = Metric(
    "channel.consumer.fenced", "{batch}", "Batches rolled back because the position had moved"
)
CONSUMER_REBUILDS = Metric(
    "channel.consumer.rebuilds", "{client}", "Kafka clients thrown away and rebuilt"
)
KAFKA_REFUSED = Metric(
    "channel.kafka.refused", "{refusal}", "Refusals by Kafka, by kind: our identity, or our access"
)
OUTBOX_AGE = Metric("channel.outbox.age", "s", "Age of the oldest event not yet published")
OUTBOX_SIZE = Metric("channel.outbox.size", "{event}", "Events not yet published")
RELAY_PUBLISHED = Metric("channel.relay.published", "{event}", "Events the broker acknowledged")
DEAD_LETTERS = Metric("channel.dead_letters.open", "{record}", "Dead letters not yet settled")
PARKED = Metric("channel.parked", "{record}", "Records waiting for what they need")
QUARANTINES = Metric("channel.quarantines", "{source}", "Sources now in quarantine")
ROWS_FAILED = Metric("channel.jobs.failed", "{row}", "Times a job failed on a row, by job")
ROWS_SET_ASIDE = Metric(
    "channel.jobs.set_aside", "{row}", "Rows that jobs have set aside until they are released"
)
MARKETPLACE_CALLS = Metric(
    "channel.aliexpress.calls", "{call}", "Calls to AliExpress, by operation and outcome"
)
MARKETPLACE_DURATION = Metric("channel.aliexpress.duration", "s", "How long a call took")
APP_REFUSED = Metric(
    "channel.aliexpress.app_refused", "{operation}", "Operations our app is refused now, by code"
)
TOKEN_AGE = Metric("channel.token.age", "s", "Age of a shop's access token, by shop")
TOKEN_LEFT = Metric("channel.token.left", "s", "Time until a shop's access token lapses")
CATALOG_DIRTY = Metric(
    "channel.catalog.dirty", "{family}", "Marks of families still to be normalized"
)
CATALOG_WAITING = Metric(
    "channel.catalog.waiting", "{family}", "Families that wait for a schema or a picture's verdict"
)
CATALOG_NORMALIZED = Metric(
    "channel.catalog.normalized", "{family}", "Families normalized, by state and whether emitted"
)
CATALOG_FAULTS = Metric(
    "channel.catalog.faults",
    "{fault}",
    "Feeds that cannot be compiled, families and imports the channel failed on, by kind",
)
ORDERS_OPEN = Metric(
    "channel.orders.open",
    "{order}",
    "Orders not yet shipped, by the channel's status and the hours left to ship them",
)

SPAN_PUBLISH = "outbox publish"
SPAN_PROCESS = "process"
SPAN_JOB = "job"
SPAN_NORMALIZE = "normalize families"
SPAN_IMPORT = "import orders"
SPAN_SHIP = "send shipment"
