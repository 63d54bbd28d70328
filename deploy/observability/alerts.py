"""Every alert, by the heading of docs/runbook.md that says what to do.

Times are given at full length; a test generates the same rules on a shorter scale. Gauges of a
database are the same in every replica, hence `max`; a counter's first reading is a rise, too.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from common.telemetry import names
from common.telemetry.names import Metric

Severity = Literal["page", "ticket"]
"""page: somebody is needed now; ticket: within the working day."""

MINUTE, HOUR, DAY = 60, 3600, 86400


@dataclass(frozen=True)
class Scale:
    """By how much all times are shortened: 1 in production."""

    factor: float = 1.0

    def time(self, seconds: float) -> str:
        """A duration as Prometheus writes it, at least a second."""
        milliseconds = max(1000, round(seconds * self.factor * 1000))
        if milliseconds % 1000:
            return f"{milliseconds}ms"
        whole = milliseconds // 1000
        for size, unit in ((DAY, "d"), (HOUR, "h"), (MINUTE, "m")):
            if whole % size == 0:
                return f"{whole // size}{unit}"
        return f"{whole}s"

    def window(self, seconds: float) -> str:
        """The range of a rate: never less than a few scrapes."""
        return self.time(max(seconds, 5 / self.factor))


@dataclass(frozen=True)
class Alert:
    """One alert: it fires when `expression` has had a result for `wait` seconds."""

    name: str
    severity: Severity
    wait: int
    summary: str
    expression: Callable[[Scale], str]


@dataclass(frozen=True)
class Objective:
    """A share of what is done that must be good, over 30 days.

    `good` and `total` are counters' names with their labels; the alert compares the error budget's
    burn over a long and a short window, fast and slow (Google SRE workbook, chapter 5).
    """

    name: str
    target: float
    summary: str
    good: str
    total: str


BURNS = ((HOUR, 5 * MINUTE, 14.4), (6 * HOUR, 30 * MINUTE, 6.0))
"""Long window, short window, and how many times the budget's even use."""


def fixed(expression: str) -> Callable[[Scale], str]:
    """An expression that has no times."""
    return lambda _scale: expression


def risen(metric: Metric, selector: str, seconds: int) -> Callable[[Scale], str]:
    """A counter has risen within the window, or has appeared in it."""

    def expression(scale: Scale) -> str:
        series, window = f"{metric.prometheus}{selector}", scale.window(seconds)
        return f"increase({series}[{window}]) > 0 or ({series} unless {series} offset {window}) > 0"

    return expression


def gauge(
    metric: Metric, condition: str, *labels: str, selector: str = ""
) -> Callable[[Scale], str]:
    """The highest reading over the replicas meets a condition."""
    by = ", ".join(("job", *labels))
    return fixed(f"max by ({by}) ({metric.prometheus}{selector}) {condition}")


def burning(objective: Objective) -> Callable[[Scale], str]:
    """The error budget burns too fast over both windows of a pair."""

    def expression(scale: Scale) -> str:
        budget = 1 - objective.target
        pairs = [
            " and ".join(
                f"({_error_ratio(objective, scale.window(window))}) > {times * budget:.6g}"
                for window in (long, short)
            )
            for long, short, times in BURNS
        ]
        return " or ".join(f"({pair})" for pair in pairs)

    return expression


def _error_ratio(objective: Objective, window: str) -> str:
    good = f"sum(rate({objective.good}[{window}]))"
    return f"1 - {good} / (sum(rate({objective.total}[{window}])) > 0)"


def _within(metric: Metric, bound: int, selector: str = "") -> tuple[str, str]:
    """Good and all of a histogram, good being what lies within the bound."""
    if float(bound) not in metric.bounds:
        raise ValueError(f"{metric.name} has no bound at {bound} s")
    bucket, _, count = metric.series
    inner = f'{selector},le="{float(bound)}"' if selector else f'le="{float(bound)}"'
    return f"{bucket}{{{inner}}}", f"{count}{{{selector}}}" if selector else count


def _outcome(metric: Metric, good: str, others: str) -> tuple[str, str]:
    name = metric.prometheus
    return f'{name}{{outcome="{good}"}}', f'{name}{{outcome=~"{good}|{others}"}}'


OBJECTIVES: Sequence[Objective] = (
    Objective(
        "FreshnessBurns",
        0.99,
        "Prices and stock go out later than an hour after they changed (M7.7)",
        *_within(names.TIME_TO_SENT, HOUR, 'action=~"price|stock"'),
    ),
    Objective(
        "AcceptanceBurns",
        0.90,
        "AliExpress refuses more than a tenth of what is sent",
        *_outcome(names.ITEMS_DECIDED, "accepted", "rejected"),
    ),
    Objective(
        "OrderImportsBurn",
        0.99,
        "Order imports end without success",
        *_outcome(names.ORDER_IMPORTS, "done", "failed"),
    ),
    Objective(
        "ShipmentsBurn",
        0.99,
        "Parcels take more than a quarter of an hour to reach AliExpress",
        *_within(names.PARCELS_SETTLED, 15 * MINUTE),
    ),
)


