"""Every metric and span name of the channel, with unit, meaning and labels: docs/metrics.md.

A gauge of a database is read by one job of each worker, and every replica shows the same reading:
take the `max` over instances. Counters and histograms count what their process did: take the sum.
"""

import re
from dataclasses import dataclass
from typing import Literal

Kind = Literal["counter", "gauge", "histogram"]

SECONDS_OF_A_CALL = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)
SECONDS_OF_A_DELAY = (1.0, 5.0, 15.0, 60.0, 300.0, 900.0, 1800.0, 3600.0, 7200.0, 86400.0)
SECONDS_OF_THE_FAST_LANE = (0.5, 1.0, 2.5, 5.0, 10.0, 15.0, 20.0, 30.0, 45.0, 60.0, 120.0, 600.0)
"""Histogram bounds: of what lasts as long as a call, of what may wait for an hourly run, and of
what is to take no longer than a minute."""

SUFFIX_OF_UNIT = {"s": "_seconds", "1": "_ratio"}
"""What a unit adds to the Prometheus name; those in braces add nothing."""


@dataclass(frozen=True)
class Metric:
    """A metric's name, kind, unit (UCUM), meaning and labels; a histogram's bounds in its unit."""

    name: str
    kind: Kind
    unit: str
    meaning: str
    labels: tuple[str, ...] = ()
    bounds: tuple[float, ...] = SECONDS_OF_A_CALL

    @property
    def prometheus(self) -> str:
        """The name at `/metrics`; a histogram has `_bucket`, `_sum` and `_count` of it."""
        name = re.sub(r"[^a-zA-Z0-9_]", "_", self.name) + SUFFIX_OF_UNIT.get(self.unit, "")
        return name + "_total" if self.kind == "counter" else name

    @property
    def series(self) -> tuple[str, ...]:
        """The names of its series at `/metrics`."""
        if self.kind == "histogram":
            return tuple(f"{self.prometheus}_{part}" for part in ("bucket", "sum", "count"))
        return (self.prometheus,)


# -- events ---------------------------------------------------------------------------------

CONSUMER_LAG = Metric(
    "channel.consumer.lag",
    "gauge",
    "{record}",
    "Records between the stored position and the log's end, as last seen",
    ("group", "topic", "partition"),
)
CONSUMER_END_AGE = Metric(
    "channel.consumer.end_age",
    "gauge",
    "s",
    "Time since the log's end was last seen; it rises while Kafka is away",
    ("group",),
)
CONSUMER_RECORDS = Metric(
    "channel.consumer.records",
    "counter",
    "{record}",
    "Records taken, by consumer group and outcome",
    ("group", "outcome"),
)
CONSUMER_BATCH = Metric(
    "channel.consumer.batch.duration", "histogram", "s", "How long one batch took", ("group",)
)
CONSUMER_FENCED = Metric(
    "channel.consumer.fenced",
    "counter",
    "{batch}",
    "Batches rolled back because the position had moved",
    ("group",),
)
CONSUMER_REBUILDS = Metric(
    "channel.consumer.rebuilds",
    "counter",
    "{client}",
    "Kafka clients thrown away and rebuilt",
    ("group",),
)
POSITIONS_LOST = Metric(
    "channel.consumer.positions_lost",
    "gauge",
    "{group}",
    "1 while the group stands still because a stored position lies outside the log",
    ("group",),
)
KAFKA_REFUSED = Metric(
    "channel.kafka.refused",
    "counter",
    "{refusal}",
    "Refusals by Kafka, by kind: our identity, or our access",
    ("kind",),
)
OUTBOX_AGE = Metric(
    "channel.outbox.age",
    "gauge",
    "s",
    "Age of the oldest event not yet published, also while Kafka is away",
)
OUTBOX_SIZE = Metric(
    "channel.outbox.size", "gauge", "{event}", "Events not yet published, counted to 10,000"
)
RELAY_PUBLISHED = Metric(
    "channel.relay.published", "counter", "{event}", "Events the broker acknowledged"
)
DEAD_LETTERS = Metric(
    "channel.dead_letters.open",
    "gauge",
    "{record}",
    "Dead letters not yet settled, counted to 10,000",
)
PARKED = Metric(
    "channel.parked", "gauge", "{record}", "Records waiting for what they need, counted to 10,000"
)
PARKED_AGE = Metric(
    "channel.parked.age",
    "gauge",
    "s",
    "Age of the record that has waited longest for what it needs",
)
QUARANTINES = Metric("channel.quarantines", "gauge", "{source}", "Sources now in quarantine")
CONDITIONS = Metric(
    "channel.conditions",
    "gauge",
    "{condition}",
    "What keeps merchants' shops from being right now, by kind, of all merchants",
    ("kind",),
)
CONDITIONS_CHANGED = Metric(
    "channel.conditions.changes",
    "counter",
    "{condition}",
    "Conditions that began, ended or have other details, by kind",
    ("change", "kind"),
)

