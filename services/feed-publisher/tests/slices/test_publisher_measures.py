"""What metrics show of feeds: runs that wait, changes withheld, and how long changes take."""

from datetime import timedelta

import pytest
from msgspec.structs import replace
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import (
    HistogramDataPoint,
    InMemoryMetricReader,
    NumberDataPoint,
)

from common import clock
from common.telemetry.names import ITEMS_DECIDED, RUNS_ENDED, TIME_TO_LIVE, TIME_TO_SENT, Metric
from feed_publisher.driving import drive_run
from feed_publisher.measuring import measure_feeds as measuring
from feed_publisher.sending import record

from ..publisher_harness import Harness, Sku

HOUR = timedelta(hours=1)


async def test_open_runs_and_withheld_changes_are_counted(harness: Harness) -> None:
    await measuring.measure_feeds(harness.pool)
    assert set(measuring._open._readings.values()) == {0.0}
    assert measuring._withheld._readings[(("guard", "removal"),)] == 0
    for number, minutes in enumerate((40, 10)):
        await harness.pool.execute(
            """
            INSERT INTO feed_run (merchant_id, run_id, feed_id, shop_id, kind, cause, is_dry_run,
                state, asked_at)
            VALUES ('m', $1, $1, 's', 'offer', 'schedule', false, 'queued', $2)
            """,
            f"r{number}",
            clock.now() - timedelta(minutes=minutes),
        )
    await harness.pool.execute(
        """
        INSERT INTO held_change (merchant_id, feed_id, kind, family_id, guard, desired_revision,
            sku_codes, held_at) VALUES ('m', 'f', 'product', 'p', 'removal', 1, '{}', $1)
        """,
        clock.now(),
    )
    await measuring.measure_feeds(harness.pool)
    offers = (("kind", "offer"), ("state", "queued"))
    assert measuring._open._readings[offers] == 2
    assert 2400 <= measuring._age._readings[offers] < 2500
    assert measuring._withheld._readings[(("guard", "removal"),)] == 1
    assert measuring._stuck._readings[()] == 0
    await harness.pool.execute("DELETE FROM feed_run WHERE merchant_id = 'm'")


async def test_what_became_of_items_is_counted_and_timed(
    harness: Harness, monkeypatch: pytest.MonkeyPatch
) -> None:
    reader = InMemoryMetricReader()
    meter = MeterProvider(metric_readers=[reader]).get_meter("test")
    for module, name, metric in (
        (record, "_decided", ITEMS_DECIDED),
        (drive_run, "_ended", RUNS_ENDED),
    ):
        monkeypatch.setattr(module, name, meter.create_counter(metric.name))
    for name, metric in (("_to_sent", TIME_TO_SENT), ("_to_live", TIME_TO_LIVE)):
        monkeypatch.setattr(record, name, meter.create_histogram(metric.name))
    changed_at = clock.now() - HOUR
    products = [harness.product(f"p{n}", Sku(f"p{n}")) for n in range(3)]
    await harness.publish(*(replace(product, changed_at=changed_at) for product in products))
    assert points(reader, ITEMS_DECIDED)[("outcome", "accepted")] >= 3
    ended = await harness.pool.fetchval("SELECT count(*) FROM feed_run WHERE state = 'completed'")
    completed = (("kind", "product"), ("outcome", "completed"))
    assert points(reader, RUNS_ENDED) == {completed: ended}
    for metric in (TIME_TO_SENT, TIME_TO_LIVE):
        assert points(reader, metric)[("action", "create")] == 3
        assert shortest(reader, metric) >= HOUR.total_seconds()


def points(reader: InMemoryMetricReader, metric: Metric) -> dict[object, float]:
    """Counts by attributes; a single attribute stands alone."""
    data = reader.get_metrics_data()
    assert data is not None
    found: dict[object, float] = {}
    for resource in data.resource_metrics:
        for scope in resource.scope_metrics:
            for one in scope.metrics:
                if one.name == metric.name:
                    for point in one.data.data_points:
                        key = tuple(sorted((point.attributes or {}).items()))
                        found[key[0] if len(key) == 1 else key] = value_of(point)
    return found


def shortest(reader: InMemoryMetricReader, metric: Metric) -> float:
    """The least that a histogram was given."""
    data = reader.get_metrics_data()
    assert data is not None
    return min(
        point.min
        for resource in data.resource_metrics
        for scope in resource.scope_metrics
        for one in scope.metrics
        for point in one.data.data_points
        if one.name == metric.name and isinstance(point, HistogramDataPoint)
    )


def value_of(point: object) -> float:
    if isinstance(point, HistogramDataPoint):
        return point.count
    assert isinstance(point, NumberDataPoint)
    return point.value
