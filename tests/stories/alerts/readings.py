"""What each alert's metric shows before, during and after its fault, a reading a minute.

All follow one timetable: well for an hour, the fault for two, well again. `a+bxn` is Prometheus'
notation: n more readings after a, each b higher.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from deploy.observability.alerts import Alert

WELL, FAULT, AFTER = "0x59", "0x120", "0x800"


@dataclass(frozen=True)
class Readings:
    """Series with their values, and what the alert says besides its name and severity."""

    series: Mapping[str, str]
    labels: Mapping[str, str] = field(default_factory=dict)
    well_at: str = "50m"
    fires_at: str = "2h30m"
    ended_at: str = "13h"

    def expected(self, alert: Alert) -> dict[str, Any]:
        """The alert as promtool wants it."""
        return {
            "exp_labels": {"severity": alert.severity, **self.labels},
            "exp_annotations": {
                "summary": alert.summary,
                "runbook": f"docs/runbook.md#{alert.name.lower()}",
            },
        }


def level(series: str, high: float, **labels: str) -> Readings:
    """A gauge that is 0, then `high`, then 0."""
    return levels(series, 0, high, **labels)


def levels(series: str, low: float, high: float, **labels: str) -> Readings:
    """A gauge that is low, then high, then low; labels are those of the alert."""
    values = f"{low}+0x59 {high}+0x119 {low}+0x800"
    return Readings({series: values}, labels)


def rises(series: str, **labels: str) -> Readings:
    """A counter that is not there, then appears with its first count, and does not rise again."""
    return Readings({series: f"_x100 1+0x44 {AFTER.replace('0x', '1+0x')}"}, labels)


def budget(good: str, total: str, *, per_minute: int = 10) -> Readings:
    """Everything good, then nothing good for two hours, then everything."""
    step, fault = per_minute, 120
    good_now = step * 60
    bad_until = good_now + step * fault
    return Readings(
        {
            good: f"0+{step}x59 {good_now}+0x{fault - 1} {good_now}+{step}x800",
            total: f"0+{step}x59 {good_now}+{step}x{fault - 1} {bad_until}+{step}x800",
        }
    )


_BUCKET = "channel_product_time_to_sent_seconds_bucket"
_PARCEL = "channel_parcels_settled_seconds"

READINGS: Mapping[str, Readings] = {
    "ConsumerLagGrows": Readings(
        {
            'channel_consumer_lag{job="s",group="g",topic="t",partition="0"}': (
                "0+0x59 0+10x119 0+0x800"
            )
        },
        {"job": "s", "group": "g"},
    ),
    "ConsumerPositionLost": level(
        'channel_consumer_positions_lost{job="s",group="g"}', 1, job="s", group="g"
    ),
    "KafkaAway": levels(
        'channel_consumer_end_age_seconds{job="s",group="g"}', 4, 90, job="s", group="g"
    ),
    "OutboxAges": levels('channel_outbox_age_seconds{job="s"}', 1, 61, job="s"),
    "KafkaRefusesUs": Readings(
        {'channel_kafka_refused_total{job="s",kind="access"}': "_x59 1+1x119 120+0x800"},
        {"job": "s", "kind": "access"},
    ),
    "DeadLettersOpen": level('channel_dead_letters_open{job="s"}', 1, job="s"),
    "SourceQuarantined": level('channel_quarantines{job="s"}', 1, job="s"),
    "RowsSetAside": level('channel_jobs_set_aside{job="s"}', 1, job="s"),
    "RecordsParked": levels('channel_parked_age_seconds{job="s"}', 3599, 3601, job="s"),
    "PoolUsedUp": Readings(
        {
            'channel_postgres_pool_connections{job="s",instance="i",state="used"}': (
                "9+0x59 10+0x119 9+0x800"
            ),
            'channel_postgres_pool_limit{job="s",instance="i"}': "10+0x1000",
        },
        {"job": "s", "instance": "i"},
    ),
    "MarketplaceLimitReached": level(
        'channel_aliexpress_bans{job="s",scope="app"}', 1, job="s", scope="app"
    ),
    "AppRefused": level('channel_aliexpress_app_refused{job="s",code="11"}', 2, job="s", code="11"),
    "TokenLapses": level('channel_tokens{job="s",days_left="<3"}', 1, job="s", days_left="<3"),
    "OrdersLate": level(
        'channel_orders_open{job="s",status="waiting_shipment",hours_left="late"}', 1, job="s"
    ),
    "FeedUnusable": rises(
        'channel_catalog_faults_total{job="s",kind="feed"}', job="s", kind="feed"
    ),
    "FamilyFailed": rises(
        'channel_catalog_faults_total{job="s",kind="family"}', job="s", kind="family"
    ),
    "ImportFailed": rises(
        'channel_catalog_faults_total{job="s",kind="import"}', job="s", kind="import"
    ),
    "OrdersNotImported": level('channel_orders_imports_late{job="s"}', 1, job="s"),
    "RunsWait": levels(
        'channel_feed_runs_age_seconds{job="s",kind="offer",state="queued"}',
        1799,
        1801,
        job="s",
        kind="offer",
    ),
    "ShopDiffers": Readings({'channel_drift_found_total{job="s"}': "0+0x59 0+2x119 240+0x800"}),
    "ChangesWithheld": level(
        'channel_feed_withheld{job="s",guard="removal"}', 3, job="s", guard="removal"
    ),
    "MarketplaceJobStuck": level('channel_feed_calls_stuck{job="s"}', 1, job="s"),
    "JobFailing": level('channel_jobs_failing{job="s",name="j"}', 1, job="s", name="j"),
    "NotLive": levels('up{job="s"}', 1, 0, job="s"),
    "FreshnessBurns": budget(
        f'{_BUCKET}{{action="stock",le="3600.0"}}',
        'channel_product_time_to_sent_seconds_count{action="stock"}',
    ),
    "AcceptanceBurns": Readings(
        {
            'channel_feed_items_decided_total{outcome="accepted"}': "0+10x59 600+0x119 600+10x800",
            'channel_feed_items_decided_total{outcome="rejected"}': "0+0x59 0+10x119 1190+0x800",
        }
    ),
    "OrderImportsBurn": Readings(
        {
            'channel_orders_imports_ended_total{outcome="done"}': "0+10x59 600+0x119 600+10x800",
            'channel_orders_imports_ended_total{outcome="failed"}': "0+0x59 0+10x119 1190+0x800",
        }
    ),
    "ShipmentsBurn": budget(f'{_PARCEL}_bucket{{le="900.0"}}', f"{_PARCEL}_count"),
}
