"""Lines are redacted, carry their trace, go out by OTLP; what a library repeats is counted."""

import json
import logging
from collections.abc import Iterator

import pytest
import structlog
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import InMemoryLogRecordExporter, SimpleLogRecordProcessor
from opentelemetry.sdk.trace import TracerProvider

from common.telemetry import logs
from common.telemetry.logs import REPEATED, ThrottledHandler, set_up_logs
from common.telemetry.setup import Signal, is_exported

CANARY = "canary-4711"


@pytest.fixture(autouse=True)
def logging_as_it_was() -> Iterator[None]:
    """Logging is the process's: left as it was found."""
    root, structured = logging.getLogger(), structlog.get_config()
    before, level = root.handlers, root.level
    yield
    structlog.configure(**structured)
    structlog.contextvars.clear_contextvars()
    root.handlers = before
    root.setLevel(level)


Capture = pytest.CaptureFixture[str]


def lines(capsys: Capture) -> list[dict[str, object]]:
    """What was written since the last look."""
    return [json.loads(line) for line in capsys.readouterr().err.splitlines()]


def test_a_line_is_exported_as_it_is_written_redacted_and_in_its_trace(
    capsys: Capture,
) -> None:
    exporter = InMemoryLogRecordExporter()  # type: ignore[no-untyped-call]  # the SDK has no types
    provider = LoggerProvider(shutdown_on_exit=False)
    provider.add_log_record_processor(SimpleLogRecordProcessor(exporter))
    set_up_logs("test-service", "INFO", provider)
    with (
        TracerProvider().get_tracer("test").start_as_current_span("job"),
        structlog.contextvars.bound_contextvars(merchant="lumo", order="77"),
    ):
        structlog.get_logger().warning("shipment.refused", access_token=CANARY, parcels=2)
        logging.getLogger("aiokafka").error("no broker at %s", f"session={CANARY}")
        logging.getLogger("opentelemetry.sdk").error("the collector does not answer")
    seen = lines(capsys)
    assert CANARY not in str(seen)
    assert len(seen) == 3
    ours, theirs = [one.log_record for one in exporter.get_finished_logs()]
    assert CANARY not in str(ours.attributes) + str(theirs.body)
    attributes = dict(ours.attributes or {})
    assert ours.body == "shipment.refused"
    assert ours.severity_text == "WARNING"
    assert (attributes["merchant"], attributes["order"], attributes["parcels"]) == ("lumo", "77", 2)
    assert f"{ours.trace_id:032x}" == seen[0]["trace_id"]


def flooded(monkeypatch: pytest.MonkeyPatch, capsys: Capture, seconds: float) -> list[str]:
    """What is left of 1,000 lines that differ in a number, within so many seconds, and one after
    them."""
    now = [100.0]
    monkeypatch.setattr("common.telemetry.logs.time.monotonic", lambda: now[0])
    set_up_logs("test-service", "INFO")
    library = logging.getLogger("aiokafka.conn")
    for number in range(1_000):
        now[0] += seconds / 1_000
        library.error(f"Unable to connect to node {number}: %s", "refused")
    now[0] += 2 * logs.WINDOW_SECONDS
    library.error("back again")
    return [str(line["event"]) for line in lines(capsys)]


def test_a_flood_is_cut_to_a_few_lines_and_their_number(
    monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    events = flooded(monkeypatch, capsys, seconds=30)
    assert len(events) == REPEATED + 2
    assert events[-2] == f"{1_000 - REPEATED} more lines like this one were left out: " + events[0]
    assert events[-1] == "back again"


def test_a_flood_of_two_minutes_is_reported_each_minute(
    monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    events = flooded(monkeypatch, capsys, seconds=120)
    counted = [event for event in events if "left out" in event]
    left_out = sum(int(event.split()[0]) for event in counted)
    through = sum(event.startswith("Unable") for event in events)
    assert 2 <= len(counted) <= 3
    assert left_out + through == 1_000


def test_lines_that_differ_in_words_are_all_written(
    monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    set_up_logs("test-service", "INFO")
    for word in ("one", "two", "three", "four", "five", "six", "seven"):
        logging.getLogger("aiokafka").error(f"{word} failed")
    assert len(lines(capsys)) == 7


def test_what_was_left_out_is_written_at_the_end(capsys: Capture) -> None:
    handler = ThrottledHandler()
    record = logging.LogRecord("lib", logging.ERROR, "f.py", 1, "again", (), None)
    for _ in range(REPEATED + 4):
        handler.handle(record)
    handler.close()
    written = capsys.readouterr().err
    assert written.count("again") == REPEATED + 1
    assert "4 more lines" in written


EXPORTS: list[tuple[dict[str, str], set[str]]] = [
    ({}, set()),
    ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://c"}, {"TRACES", "METRICS", "LOGS"}),
    ({"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://c/v1/traces"}, {"TRACES"}),
    (
        {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://c", "OTEL_LOGS_EXPORTER": "none"},
        {"TRACES", "METRICS"},
    ),
    (
        {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://c", "OTEL_METRICS_EXPORTER": "prometheus"},
        {"TRACES", "LOGS"},
    ),
    (
        {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://c", "OTEL_METRICS_EXPORTER": "otlp,prometheus"},
        {"TRACES", "METRICS", "LOGS"},
    ),
]


@pytest.mark.parametrize(("variables", "exported"), EXPORTS)
def test_each_signal_is_exported_as_opentelemetrys_variables_say(
    monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], exported: set[str]
) -> None:
    signals: list[Signal] = ["TRACES", "METRICS", "LOGS"]
    for signal in signals:
        monkeypatch.delenv(f"OTEL_{signal}_EXPORTER", raising=False)
        monkeypatch.delenv(f"OTEL_EXPORTER_OTLP_{signal}_ENDPOINT", raising=False)
    monkeypatch.delenv("OTEL_EXPORTER_OTLP_ENDPOINT", raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert {signal for signal in signals if is_exported(signal)} == exported
