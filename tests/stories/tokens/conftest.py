from collections.abc import AsyncIterator

import pytest

from channel_demo.stage import Stage
from stack.system import SERVICES
from stack.testing import StartSystem

from ..sample import bring_online, part_of, sample_of, sample_stage
from .spans import Spans, received_spans


@pytest.fixture(scope="package")
async def spans() -> AsyncIterator[Spans]:
    """All spans the system exports."""
    async with received_spans() as spans:
        yield spans


@pytest.fixture(scope="package")
async def stage(start_system: StartSystem, spans: Spans) -> AsyncIterator[Stage]:
    """A part of the sample online, on a system whose clock may be moved."""
    exported = {"OTEL_EXPORTER_OTLP_ENDPOINT": spans.address, "OTEL_BSP_SCHEDULE_DELAY": "200"}
    environment = {service.name: exported for service in SERVICES}
    async with start_system(environment) as system, sample_stage(system) as stage:
        await bring_online(stage, part_of(sample_of(system), "BLS", "TSH"))
        yield stage
