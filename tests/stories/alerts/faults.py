"""Faults of Kafka, of jobs and of access, and what the runbook says to end them."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from uuid import uuid4

from aiokafka import AIOKafkaProducer
from aiokafka.protocol.admin import DeleteAclsRequest

from common.contracts.envelope import encode
from common.contracts.shop import ShopState
from common.messaging.clients import new_admin
from stack.kafka_identity import ADMINISTRATOR
from stack.system import CATALOG, ORDERS
from stack.testing import eventually

from .shop_faults import SHOP_FAULTS
from .watched import SOURCE, Fault, Watched

POISONOUS = "/poisonous"
SHOPS_GROUP = "order-importer.shops"


@asynccontextmanager
async def kafka_is_suspended(watched: Watched) -> AsyncIterator[None]:
    try:
        await watched.kafka.process.suspend()
        yield
    finally:
        watched.kafka.process.resume()


@asynccontextmanager
async def events_are_not_published(watched: Watched) -> AsyncIterator[None]:
    async with kafka_is_suspended(watched):
        shop = f"shop-{uuid4().hex[:8]}"
        await watched.session.channel.connect_shop(watched.session.merchant, shop)
        await watched.passes(timedelta(minutes=2))
        yield


async def send_cut_short(watched: Watched, source: str, count: int) -> None:
    """Records of one source whose data end in the middle."""
    addresses = watched.system.addresses
    async with AIOKafkaProducer(bootstrap_servers=addresses.kafka_bootstrap) as producer:
        for event in watched.products("main", count):
            record = encode(event, source=source)
            await producer.send(
                addresses.topic_prefix + record.topic,
                b'{"merchant_id": ',
                record.key,
                headers=record.headers,
            )


async def discard_dead_letters(watched: Watched, source: str) -> None:
    await watched.channel(
        "dead-letters", "discard", "--every-merchant", "--source", source, "--why", "a test's"
    )


@asynccontextmanager
async def a_record_is_cut_short(watched: Watched) -> AsyncIterator[None]:
    await send_cut_short(watched, SOURCE, 1)
    yield
    await discard_dead_letters(watched, SOURCE)


@asynccontextmanager
async def a_source_sends_poison(watched: Watched) -> AsyncIterator[None]:
    await send_cut_short(watched, POISONOUS, 150)
    yield
    await watched.channel("quarantines", "lift", POISONOUS, "--merchant", watched.session.merchant)
    await discard_dead_letters(watched, POISONOUS)


@asynccontextmanager
async def a_catalogue_is_not_declared(watched: Watched) -> AsyncIterator[None]:
    name = f"c{uuid4().hex[:8]}"
    await watched.publish(name, 1)
    async with watched.database(CATALOG.name) as connection:

        async def is_parked() -> bool:
            return bool(await connection.fetchval("SELECT count(*) FROM parked_event"))

        await eventually(is_parked, within=30)
    await watched.passes(timedelta(minutes=61))
    yield
    await watched.session.channel.register_catalogue(
        watched.session.merchant, name, versioning="explicit", fed_by="events"
    )


@asynccontextmanager
async def a_consumer_is_locked_out(watched: Watched) -> AsyncIterator[None]:
    name = f"c{uuid4().hex[:8]}"
    await watched.session.channel.register_catalogue(
        watched.session.merchant, name, versioning="explicit", fed_by="events"
    )
    async with watched.database(CATALOG.name) as connection, connection.transaction():
        await connection.execute("LOCK TABLE consumer_position IN EXCLUSIVE MODE")
        await watched.publish(name, 200)
        yield


@asynccontextmanager
async def a_job_lacks_its_table(watched: Watched) -> AsyncIterator[None]:
    async with watched.database(ORDERS.name) as connection:
        await connection.execute("ALTER TABLE deadline_notice RENAME TO deadline_notice_away")
        yield
        await connection.execute("ALTER TABLE deadline_notice_away RENAME TO deadline_notice")


@asynccontextmanager
async def a_position_is_lost(watched: Watched) -> AsyncIterator[None]:
    process = watched.system.process(ORDERS.name)
    async with watched.database(ORDERS.name) as connection:
        await connection.execute(
            "UPDATE consumer_position SET next_offset = 1000000 WHERE consumer_group LIKE $1",
            f"%{SHOPS_GROUP}",
        )
    await process.kill()
    yield
    await process.stop()
    result = await watched.command.programs.run(
        "order_importer",
        *("positions", "reset", "--group", SHOPS_GROUP, "--topic", ShopState.topic, "--force"),
        environment=watched.system.environment(ORDERS),
    )
    assert result.code == 0, result.err
    await process.start()


@asynccontextmanager
async def a_service_is_down(watched: Watched) -> AsyncIterator[None]:
    process = watched.system.process(ORDERS.name)
    await process.stop()
    yield
    await process.start()


@asynccontextmanager
async def the_app_is_refused(watched: Watched) -> AsyncIterator[None]:
    await watched.marketplace.set_fault(kind="error", operation="*.order.get", code="11")
    await watched.import_orders()
    yield
    await watched.marketplace.remove_faults()


@asynccontextmanager
async def calls_are_banned(watched: Watched) -> AsyncIterator[None]:
    await watched.marketplace.control("bans", operation="*", seconds=20)
    await watched.import_orders()
    yield


@asynccontextmanager
async def imports_fail_for_long(watched: Watched) -> AsyncIterator[None]:
    await watched.marketplace.set_fault(kind="error", operation="*.order.get", code="11")
    await watched.import_orders()
    await watched.passes(timedelta(minutes=125))
    yield
    await watched.marketplace.remove_faults()


@asynccontextmanager
async def a_token_grows_old(watched: Watched) -> AsyncIterator[None]:
    await watched.passes(timedelta(days=28))
    yield
    await watched.connect_again()


@asynccontextmanager
async def access_is_taken_away(watched: Watched) -> AsyncIterator[None]:
    """Only on a Kafka with users: `order-importer` may do nothing any more."""
    access = watched.system.kafka_access(ADMINISTRATOR)
    admin = new_admin(access, answered_within=timedelta(seconds=20))
    await admin.start()
    try:
        whatever = 1
        await admin._send_request(  # aiokafka has no method for it
            DeleteAclsRequest(
                whatever, None, whatever, f"User:{ORDERS.name}", None, whatever, whatever
            )
        )
    finally:
        await admin.close()
    yield
    result = await watched.command.programs.run(
        "common.messaging.acls",
        *("--prefix", watched.system.addresses.topic_prefix, "--apply", access.bootstrap),
        environment={
            "KAFKA_SECURITY_PROTOCOL": access.protocol,
            "KAFKA_CA_FILE": str(access.ca_file),
            "KAFKA_USER": access.user,
            "KAFKA_PASSWORD": access.password,
        },
    )
    assert result.code == 0, result.err


SHORT: Sequence[Fault] = (
    Fault(
        "OutboxAges",
        "Kafka is suspended while a shop is made, and two minutes pass",
        "Kafka runs again",
        events_are_not_published,
    ),
    Fault(
        "DeadLettersOpen",
        "a record is cut short",
        "`channel dead-letters discard`",
        a_record_is_cut_short,
    ),
)
LONG: Sequence[Fault] = (
    *SHORT,
    Fault(
        "KafkaAway",
        "Kafka is suspended",
        "Kafka runs again",
        kafka_is_suspended,
        within=150.0,
    ),
    Fault(
        "ConsumerLagGrows",
        "a table lock keeps a consumer from 200 records",
        "the lock's holder ends",
        a_consumer_is_locked_out,
        within=120.0,
    ),
    Fault(
        "ConsumerPositionLost",
        "a stored position lies past the log",
        "`positions reset`",
        a_position_is_lost,
        within=120.0,
    ),
    Fault(
        "JobFailing",
        "a job's table is not there",
        "the table is put back",
        a_job_lacks_its_table,
    ),
    Fault("NotLive", "order-importer is stopped", "it is started", a_service_is_down),
    Fault(
        "AppRefused",
        "AliExpress answers code 11",
        "the app is put right: the import goes on by itself",
        the_app_is_refused,
        within=180.0,
    ),
    Fault(
        "MarketplaceLimitReached",
        "AliExpress bans the seller for 20 s",
        "the ban's end",
        calls_are_banned,
    ),
    Fault(
        "SourceQuarantined",
        "a source sends 150 records that are cut short",
        "`channel quarantines lift`",
        a_source_sends_poison,
    ),
    Fault(
        "RecordsParked",
        "a product of a catalogue that nobody declared waits for an hour",
        "the catalogue is declared",
        a_catalogue_is_not_declared,
    ),
    Fault(
        "OrdersNotImported",
        "imports are refused for two hours",
        "AliExpress takes the app again",
        imports_fail_for_long,
        within=240.0,
    ),
    *SHOP_FAULTS,
    Fault(
        "TokenLapses",
        "28 days pass",
        "the shop is connected again",
        a_token_grows_old,
        within=120.0,
    ),
)
GUARDED = Fault(
    "KafkaRefusesUs",
    "order-importer is granted nothing any more, on a Kafka with users",
    "`python -m common.messaging.acls --apply`",
    access_is_taken_away,
    within=120.0,
)
