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
from stack.system import AUTH, CATALOG, ORDERS, PUBLISHER, SANDBOX, Ports, Service
from stack.throwaway import StoreAddresses

SAMPLE_ROOTS = "6,15,21,44,322,200000343,200000345"
"""Of the 44 top categories those of the sample catalogue: their branches are 171 of 733."""
TREE_OF_SLICES = f"{SAMPLE_ROOTS},201169612"
"""The same, and a top category that not every seller of the sandbox may use."""
QUICK_JOBS: Mapping[str, str] = {"feed_seconds": "0.3", "audit_seconds": "0.3"}
"""Settings of a sandbox whose jobs and audits nobody has to wait for."""
CONNECTIONS = "5"
"""At most, of a service: a new process asks for all it may have, and each must learn each query."""


def _few_connections(service: Service) -> Mapping[str, str]:
    return {f"{service.prefix}_DATABASE_POOL_SIZE": CONNECTIONS}


_QUICK: Mapping[str, Mapping[str, str]] = {
    SANDBOX: {
        "SANDBOX_CATEGORY_ROOTS": SAMPLE_ROOTS,
        **{f"SANDBOX_{name.upper()}": value for name, value in QUICK_JOBS.items()},
    },
    AUTH.name: _few_connections(AUTH),
    CATALOG.name: _few_connections(CATALOG),
    PUBLISHER.name: {
        **_few_connections(PUBLISHER),
        f"{PUBLISHER.prefix}_WATCH_SECONDS": "1",
    },
    ORDERS.name: {
        **_few_connections(ORDERS),
        f"{ORDERS.prefix}_FIRST_PAUSE_SECONDS": "0.25",
    },
}


class StartSystem(Protocol):
    """The fixture `start_system`."""

    def __call__(
        self,
        environment: Mapping[str, Mapping[str, str]] | None = None,
        *,
        kafka_secure: bool = False,
        traces: bool = False,
        console: bool = False,
    ) -> AbstractAsyncContextManager[Stack]:
        """A system for the block in which little has to be waited for, its sellers' categories
        those of the sample; `environment` adds variables by process name. `kafka_secure`
        gives it a Kafka of its own, with TLS and users; `traces` a store of its traces, `console`
        the console."""


@asynccontextmanager
async def running_system(
    addresses: StoreAddresses,
    folder: Path,
    spawn: Spawn,
    environment: Mapping[str, Mapping[str, str]] | None = None,
    *,
    kafka_secure: bool = False,
    traces: bool = False,
    console: bool = False,
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
        console=console,
        installation=f"t{uuid4().hex[:8]}",
    )
    given = environment or {}
    whole = {name: {**_QUICK.get(name, {}), **given.get(name, {})} for name in {*_QUICK, *given}}
    async with running_stack(settings, ports=Ports.free(), environment=whole, spawn=spawn) as stack:
        yield stack