def _lag_grows(scale: Scale) -> str:
    lag = f"max by (job, group, topic, partition) ({names.CONSUMER_LAG.prometheus})"
    grows = f"deriv({names.CONSUMER_LAG.prometheus}[{scale.window(10 * MINUTE)}]) >= 0"
    return (
        f"sum by (job, group) ({lag}) > 100 and sum by (job, group) "
        f"(max by (job, group, topic, partition) ({grows})) >= 0"
    )


def _pool_is_used_up(_scale: Scale) -> str:
    used = f'{names.POOL_CONNECTIONS.prometheus}{{state="used"}}'
    return f"{used} >= on (job, instance) {names.POOL_LIMIT.prometheus}"


ALERTS: Sequence[Alert] = (
    Alert("ConsumerLagGrows", "page", 10 * MINUTE, "A consumer falls behind", _lag_grows),
    Alert(
        "ConsumerPositionLost",
        "page",
        0,
        "A consumer stands still: its position is not in the log",
        gauge(names.POSITIONS_LOST, "> 0", "group"),
    ),
    Alert(
        "KafkaAway",
        "page",
        MINUTE,
        "A consumer has not seen the log's end for a minute",
        gauge(names.CONSUMER_END_AGE, "> 60", "group"),
    ),
    Alert(
        "OutboxAges",
        "page",
        MINUTE,
        "Events are written and not published",
        gauge(names.OUTBOX_AGE, "> 60"),
    ),
    Alert(
        "KafkaRefusesUs",
        "page",
        0,
        "Kafka refuses our identity or our access",
        risen(names.KAFKA_REFUSED, "", 5 * MINUTE),
    ),
    Alert(
        "DeadLettersOpen",
        "ticket",
        MINUTE,
        "Records could not be taken",
        gauge(names.DEAD_LETTERS, "> 0"),
    ),
    Alert(
        "SourceQuarantined",
        "ticket",
        0,
        "A source sends mostly what cannot be taken",
        gauge(names.QUARANTINES, "> 0"),
    ),
    Alert(
        "RowsSetAside",
        "ticket",
        0,
        "A job passes rows over that it failed on",
        gauge(names.ROWS_SET_ASIDE, "> 0"),
    ),
    Alert(
        "RecordsParked",
        "ticket",
        0,
        "Records have waited for an hour for what they need",
        gauge(names.PARKED_AGE, "> 3600"),
    ),
    Alert(
        "PoolUsedUp",
        "ticket",
        5 * MINUTE,
        "Every connection of a process's pool is in use",
        _pool_is_used_up,
    ),
    Alert(
        "MarketplaceLimitReached",
        "ticket",
        0,
        "AliExpress bans calls for a time",
        gauge(names.BANS, "> 0", "scope"),
    ),
    Alert(
        "AppRefused",
        "page",
        0,
        "AliExpress refuses our app",
        gauge(names.APP_REFUSED, "> 0", "code"),
    ),
    Alert(
        "TokenLapses",
        "ticket",
        0,
        "Shops' tokens lapse within three days, or have lapsed",
        gauge(names.TOKENS, "> 0", "days_left", selector='{days_left=~"lapsed|<1|<3"}'),
    ),
    Alert(
        "OrdersLate",
        "page",
        0,
        "Orders are not shipped in time",
        gauge(names.ORDERS_OPEN, "> 0", selector='{status="waiting_shipment",hours_left="late"}'),
    ),
    Alert(
        "FeedUnusable",
        "ticket",
        0,
        "A feed's configuration cannot be used",
        risen(names.CATALOG_FAULTS, '{kind="feed"}', HOUR),
    ),
    Alert(
        "FamilyFailed",
        "ticket",
        0,
        "The service failed on products",
        risen(names.CATALOG_FAULTS, '{kind="family"}', HOUR),
    ),
    Alert(
        "ImportFailed",
        "ticket",
        0,
        "The service failed on a catalogue file",
        risen(names.CATALOG_FAULTS, '{kind="import"}', HOUR),
    ),
    Alert(
        "OrdersNotImported",
        "page",
        0,
        "Orders of a shop are not imported",
        gauge(names.ORDER_IMPORTS_LATE, "> 0"),
    ),
    Alert(
        "RunsWait",
        "ticket",
        0,
        "A feed run has waited for half an hour for its turn",
        gauge(names.RUNS_AGE, "> 1800", "kind", selector='{state="queued"}'),
    ),
    Alert(
        "ShopDiffers",
        "ticket",
        0,
        "Many products are not as AliExpress accepted them",
        lambda scale: (
            f"sum(increase({names.DRIFT_FOUND.prometheus}[{scale.window(6 * HOUR)}])) > 100"
        ),
    ),
    Alert(
        "ChangesWithheld",
        "ticket",
        0,
        "Changes wait for a merchant's confirmation",
        gauge(names.WITHHELD, "> 0", "guard"),
    ),
    Alert(
        "MarketplaceJobStuck",
        "ticket",
        0,
        "AliExpress does not end a feed job",
        gauge(names.CALLS_STUCK, "> 0"),
    ),
    Alert(
        "JobFailing",
        "page",
        MINUTE,
        "A background job fails turn after turn",
        gauge(names.JOBS_FAILING, "> 0", "name"),
    ),
    Alert("NotLive", "page", MINUTE, "A service does not answer", fixed("up == 0")),
    *(
        Alert(objective.name, "page", 0, objective.summary, burning(objective))
        for objective in OBJECTIVES
    ),
)
