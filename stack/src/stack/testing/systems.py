"""Whole systems for tests: all services and a sandbox, on the stores of the run."""

from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Protocol
from uuid import uuid4

from pydantic import SecretStr

from stack.processes import Spawn
from stack.run import Stack, running_stack
from stack.settings import StackSettings
from stack.system import Ports
from stack.throwaway import StoreAddresses


class StartSystem(Protocol):
    """The fixture `start_system`."""

    def __call__(
        self,
        environment: Mapping[str, Mapping[str, str]] | None = None,
        *,
        kafka_secure: bool = False,
        traces: bool = False,
    ) -> AbstractAsyncContextManager[Stack]:
        """A system for the block; `environment` adds variables by process name. `kafka_secure`
        gives it a Kafka of its own, with TLS and users; `traces` a store of its traces."""


@asynccontextmanager
async def running_system(
    addresses: StoreAddresses,
    folder: Path,
    spawn: Spawn,
    environment: Mapping[str, Mapping[str, str]] | None = None,
    *,
    kafka_secure: bool = False,
    traces: bool = False,
) -> AsyncIterator[Stack]:
    """A system of its own on free ports: its clock may be moved and its processes killed.

    The stores are the run's, under names of this system's own; a secure Kafka is its own. A test
    that restarts a store runs `stack.run.running_stack` with stores of its own.
    """
    settings = StackSettings(
        state_dir=folder,
        database_url=SecretStr(addresses.admin_url),
        kafka_bootstrap=None if kafka_secure else addresses.kafka_bootstrap,
        kafka_secure=kafka_secure,
        traces=traces,
        installation=f"t{uuid4().hex[:8]}",
    )
    async with running_stack(
        settings, ports=Ports.free(), environment=environment, spawn=spawn
    ) as stack:
        yield stack
