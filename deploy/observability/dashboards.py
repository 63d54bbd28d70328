"""The dashboards, by what somebody asks: for Grafana and for the consoles of Prometheus."""

from collections.abc import Sequence
from dataclasses import dataclass

from common.telemetry import names
from common.telemetry.names import Metric

SERVICES = ("auth-service", "catalog-service", "feed-publisher", "order-importer")

_RATE = "[5m]"


@dataclass(frozen=True)
class Panel:
    """A question, the query that answers it, and how its series are named (`{{label}}`)."""

    title: str
    query: str
    legend: str = ""
    unit: str = "short"


@dataclass(frozen=True)
class Dashboard:
    """Some panels on one page."""

    name: str
    title: str
    panels: Sequence[Panel]


def _now(title: str, metric: Metric, *by: str, where: str = "") -> Panel:
    """A gauge's reading, the highest over the replicas."""
    labels = ", ".join(("job", *by))
    legend = " ".join(f"{{{{{label}}}}}" for label in ("job", *by))
    unit = "s" if metric.unit == "s" else "short"
    return Panel(title, f"max by ({labels}) ({metric.prometheus}{where})", legend, unit)


def _rate(title: str, metric: Metric, *by: str, where: str = "") -> Panel:
    """How often something happens, per second."""
    legend = " ".join(f"{{{{{label}}}}}" for label in by)
    name = metric.series[-1]
    return Panel(title, f"sum by ({', '.join(by)}) (rate({name}{where}{_RATE}))", legend, "cps")


def _slowest(title: str, metric: Metric, *by: str, where: str = "") -> Panel:
    """Within which time 95 % are done."""
    labels = ", ".join(("le", *by))
    rate = f"sum by ({labels}) (rate({metric.series[0]}{where}{_RATE}))"
    legend = " ".join(f"{{{{{label}}}}}" for label in by) or "95 %"
    return Panel(title, f"histogram_quantile(0.95, {rate})", legend, "s")