# -- jobs and stores ------------------------------------------------------------------------

JOBS_FAILING = Metric(
    "channel.jobs.failing", "gauge", "{job}", "1 while the job's turns fail, else 0", ("name",)
)
ROWS_FAILED = Metric(
    "channel.jobs.failed", "counter", "{row}", "Times a job failed on a row, by job", ("name",)
)
ROWS_SET_ASIDE = Metric(
    "channel.jobs.set_aside",
    "gauge",
    "{row}",
    "Rows that jobs have set aside until they are released",
)
POOL_CONNECTIONS = Metric(
    "channel.postgres.pool.connections",
    "gauge",
    "{connection}",
    "Connections of the process's pool, `used` and `idle`",
    ("state",),
)
POOL_LIMIT = Metric(
    "channel.postgres.pool.limit",
    "gauge",
    "{connection}",
    "Connections the process's pool may have",
)
# -- AliExpress -----------------------------------------------------------------------------

MARKETPLACE_CALLS = Metric(
    "channel.aliexpress.calls",
    "counter",
    "{call}",
    "Calls to AliExpress, by operation and outcome",
    ("operation", "outcome"),
)
MARKETPLACE_DURATION = Metric(
    "channel.aliexpress.duration",
    "histogram",
    "s",
    "How long a call took",
    ("operation", "outcome"),
)
APP_REFUSED = Metric(
    "channel.aliexpress.app_refused",
    "gauge",
    "{operation}",
    "Operations our app is refused now, by code",
    ("code",),
)
LIMITER_WAIT = Metric(
    "channel.aliexpress.limiter.wait",
    "histogram",
    "s",
    "How long a call waited for its turn within AliExpress's limits",
    ("outcome",),
)
BANS = Metric(
    "channel.aliexpress.bans",
    "gauge",
    "{ban}",
    "Bans by AliExpress that run now, of the whole app and of sellers",
    ("scope",),
)
QUOTA_USED = Metric(
    "channel.aliexpress.quota.used",
    "gauge",
    "{call}",
    "Calls of this service's share of the app's daily quota used today",
)
# -- shops' tokens (auth-service) -----------------------------------------------------------

TOKEN_AGE = Metric(
    "channel.token.age",
    "gauge",
    "s",
    "Age of a shop's access token, of the 500 shops whose tokens lapse first",
    ("merchant", "shop"),
)
TOKEN_LEFT = Metric(
    "channel.token.left",
    "gauge",
    "s",
    "Time until a shop's access token lapses, of the 500 shops whose tokens lapse first",
    ("merchant", "shop"),
)
TOKENS = Metric(
    "channel.tokens",
    "gauge",
    "{shop}",
    "Shops by the days their tokens have left: `lapsed`, until renewed, `<1`, `<3`, `<7`, `more`",
    ("days_left",),
)
TROUBLES = Metric(
    "channel.troubles", "gauge", "{trouble}", "Open troubles of all merchants", ("kind", "severity")
)
MAILS = Metric(
    "channel.mails",
    "counter",
    "{mail}",
    "Attempts to send a mail: `sent`, `postponed`, `given_up`",
    ("outcome",),
)
WEBHOOKS = Metric(
    "channel.webhooks",
    "counter",
    "{delivery}",
    "Attempts to deliver to a webhook: `delivered`, `postponed`, `given_up`",
    ("outcome",),
)
# -- catalogues (catalog-service) -----------------------------------------------------------

CATALOG_DIRTY = Metric(
    "channel.catalog.dirty",
    "gauge",
    "{family}",
    "Marks of families still to be normalized, counted to 100,000",
)
CATALOG_DIRTY_AGE = Metric(
    "channel.catalog.dirty.age",
    "gauge",
    "s",
    "Age of the oldest mark of a family still to be normalized",
)
CATALOG_WAITING = Metric(
    "channel.catalog.waiting",
    "gauge",
    "{family}",
    "Families that wait for a schema, or a picture's verdict or upload, counted to 100,000",
)
CATALOG_NORMALIZED = Metric(
    "channel.catalog.normalized",
    "counter",
    "{family}",
    "Families normalized, by state and whether emitted",
    ("state", "emitted"),
)
CATALOG_DELAY = Metric(
    "channel.catalog.normalizing.delay",
    "histogram",
    "s",
    "From the event that marked a family to its normalized state",
    (),
    SECONDS_OF_A_DELAY,
)
CATALOG_FAULTS = Metric(
    "channel.catalog.faults",
    "counter",
    "{fault}",
    "Feeds that cannot be compiled, families and imports the channel failed on, by kind",
    ("kind",),
)
CATALOG_PHOTOS = Metric(
    "channel.catalog.photos",
    "counter",
    "{picture}",
    "Pictures for shops' photo banks, by outcome: uploaded, refused, full, failed, unfetched",
    ("outcome",),
)
CATALOG_IMPORTS_AGE = Metric(
    "channel.catalog.imports.age", "gauge", "s", "Age of the oldest catalogue file still to be read"
)
# -- feeds (feed-publisher) -----------------------------------------------------------------

