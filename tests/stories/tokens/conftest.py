from collections.abc import AsyncIterator

import pytest

from channel_demo.session import Session
from stack.run import Stack
from stack.system import SERVICES, TRACES
from stack.testing import Programs, StartSystem

from ..command_line import ChannelCommand
from ..sample import bring_online, part_of, sample_of, sample_session
from .spans import Spans, received_spans


@pytest.fixture(scope="package")
async def spans() -> AsyncIterator[Spans]:
    """All spans the system exports."""
    async with received_spans() as spans:
        yield spans


@pytest.fixture(scope="package")
async def system(start_system: StartSystem, spans: Spans) -> AsyncIterator[Stack]:
    """A system whose clock may be moved; all it exports is received, and passed on to its store of
    traces. Its logs say all there is to say."""
    exported = {
        "OTEL_EXPORTER_OTLP_ENDPOINT": spans.address,
        "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": f"{spans.address}/v1/traces",
        "OTEL_BSP_SCHEDULE_DELAY": "200",
        "OTEL_BLRP_SCHEDULE_DELAY": "200",
        "OTEL_METRIC_EXPORT_INTERVAL": "5000",
    }
    environment = {
        service.name: exported | {f"{service.prefix}_LOG_LEVEL": "DEBUG"} for service in SERVICES
    }
    async with start_system(environment, traces=True) as system:
        spans.passed_on_to = system.url(TRACES)
        yield system


@pytest.fixture(scope="package")
async def session(system: Stack) -> AsyncIterator[Session]:
    """A part of the sample online."""
    async with sample_session(system) as session:
        await bring_online(session, part_of(sample_of(system), "BLS", "TSH"))
        yield session


@pytest.fixture
def channel(programs: Programs, system: Stack) -> ChannelCommand:
    """The command line, for the operator."""
    return ChannelCommand(programs, system)
