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

from .faults import LONG, SHORT, Fault, Watched
from .table import Result, write_table

SHOWN_ONCE_IT_HAPPENED = {
    "Operations our app is refused",
    "How far imports are behind",
    "How far order imports are behind",
}
OPERATIONS = Path(__file__).parents[3] / "docs" / "operations.md"


@pytest.fixture(scope="package")
def results(pytestconfig: pytest.Config) -> Iterator[list[Result]]:
    """What was seen; the long form writes it down, once all has been seen."""
    seen: list[Result] = []
    yield seen
    if pytestconfig.getoption("--length") == "long" and len(seen) == len(LONG):
        write_table(OPERATIONS, seen)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "fault" in metafunc.fixturenames:
        faults = LONG if metafunc.config.getoption("--length") == "long" else SHORT
        metafunc.parametrize("fault", faults, ids=[fault.alert for fault in faults])


async def test_a_fault_raises_its_alert_and_the_runbook_ends_it(
    watched: Watched, fault: Fault, results: list[Result]
) -> None:
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
    results.append(Result(fault, raised, time.monotonic() - began))


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
