from collections.abc import AsyncIterator

import pytest

from channel_demo.session import Session
from stack.system import SERVICES
from stack.testing import StartSystem

from ..sample import bring_online, part_of, sample_of, sample_session
from .spans import Spans, received_spans


@pytest.fixture(scope="package")
async def spans() -> AsyncIterator[Spans]:
    """All spans the system exports."""
    async with received_spans() as spans:
        yield spans


@pytest.fixture(scope="package")
async def session(start_system: StartSystem, spans: Spans) -> AsyncIterator[Session]:
    """A part of the sample online, on a system whose clock may be moved."""
    exported = {"OTEL_EXPORTER_OTLP_ENDPOINT": spans.address, "OTEL_BSP_SCHEDULE_DELAY": "200"}
    exported |= {"OTEL_BLRP_SCHEDULE_DELAY": "200", "OTEL_METRIC_EXPORT_INTERVAL": "5000"}
    environment = {service.name: exported for service in SERVICES}
    async with start_system(environment) as system, sample_session(system) as session:
        await bring_online(session, part_of(sample_of(system), "BLS", "TSH"))
        yield session
