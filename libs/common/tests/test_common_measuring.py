"""What metrics show while Kafka is away, and of partitions that went to another member."""

import re
from datetime import timedelta

import pytest
from aiokafka import TopicPartition
from opentelemetry.exporter.prometheus import PrometheusMetricReader
from opentelemetry.sdk.metrics import MeterProvider
from prometheus_client import REGISTRY

from common import clock
from common.jobs import Job
from common.measuring import Measuring
from common.messaging import watchdog
from common.messaging.lag import Lag
from common.messaging.outbox import add_events
from common.postgres.set_aside import RowKey, note_failure
from common.postgres.unit_of_work import unit_of_work
from common.telemetry import setup
from common.telemetry.names import (
    CONSUMER_END_AGE,
    CONSUMER_LAG,
    JOBS_FAILING,
    METRICS,
    OUTBOX_AGE,
    OUTBOX_SIZE,
    POOL_LIMIT,
    Metric,
)
from stack.kafka import EmbeddedKafka
from stack.testing import eventually

from .backbone_harness import Harness, product

GROUP = "test.sources"


@pytest.fixture(scope="module", autouse=True)
def _telemetry() -> None:
    setup.set_up("test", instance="measuring")


@pytest.fixture(scope="module")
def kafka_bootstrap(broker: EmbeddedKafka) -> str:
    return broker.bootstrap


def shown(metric: Metric, **labels: str) -> list[float]:
    """The values of the metric's series with these labels, as they are scraped."""
    return [
        sample.value
        for family in REGISTRY.collect()
        for sample in family.samples
        if sample.name in metric.series and labels.items() <= sample.labels.items()
    ]


async def test_outbox_and_lag_are_shown_while_kafka_is_away(
    harness: Harness, broker: EmbeddedKafka, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watchdog, "CHECK_PROGRESS_EVERY", timedelta(seconds=1))
    consumer = harness.consumer()
    measuring = Measuring(harness.pool, [consumer], [])
    await harness.send(*(product(f"before-{n}") for n in range(10)))
    consumer.start()
    await eventually(harness.table_has("seen", 10))

    async def is_caught_up() -> bool:
        await measuring.run()
        lag = shown(CONSUMER_LAG, group=GROUP)
        return bool(lag) and max(lag) == 0 and max(shown(CONSUMER_END_AGE, group=GROUP)) < 3

    await eventually(is_caught_up, within=30)
    series = len(shown(CONSUMER_LAG, group=GROUP))
    await broker.stop()
    async with unit_of_work(harness.pool) as connection:
        await add_events(connection, [product("away")], source="/test")
    await harness.pool.execute(
        "UPDATE outbox SET added_at = $1", clock.now() - timedelta(minutes=5)
    )
    # the store stands five records behind what was last seen of the log
    await harness.pool.execute(
        "UPDATE consumer_position SET next_offset = next_offset - 5 WHERE next_offset ="
        " (SELECT max(next_offset) FROM consumer_position)"
    )

    async def shows_the_outage() -> bool:
        await measuring.run()
        return min(shown(CONSUMER_END_AGE, group=GROUP)) > 4

    await eventually(shows_the_outage, within=40)
    assert shown(OUTBOX_SIZE) == [1]
    assert 290 < shown(OUTBOX_AGE)[0] < 400
    assert len(shown(CONSUMER_LAG, group=GROUP)) == series
    assert max(shown(CONSUMER_LAG, group=GROUP)) >= 5
    await broker.start()


async def test_an_event_that_is_set_aside_does_not_age_the_outbox(harness: Harness) -> None:
    async with unit_of_work(harness.pool) as connection:
        await add_events(connection, [product("poison")], source="/test")
        row = await connection.fetchrow("SELECT id FROM outbox")
    assert row is not None
    await harness.pool.execute(
        "UPDATE outbox SET added_at = $1", clock.now() - timedelta(minutes=5)
    )
    measuring = Measuring(harness.pool, [], [])
    await measuring.run()
    assert shown(OUTBOX_AGE)[0] > 290
    for _ in range(5):
        await note_failure(
            harness.pool, "relay", RowKey("m1", str(row["id"])), ValueError("too large")
        )
    await measuring.run()
    assert shown(OUTBOX_AGE) == [0]


async def test_the_pool_and_failing_jobs_are_shown_before_the_database_is_asked(
    harness: Harness,
) -> None:
    async def fails() -> bool:
        raise ValueError("no")

    async def works() -> bool:
        return False

    jobs = [
        Job("broken", fails, every=timedelta(seconds=1)),
        Job("well", works, every=timedelta(seconds=1)),
    ]
    for job in jobs:
        job.start()
    measuring = Measuring(harness.pool, [], jobs)

    async def is_shown() -> bool:
        await measuring.run()
        return shown(JOBS_FAILING, name="broken") == [1]

    try:
        await eventually(is_shown)
        assert shown(JOBS_FAILING, name="well") == [0]
        assert shown(POOL_LIMIT) == [8]
    finally:
        for job in jobs:
            await job.stop()


async def test_series_end_with_the_partition(harness: Harness) -> None:
    lag = Lag("g", prefix="p.")
    first, second = TopicPartition("p.t", 0), TopicPartition("p.t", 1)
    await harness.pool.executemany(
        "INSERT INTO consumer_position VALUES ('p.g', 'p.t', $1, $2)", [(0, 3), (1, 9)]
    )
    async with unit_of_work(harness.pool) as connection:
        lag.see({first: 7, second: 4})
        assert await lag.measure(connection) == {("t", 0): 4, ("t", 1): 0}
        lag.see({second: 10})
        assert await lag.measure(connection) == {("t", 1): 1}


def test_names_are_as_prometheus_writes_them() -> None:
    """What rules and dashboards call a metric is derived; the exporter has the last word."""
    provider = MeterProvider(metric_readers=[PrometheusMetricReader()])
    meter = provider.get_meter("names")
    for metric in METRICS:
        if metric.kind == "counter":
            meter.create_counter(metric.name, metric.unit).add(1)
        elif metric.kind == "histogram":
            meter.create_histogram(metric.name, metric.unit).record(1.5)
        else:
            meter.create_gauge(metric.name, metric.unit).set(1)
    written = {sample.name for family in REGISTRY.collect() for sample in family.samples}
    provider.shutdown()
    for metric in METRICS:
        assert set(metric.series) <= written, metric.name
        assert re.fullmatch(r"channel\.[a-z_.]+", metric.name)
        assert metric.meaning


@pytest.mark.parametrize("metric", [m for m in METRICS if m.kind == "histogram"], ids=str)
def test_histograms_have_the_bounds_that_are_listed(metric: Metric) -> None:
    setup.histogram(metric).record(1.5, {"bounds": "x"})
    found = {
        float(sample.labels["le"])
        for family in REGISTRY.collect()
        for sample in family.samples
        if sample.name == metric.series[0] and "bounds" in sample.labels
    }
    assert found == {*metric.bounds, float("inf")}