OVERVIEW = Dashboard(
    "overview",
    "Overview",
    (
        Panel("Services that answer", "up", "{{job}} {{instance}}"),
        _now("Age of the outbox", names.OUTBOX_AGE),
        _now("Consumer lag", names.CONSUMER_LAG, "group"),
        _now("Open dead letters", names.DEAD_LETTERS),
        _now("Rows set aside", names.ROWS_SET_ASIDE),
        _rate("Calls to AliExpress", names.MARKETPLACE_CALLS, "job", "outcome"),
        _now("Orders not yet shipped", names.ORDERS_OPEN, "status", "hours_left"),
        _now("Feed runs", names.RUNS_OPEN, "kind", "state"),
    ),
)
MERCHANT = Dashboard(
    "merchant",
    "Merchants",
    (
        _now("Time until a shop's token lapses", names.TOKEN_LEFT, "merchant", "shop"),
        _now("Age of a shop's token", names.TOKEN_AGE, "merchant", "shop"),
        _now("Shops by the days their tokens have left", names.TOKENS, "days_left"),
        _now("Open troubles", names.TROUBLES, "kind", "severity"),
        _rate("Mails", names.MAILS, "outcome"),
        _rate("Deliveries to webhooks", names.WEBHOOKS, "outcome"),
        _now("How far order imports are behind", names.ORDERS_COVERED_AGE, "merchant", "shop"),
        _now("What keeps shops from being right", names.CONDITIONS, "kind"),
        _rate("Conditions that begin, end or change", names.CONDITIONS_CHANGED, "kind", "change"),
    ),
)
FEEDS = Dashboard(
    "feeds",
    "Feeds",
    (
        _slowest("95 % of changes are sent within", names.TIME_TO_SENT, "action"),
        _slowest("95 % of changes are confirmed within", names.TIME_TO_LIVE, "action"),
        _slowest("95 % by the fast lane within", names.FAST_LANE_DELAY, "action"),
        _rate("Calls by the fast lane", names.FAST_LANE_CALLS, "operation"),
        _rate("Items by outcome", names.ITEMS_DECIDED, "outcome"),
        _rate("Runs ended", names.RUNS_ENDED, "kind", "outcome"),
        _now("Runs by state", names.RUNS_OPEN, "kind", "state"),
        _now("Age of the oldest run", names.RUNS_AGE, "kind", "state"),
        _now("Changes withheld", names.WITHHELD, "guard"),
        _now("Jobs of AliExpress that are stuck", names.CALLS_STUCK),
        _rate("Products found to differ", names.DRIFT_FOUND, "job"),
        _slowest("95 % of calls wait for their turn", names.LIMITER_WAIT, "job"),
        _now("Bans", names.BANS, "scope"),
        _now("Calls of today's quota", names.QUOTA_USED),
    ),
)
CATALOGUES = Dashboard(
    "catalogues",
    "Catalogues",
    (
        _now("Families to normalize", names.CATALOG_DIRTY),
        _now("Age of the oldest mark", names.CATALOG_DIRTY_AGE),
        _now("Families that wait", names.CATALOG_WAITING),
        _slowest("95 % are normalized within", names.CATALOG_DELAY),
        _rate("Families normalized", names.CATALOG_NORMALIZED, "state", "emitted"),
        _rate("What the channel failed on", names.CATALOG_FAULTS, "kind"),
        _now("Age of the oldest unread file", names.CATALOG_IMPORTS_AGE),
        _rate("Pictures for photo banks", names.CATALOG_PHOTOS, "outcome"),
    ),
)
ORDERS = Dashboard(
    "orders",
    "Orders",
    (
        _now("Orders not yet shipped", names.ORDERS_OPEN, "status", "hours_left"),
        _now("How far imports are behind", names.ORDERS_COVERED_AGE, "merchant", "shop"),
        _now("Late imports", names.ORDER_IMPORTS_LATE),
        _rate("Imports by outcome", names.ORDER_IMPORTS, "outcome"),
        _now("Parcels not confirmed", names.PARCELS_OPEN, "state"),
        _now("Age of the oldest parcel", names.PARCELS_AGE, "state"),
        _slowest("95 % of parcels are settled within", names.PARCELS_SETTLED, "outcome"),
    ),
)
STORES = Dashboard(
    "kafka-and-postgres",
    "Kafka and Postgres",
    (
        _now("Consumer lag", names.CONSUMER_LAG, "group", "topic"),
        _now("Since the log's end was seen", names.CONSUMER_END_AGE, "group"),
        _now("Age of the outbox", names.OUTBOX_AGE),
        _now("Events in the outbox", names.OUTBOX_SIZE),
        _rate("Events published", names.RELAY_PUBLISHED, "job"),
        _rate("Refusals by Kafka", names.KAFKA_REFUSED, "job", "kind"),
        _rate("Clients rebuilt", names.CONSUMER_REBUILDS, "group"),
        _rate("Batches fenced", names.CONSUMER_FENCED, "group"),
        _now("Positions lost", names.POSITIONS_LOST, "group"),
        _now("Connections to Postgres", names.POOL_CONNECTIONS, "state"),
        _now("Connections allowed", names.POOL_LIMIT),
    ),
)


CONSUMING = frozenset(SERVICES) - {"auth-service"}


def of_service(service: str) -> Dashboard:
    """What every service has, of one of them."""
    where = f'{{job="{service}"}}'
    consumers = (
        _now("Consumer lag", names.CONSUMER_LAG, "group", "topic", where=where),
        _rate("Records taken", names.CONSUMER_RECORDS, "group", "outcome", where=where),
        _slowest("95 % of batches take", names.CONSUMER_BATCH, "group", where=where),
    )
    calls = _rate(
        "Calls to AliExpress", names.MARKETPLACE_CALLS, "operation", "outcome", where=where
    )
    return Dashboard(
        service,
        service,
        (
            Panel("Processes that answer", f"up{where}", "{{instance}}"),
            _now("Age of the outbox", names.OUTBOX_AGE, where=where),
            *(consumers if service in CONSUMING else ()),
            _now("Open dead letters", names.DEAD_LETTERS, where=where),
            _now("Records parked", names.PARKED, where=where),
            _now("Longest parked", names.PARKED_AGE, where=where),
            _now("Quarantines", names.QUARANTINES, where=where),
            _now("Failing jobs", names.JOBS_FAILING, "name", where=where),
            _rate("Failures on rows", names.ROWS_FAILED, "name", where=where),
            _now("Rows set aside", names.ROWS_SET_ASIDE, where=where),
            _now("Operations our app is refused", names.APP_REFUSED, "code", where=where),
            _now("Connections to Postgres", names.POOL_CONNECTIONS, "state", where=where),
            calls,
            _slowest("95 % of calls take", names.MARKETPLACE_DURATION, "operation", where=where),
        ),
    )


DASHBOARDS: Sequence[Dashboard] = (
    OVERVIEW,
    MERCHANT,
    CATALOGUES,
    FEEDS,
    ORDERS,
    STORES,
    *(of_service(service) for service in SERVICES),
)
