"""A fault raises its alert, and what the runbook says ends it, on one running system.

Two of them by default, the others by `make alerts`, which writes the table of docs/operations.md.
Every dashboard's query is asked on the same system.
"""

import time
from collections.abc import Iterator
from html import unescape
from pathlib import Path

import pytest
from deploy.observability.dashboards import DASHBOARDS, Dashboard

from stack.testing import eventually

from .faults import GUARDED, LONG, SHORT
from .table import Result, write_table
from .watched import Fault, Watched

SHOWN_ONCE_IT_HAPPENED = {
    "Operations our app is refused",
    "How far imports are behind",
    "How far order imports are behind",
}
OPERATIONS = Path(__file__).parents[3] / "docs" / "operations.md"


@pytest.fixture(scope="package")
def results(pytestconfig: pytest.Config) -> Iterator[list[Result]]:
    """What was seen; the long form writes it down."""
    seen: list[Result] = []
    yield seen
    if pytestconfig.getoption("--length") == "long":
        write_table(OPERATIONS, seen)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    is_long = metafunc.config.getoption("--length") == "long"
    if "fault" in metafunc.fixturenames:
        needs_users = "guarded" in metafunc.fixturenames
        faults = (LONG if is_long else SHORT) if not needs_users else [GUARDED] * is_long
        metafunc.parametrize("fault", faults, ids=[fault.alert for fault in faults])


async def test_a_fault_raises_its_alert_and_the_runbook_ends_it(
    watched: Watched, fault: Fault, results: list[Result]
) -> None:
    results.append(await raised_and_ended(watched, fault))


async def test_a_kafka_that_refuses_us_raises_its_alert(
    guarded: Watched, fault: Fault, results: list[Result]
) -> None:
    """In the long form alone: it needs a system of its own."""
    results.append(await raised_and_ended(guarded, fault))


async def raised_and_ended(watched: Watched, fault: Fault) -> Result:
    """Have the alert raised by its fault and ended by the runbook; how long both took."""

    async def is_firing() -> bool:
        return fault.alert in await watched.prometheus.firing()

    async def is_silent() -> bool:
        return not await is_firing()

    await eventually(is_silent, within=60)
    began = time.monotonic()
    async with fault.begin(watched):
        await eventually(is_firing, within=fault.within)
        raised = time.monotonic() - began
        began = time.monotonic()
    await eventually(is_silent, within=fault.within)
    return Result(fault, raised, time.monotonic() - began)


@pytest.mark.parametrize("dashboard", DASHBOARDS, ids=lambda dashboard: dashboard.name)
async def test_prometheus_answers_every_panel_and_serves_the_page(
    watched: Watched, dashboard: Dashboard
) -> None:
    """Gauges of every running system have data; what is counted has some once it happened."""
    for panel in dashboard.panels:

        async def has_data(query: str = panel.query) -> bool:
            return bool(await watched.prometheus.query(query))

        if panel.title in SHOWN_ONCE_IT_HAPPENED or not panel.query.startswith("max by"):
            await watched.prometheus.query(panel.query)
        else:
            await eventually(has_data, within=40)
    page = unescape(await watched.prometheus.page(f"/consoles/{dashboard.name}.html"))
    assert dashboard.panels[0].title in page
    assert "/consoles/overview.html" in page
