"""Postgres and Kafka together: chosen by the settings, started side by side, kept or wiped as one.

The positions in Postgres speak of the records in Kafka, so one without the other is worth nothing.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from stack.accounts import remove_owned_folder
from stack.failures import StackFailure
from stack.kafka import Detour, EmbeddedKafka, Kafka, RemoteKafka
from stack.kafka_identity import KafkaIdentity
from stack.kinds import Kind, Offer, keep_kinds, kinds_of, may_have_docker
from stack.ports import kept_port, require_free
from stack.postgres import EmbeddedPostgres, Postgres, RemotePostgres
from stack.settings import StackSettings

POSTGRES_IMAGE = "postgres:18"
KAFKA_IMAGE = "apache/kafka:4.3.1"


@dataclass(frozen=True)
class Stores:
    """The two stores of one stack."""

    postgres: Postgres
    kafka: Kafka


@asynccontextmanager
async def running_stores(
    settings: StackSettings,
    *,
    postgres_password: str,
    kafka_detours: Sequence[Detour] = (),
    kafka_identity: KafkaIdentity | None = None,
) -> AsyncIterator[Stores]:
    """Run both stores for the body of the `async with`; raises `StackFailure` if one will not.

    Only an embedded Kafka has the detours, and users.
    """
    kinds = choose_kinds(settings)
    stores = Stores(
        _postgres(settings, kinds["Postgres"], postgres_password),
        _kafka(settings, kinds["Kafka"], kafka_detours, kafka_identity),
    )
    try:
        async with asyncio.TaskGroup() as group:
            group.create_task(stores.postgres.start())
            group.create_task(stores.kafka.start())
        yield stores
    except BaseExceptionGroup as several:
        raise several.exceptions[0] from None
    finally:
        await asyncio.gather(stores.kafka.stop(), stores.postgres.stop())


def choose_kinds(settings: StackSettings) -> dict[str, Kind]:
    """The kind of each store, kept for the next start. Raises `OtherStores`."""
    offers = (
        Offer(
            "Postgres",
            "STACK_DATABASE_URL",
            POSTGRES_IMAGE,
            is_given=settings.database_url is not None,
            has_container=lambda: settings.containers and _has_image(POSTGRES_IMAGE),
        ),
        Offer(
            "Kafka",
            "STACK_KAFKA_BOOTSTRAP",
            KAFKA_IMAGE,
            is_given=settings.kafka_bootstrap is not None,
            has_container=lambda: (
                settings.containers and not settings.kafka_secure and _has_image(KAFKA_IMAGE)
            ),
        ),
    )
    began_with = kinds_of(settings.state_dir)
    kinds = {offer.store: offer.choose(began_with.get(offer.store)) for offer in offers}
    keep_kinds(settings.state_dir, kinds)
    return kinds


def wipe_stores(state: Path) -> None:
    """Forget what both stores hold. Raises `StackFailure` when Docker holds it and is away."""
    began_with = kinds_of(state)
    images = {"Postgres": POSTGRES_IMAGE, "Kafka": KAFKA_IMAGE}
    contained = [images[store] for store, kind in began_with.items() if kind is Kind.CONTAINER]
    if contained:
        if not all(map(_has_image, contained)):
            raise StackFailure("the stores lie in volumes of Docker: let it run, then try again")
        from stack.containers import remove_volume  # noqa: PLC0415 - only where Docker is

        for image in contained:
            remove_volume(state, image)
    remove_owned_folder(state / "postgres")
    remove_owned_folder(state / "kafka")


def _has_image(image: str) -> bool:
    if not may_have_docker():
        return False
    from stack.containers import has_image  # noqa: PLC0415 - half a second, only where Docker is

    return has_image(image)


def _postgres(settings: StackSettings, kind: Kind, password: str) -> Postgres:
    if settings.database_url is not None:
        return RemotePostgres(settings.database_url.get_secret_value())
    state = settings.state_dir
    port = _port(settings.postgres_port, state, "postgres", "STACK_POSTGRES_PORT")
    if kind is Kind.CONTAINER:
        from stack.containers import ContainerPostgres  # noqa: PLC0415 - only where Docker is

        return ContainerPostgres(POSTGRES_IMAGE, state, port=port, password=password)
    return EmbeddedPostgres(
        state / "postgres",
        state / "logs" / "postgres.log",
        port=port,
        password=password,
        is_durable=settings.is_durable,
    )


def _kafka(
    settings: StackSettings,
    kind: Kind,
    detours: Sequence[Detour],
    identity: KafkaIdentity | None,
) -> Kafka:
    if identity is not None and kind is not Kind.EMBEDDED:
        raise StackFailure(
            "STACK_KAFKA_SECURE is for the embedded Kafka, and this stack has another: unset it,"
            " or STACK_KAFKA_BOOTSTRAP"
        )
    if settings.kafka_bootstrap is not None:
        return RemoteKafka(settings.kafka_bootstrap)
    state = settings.state_dir
    port = _port(settings.kafka_port, state, "kafka", "STACK_KAFKA_PORT")
    if kind is Kind.CONTAINER:
        from stack.containers import ContainerKafka  # noqa: PLC0415 - only where Docker is

        return ContainerKafka(KAFKA_IMAGE, state, port=port)
    return EmbeddedKafka(
        state / "kafka",
        state / "logs" / "kafka.log",
        port=port,
        detours=detours,
        identity=identity,
    )


def _port(wanted: int, state: Path, owner: str, setting: str) -> int:
    if wanted == 0:
        return kept_port(state / "ports.json", owner)
    require_free(wanted, owner=owner, setting=setting)
    return wanted