RUNS_OPEN = Metric(
    "channel.feed.runs.open",
    "gauge",
    "{run}",
    "Feed runs not yet ended, by kind and state",
    ("kind", "state"),
)
RUNS_AGE = Metric(
    "channel.feed.runs.age",
    "gauge",
    "s",
    "Age of the oldest feed run in a state",
    ("kind", "state"),
)
RUNS_ENDED = Metric(
    "channel.feed.runs.ended",
    "counter",
    "{run}",
    "Feed runs ended, by kind and outcome",
    ("kind", "outcome"),
)
ITEMS_DECIDED = Metric(
    "channel.feed.items.decided",
    "counter",
    "{item}",
    "Items of feed runs by what became of them",
    ("outcome",),
)
WITHHELD = Metric(
    "channel.feed.withheld",
    "gauge",
    "{change}",
    "Changes held back by a guard (M7.4), counted to 10,000",
    ("guard",),
)
CALLS_STUCK = Metric(
    "channel.feed.calls.stuck", "gauge", "{call}", "Jobs of AliExpress that do not end"
)
DRIFT_FOUND = Metric(
    "channel.drift.found",
    "counter",
    "{product}",
    "Times a product was found to differ from what AliExpress accepted",
)
TIME_TO_SENT = Metric(
    "channel.product.time_to_sent",
    "histogram",
    "s",
    "From the change of a product, as it came in, to the call that sends it, by action",
    ("action",),
    SECONDS_OF_A_DELAY,
)
TIME_TO_LIVE = Metric(
    "channel.product.time_to_live",
    "histogram",
    "s",
    "From the change of a product, as it came in, to its confirmation by AliExpress, by action",
    ("action",),
    SECONDS_OF_A_DELAY,
)
FAST_LANE_DELAY = Metric(
    "channel.fast_lane.delay",
    "histogram",
    "s",
    "From the change of a price or of stock, as it came in, to AliExpress's confirmation, of those"
    " that went by the fast lane",
    ("action",),
    SECONDS_OF_THE_FAST_LANE,
)
FAST_LANE_CALLS = Metric(
    "channel.fast_lane.calls",
    "counter",
    "{call}",
    "Calls to AliExpress by the fast lane, of its share of the limits, by operation",
    ("operation",),
)
# -- orders (order-importer) ----------------------------------------------------------------

ORDERS_OPEN = Metric(
    "channel.orders.open",
    "gauge",
    "{order}",
    "Orders not yet shipped, by the channel's status and the hours left to ship them",
    ("status", "hours_left"),
)
ORDERS_COVERED_AGE = Metric(
    "channel.orders.covered_age",
    "gauge",
    "s",
    "For how long a shop's orders are not known to be here, of the 500 shops furthest behind",
    ("merchant", "shop"),
)
ORDER_IMPORTS_LATE = Metric(
    "channel.orders.imports.late",
    "gauge",
    "{import}",
    "Order imports that have not succeeded an hour after they were due",
)
ORDER_IMPORTS = Metric(
    "channel.orders.imports.ended",
    "counter",
    "{import}",
    "Order imports ended, by outcome",
    ("outcome",),
)
PARCELS_OPEN = Metric(
    "channel.parcels.open",
    "gauge",
    "{parcel}",
    "Parcels that AliExpress has not confirmed, by state",
    ("state",),
)
PARCELS_AGE = Metric(
    "channel.parcels.age", "gauge", "s", "Age of the oldest parcel in a state", ("state",)
)
PARCELS_SETTLED = Metric(
    "channel.parcels.settled",
    "histogram",
    "s",
    "From the request to ship a parcel to its outcome",
    ("outcome",),
    SECONDS_OF_A_DELAY,
)

METRICS = tuple(value for value in tuple(globals().values()) if isinstance(value, Metric))
"""All of them, in the order of docs/metrics.md."""

SPAN_PROCESS = "process"
SPAN_SEND = "send"
SPAN_JOB = "job"
SPAN_NORMALIZE = "normalize families"
SPAN_FAMILY = "normalize family"
SPAN_IMPORT = "import orders"
SPAN_ORDER = "order"
SPAN_SHIP = "send shipment"
SPAN_CORRECT = "send correction"
SPAN_RUN = "feed run"
