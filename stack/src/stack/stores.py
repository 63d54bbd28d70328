"""Postgres and Kafka together: chosen by the settings, started side by side, kept or wiped as one.

The positions in Postgres speak of the records in Kafka, so one without the other is worth nothing.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from stack.accounts import remove_owned_folder
from stack.containers import (
    KAFKA_IMAGE,
    POSTGRES_IMAGE,
    ContainerKafka,
    ContainerPostgres,
    has_image,
    wipe_volumes,
)
from stack.kafka import EmbeddedKafka, Kafka, RemoteKafka
from stack.ports import kept_port, require_free
from stack.postgres import EmbeddedPostgres, Postgres, RemotePostgres
from stack.settings import StackSettings


@dataclass(frozen=True)
class Stores:
    """The two stores of one stack."""

    postgres: Postgres
    kafka: Kafka


@asynccontextmanager
async def running_stores(
    settings: StackSettings, *, postgres_password: str
) -> AsyncIterator[Stores]:
    """Run both stores for the body of the `async with`; raises `StackFailure` if one will not."""
    stores = Stores(_postgres(settings, postgres_password), _kafka(settings))
    try:
        async with asyncio.TaskGroup() as group:
            group.create_task(stores.postgres.start())
            group.create_task(stores.kafka.start())
        yield stores
    except BaseExceptionGroup as several:
        raise several.exceptions[0] from None
    finally:
        await asyncio.gather(stores.kafka.stop(), stores.postgres.stop())


def wipe_stores(state: Path) -> None:
    """Forget what both stores hold."""
    wipe_volumes(state)
    remove_owned_folder(state / "postgres")
    remove_owned_folder(state / "kafka")


def _postgres(settings: StackSettings, password: str) -> Postgres:
    if settings.database_url is not None:
        return RemotePostgres(settings.database_url.get_secret_value())
    state = settings.state_dir
    port = _port(settings.postgres_port, state, "postgres", "STACK_POSTGRES_PORT")
    if settings.containers and has_image(POSTGRES_IMAGE):
        return ContainerPostgres(state, port=port, password=password)
    return EmbeddedPostgres(
        state / "postgres",
        state / "logs" / "postgres.log",
        port=port,
        password=password,
        is_durable=settings.is_durable,
    )


def _kafka(settings: StackSettings) -> Kafka:
    if settings.kafka_bootstrap is not None:
        return RemoteKafka(settings.kafka_bootstrap)
    state = settings.state_dir
    port = _port(settings.kafka_port, state, "kafka", "STACK_KAFKA_PORT")
    if settings.containers and has_image(KAFKA_IMAGE):
        return ContainerKafka(state, port=port)
    return EmbeddedKafka(state / "kafka", state / "logs" / "kafka.log", port=port)


def _port(wanted: int, state: Path, owner: str, setting: str) -> int:
    if wanted == 0:
        return kept_port(state / "ports.json", owner)
    require_free(wanted, owner=owner, setting=setting)
    return wanted
