"""What a merchant, a buyer and other systems do, each on a subject of its own.

A step is taken undisturbed and with kills in it; the snapshots of both have to be the same. The
kills fall within the part of it that is in question.
"""

import json
from collections import Counter
from collections.abc import Mapping, Sequence

import msgspec
from aiokafka import AIOKafkaProducer

from channel_cli.following import import_and_follow
from channel_demo import trade
from channel_demo.session import Session
from common.contracts.catalog import CatalogUpdated
from stack.system import CATALOG, ORDERS, PUBLISHER
from stack.testing import Marketplace, eventually

from ..final_state import accepted, unprefixed
from .crashable import TOKEN_HOURS_BEFORE_FIRST_STEP, WITHIN
from .harness import CHANGED, SOLD, Kill, Scenario, Snapshot, answer_of, connect, publish, run, send

NO_NIGHT = "UPDATE schedule SET is_paused = true WHERE kind = 'order-reread'"
"""A nightly import that falls in the step would be the scheduled one as well."""
FILE_ROWS, FILE_ROWS_GONE = 620, 40  # more than are written at once; fewer gone than are guarded


# ---- products


async def sell_products(scenario: Scenario, kill: Kill) -> Snapshot:
    """Two products come as events and go online."""
    async with kill():
        await publish(scenario.harness, scenario.events(*SOLD))
        await run(scenario, "product")
        await scenario.crashable.wait_until_idle()
    return await product_snapshot(scenario)


async def change_products(scenario: Scenario, kill: Kill) -> Snapshot:
    """Of four products that are online each is changed in another way, by a call of its own."""
    changes = [change(scenario) for change in (_deletion, _new_title, _new_price, _new_stock)]
    await publish(scenario.harness, changes)
    async with kill():
        await run(scenario, "product")
        await run(scenario, "offer")
        await scenario.crashable.wait_until_idle()
    calls = await scenario.crashable.databases[PUBLISHER.name].fetch(
        """SELECT operation FROM remote_call WHERE operation <> 'create' AND run_id IN
            (SELECT run_id FROM run_item WHERE family_id = ANY($1))""",
        [event.product_id for event in changes],
    )
    assert sorted(row["operation"] for row in calls) == ["delete", "price", "stock", "update"]
    return await product_snapshot(scenario)


async def delete_product(scenario: Scenario, kill: Kill) -> Snapshot:
    """A product that is online is deleted."""
    return await _change(scenario, kill, _deletion(scenario), "product")


async def retitle_product(scenario: Scenario, kill: Kill) -> Snapshot:
    """A product that is online gets another title."""
    return await _change(scenario, kill, _new_title(scenario), "product")


async def reprice_product(scenario: Scenario, kill: Kill) -> Snapshot:
    """A product that is online gets another price."""
    return await _change(scenario, kill, _new_price(scenario), "offer")


async def restock_product(scenario: Scenario, kill: Kill) -> Snapshot:
    """A product that is online gets another stock."""
    return await _change(scenario, kill, _new_stock(scenario), "offer")


def _deletion(scenario: Scenario) -> CatalogUpdated:
    return msgspec.structs.replace(scenario.newest(CHANGED[0]), action="delete", fields={})


def _new_title(scenario: Scenario) -> CatalogUpdated:
    return scenario.newest(CHANGED[1], title="Lumo Ruled pad")


def _new_price(scenario: Scenario) -> CatalogUpdated:
    return scenario.newest(CHANGED[2], price="33.30")


def _new_stock(scenario: Scenario) -> CatalogUpdated:
    return scenario.newest(CHANGED[3], stock=77)


async def _change(scenario: Scenario, kill: Kill, event: CatalogUpdated, kind: str) -> Snapshot:
    await publish(scenario.harness, [event])
    async with kill():
        await run(scenario, kind)
        await scenario.crashable.wait_until_idle()
    return await product_snapshot(scenario)


async def product_snapshot(scenario: Scenario) -> Snapshot:
    """What became of this scenario's products: at the marketplace, and as the channel has it."""
    prefix, sandbox = scenario.prefix, scenario.session.sandbox
    ledger = await sandbox.ledger()
    born = {
        entry.product_id: unprefixed(entry.detail["skus"], prefix)
        for entry in accepted(ledger, "product.create")
    }
    effects = Counter(
        (entry.operation, (entry.sku_code or "").removeprefix(prefix), born[entry.product_id])
        for entry in ledger
        if entry.product_id in born and born[entry.product_id] and entry.is_accepted
    )
    shelf = {
        frozenset(sku.sku_code.removeprefix(prefix) for sku in product.skus): (
            product.title,
            sorted((s.sku_code.removeprefix(prefix), s.price, s.inventory) for s in product.skus),
        )
        for product in await sandbox.products()
        if unprefixed([sku.sku_code for sku in product.skus], prefix)
    }
    believed = await scenario.crashable.databases[CATALOG.name].fetch(
        """SELECT substr(family_id, length($1) + 1), state, report_status,
            report_revision = revision
        FROM normalized_product WHERE starts_with(family_id, $1) ORDER BY family_id""",
        prefix,
    )
    return {"effects": effects, "shelf": shelf, "believed": [tuple(row) for row in believed]}


# ---- catalogues


async def upload_file(scenario: Scenario, kill: Kill) -> Snapshot:
    """A full file of a catalogue follows another: products change, some are gone."""
    session, catalogue = scenario.session, scenario.tag
    await session.channel.register_catalogue(
        session.merchant, catalogue, versioning="arrival", fed_by="files"
    )
    path = scenario.harness.folder / f"{catalogue}.csv"
    numbers = range(FILE_ROWS)
    path.write_text(_csv(dict.fromkeys(numbers, "Pen")))
    await import_and_follow(session.channel, session.merchant, catalogue, path, {"mode": "full"})
    changed = {n: "Pencil" if n % 3 else "Pen" for n in numbers if n >= FILE_ROWS_GONE}
    path.write_text(_csv(changed))
    async with kill():
        read = await import_and_follow(
            session.channel, session.merchant, catalogue, path, {"mode": "full"}
        )
        await scenario.crashable.wait_until_idle()
    products = await scenario.crashable.databases[CATALOG.name].fetch(
        "SELECT is_deleted, fields FROM source_product WHERE catalogue_id = $1", catalogue
    )
    shown = msgspec.structs.asdict(read) | {"import_id": None, "file_name": None}
    return {
        "import": shown,
        "products": Counter(
            (row["is_deleted"], json.loads(row["fields"]).get("title")) for row in products
        ),
    }


def _csv(titles: Mapping[int, str]) -> str:
    return "id,title\n" + "".join(f"P{number},{title}\n" for number, title in titles.items())


async def declare_late(scenario: Scenario, kill: Kill) -> Snapshot:
    """Events of a catalogue nobody has declared are parked, and taken in once it is."""
    session, catalogue = scenario.session, scenario.tag
    database = scenario.crashable.databases[CATALOG.name]
    events = scenario.events(*SOLD, catalogue=catalogue)
    await send(session, events)

    async def are_parked() -> bool:
        parked: int = await database.fetchval("SELECT count(*) FROM parked_event")
        return parked == len(events)

    await eventually(are_parked, within=WITHIN)
    async with kill():
        await session.channel.register_catalogue(
            session.merchant, catalogue, versioning="explicit", fed_by="events"
        )
        await scenario.crashable.wait_until_idle()
    return await _source_snapshot(scenario, catalogue)


async def replay_dead_letter(scenario: Scenario, kill: Kill) -> Snapshot:
    """An event that was no JSON is corrected and replayed."""
    session = scenario.session
    database = scenario.crashable.databases[CATALOG.name]
    [event] = scenario.events(CHANGED[0])
    await _send_garbage(session, event)

    async def letter() -> int | None:
        found: int | None = await database.fetchval(
            "SELECT id FROM dead_letter WHERE key = $1", event.key().encode()
        )
        return found

    async def is_there() -> bool:
        return await letter() is not None

    await eventually(is_there, within=WITHIN)
    request = {"ids": [await letter()], "value": msgspec.json.encode(event).decode()}
    path = f"/v1/merchants/{session.merchant}/dead-letters/replay"
    async with kill():
        await answer_of(
            lambda: session.channel.session.send(
                "POST", CATALOG.name, path, type(None), body=request
            )
        )
        await scenario.crashable.wait_until_idle()
    letters = await database.fetch(
        """SELECT state, (SELECT count(*) FROM dead_letter_audit WHERE dead_letter_id = id)
        FROM dead_letter WHERE key = $1""",
        event.key().encode(),
    )
    snapshot = await _source_snapshot(scenario, event.catalogue_id)
    return {**snapshot, "letters": [tuple(row) for row in letters]}


async def _send_garbage(session: Session, event: CatalogUpdated) -> None:
    producer = AIOKafkaProducer(bootstrap_servers=session.kafka_bootstrap)
    await producer.start()
    headers = [("ce_type", event.type_name().encode()), ("ce_id", event.product_id.encode())]
    await producer.send_and_wait(
        session.topic_prefix + event.topic, b"{", event.key().encode(), headers=headers
    )
    await producer.stop()


async def _source_snapshot(scenario: Scenario, catalogue: str) -> Snapshot:
    rows = await scenario.crashable.databases[CATALOG.name].fetch(
        """SELECT substr(product_id, length($2) + 1), version, is_deleted FROM source_product
        WHERE catalogue_id = $1 AND starts_with(product_id, $2) ORDER BY product_id""",
        catalogue,
        scenario.prefix,
    )
    return {"products": [tuple(row) for row in rows]}


# ---- orders


async def import_orders(scenario: Scenario, kill: Kill) -> Snapshot:
    """Two orders are fetched because somebody asks."""
    order_ids = await _place_orders(scenario, 2)
    async with kill():
        await answer_of(lambda: trade.import_orders(scenario.session))
        await scenario.crashable.wait_until_idle()
    return await order_snapshot(scenario, order_ids)


async def import_by_schedule(scenario: Scenario, kill: Kill) -> Snapshot:
    """An order is fetched because an hour has passed."""
    database = scenario.crashable.databases[ORDERS.name]
    count = "SELECT count(*) FROM order_import WHERE cause = 'schedule'"
    await database.execute(NO_NIGHT)
    before = await database.fetchval(count)
    order_ids = await _place_orders(scenario, 1)
    async with kill():
        await scenario.session.sandbox.move_clock(3_601)

        async def is_here() -> bool:
            return bool(
                await database.fetchval(
                    "SELECT count(*) FROM marketplace_order WHERE order_id = ANY($1)", order_ids
                )
            )

        await eventually(is_here, within=WITHIN)
        await scenario.crashable.wait_until_idle()
    snapshot = await order_snapshot(scenario, order_ids)
    return {**snapshot, "imports": await database.fetchval(count) - before}


async def ship_order(scenario: Scenario, kill: Kill) -> Snapshot:
    """An order that was fetched is shipped."""
    session = scenario.session
    [order_id] = await _place_orders(scenario, 1)
    await trade.import_orders(session)
    parcel = {"carrier": trade.CARRIER, "tracking_number": f"LP{order_id}"}
    address = (session.merchant, session.shop, order_id)
    async with kill():
        await answer_of(lambda: session.channel.ship(*address, parcel, key=f"key-{order_id}"))
        await scenario.crashable.wait_until_idle()
    snapshot = await order_snapshot(scenario, [order_id])
    shipments = await scenario.crashable.databases[ORDERS.name].fetch(
        "SELECT state FROM shipment WHERE order_id = $1", order_id
    )
    return {**snapshot, "shipments": [row["state"] for row in shipments]}


async def correct_tracking(scenario: Scenario, kill: Kill) -> Snapshot:
    """The tracking number of a parcel is corrected."""
    session = scenario.session
    [order_id] = await _place_orders(scenario, 1)
    await trade.import_orders(session)
    address = (session.merchant, session.shop, order_id)
    parcel = {"carrier": trade.CARRIER, "tracking_number": f"LP{order_id}"}
    shipment = await session.channel.ship(*address, parcel, key=f"key-{order_id}")
    await scenario.crashable.wait_until_idle()
    right = {"tracking_number": f"LP{order_id}2"}
    async with kill():
        await answer_of(
            lambda: session.channel.correct_tracking(
                *address, shipment.shipment_id, right, key=f"right-{order_id}"
            )
        )
        await scenario.crashable.wait_until_idle()
    snapshot = await order_snapshot(scenario, [order_id])
    changed = Counter(
        entry.order_id for entry in accepted(await session.sandbox.ledger(), "order.reship")
    )
    corrections = await scenario.crashable.databases[ORDERS.name].fetch(
        "SELECT state FROM tracking_correction WHERE order_id = $1", order_id
    )
    return {
        **snapshot,
        "changed": changed[order_id],
        "corrections": [row["state"] for row in corrections],
    }


async def near_deadline(scenario: Scenario, kill: Kill) -> Snapshot:
    """Time goes on until a day is left to ship an order: two of the sample's three."""
    session, topics = scenario.session, scenario.crashable.topics
    [order_id] = await _place_orders(scenario, 1)
    await trade.import_orders(session)
    key = f"{scenario.shop_key}/{order_id}"

    async def is_published() -> bool:
        await topics.read_on()
        return topics.times("order.due", key) > 0

    async with kill():
        await session.sandbox.move_clock(2 * 86_400 + 60)
        await eventually(is_published, within=WITHIN)
        await scenario.crashable.wait_until_idle()
    snapshot = await order_snapshot(scenario, [order_id])
    return {**snapshot, "due": topics.times("order.due", key)}


async def _place_orders(scenario: Scenario, count: int) -> list[str]:
    sandbox = scenario.session.sandbox
    code = f"{scenario.prefix}BY-HAND"
    await Marketplace(sandbox.http, sandbox.seller_id).control(
        "products", seller_id=sandbox.seller_id, sku_codes=[code]
    )
    placed = [
        await sandbox.place_order(
            [(code, 1)], seed=next(scenario.harness.numbers), status=trade.WAITS_FOR_SELLER
        )
        for _ in range(count)
    ]
    return [order.order_id for order in placed]


async def order_snapshot(scenario: Scenario, order_ids: Sequence[str]) -> Snapshot:
    """What became of these orders: at the marketplace, here, and as it was published."""
    shipped = Counter(
        entry.order_id for entry in accepted(await scenario.session.sandbox.ledger(), "order.ship")
    )
    there = {order.order_id: order for order in await scenario.session.sandbox.orders()}
    topics = scenario.crashable.topics
    await topics.read_on()
    snapshots = []
    for order_id in order_ids:
        rows = await scenario.crashable.databases[ORDERS.name].fetch(
            "SELECT status, problem FROM marketplace_order WHERE order_id = $1", order_id
        )
        key = f"{scenario.shop_key}/{order_id}"
        snapshots.append(
            {
                "status": there[order_id].status,
                "parcels": len(there[order_id].shipments),
                "shipped": shipped[order_id],
                "here": [tuple(row) for row in rows],
                "received": topics.times("order.received", key),
                "published as shipped": topics.times("order.shipped", key),
            }
        )
    return {"orders": snapshots}


# ---- connections


async def renew_connection(scenario: Scenario, kill: Kill) -> Snapshot:
    """The merchant connects the shop once more."""
    session, topics = scenario.session, scenario.crashable.topics
    before = await session.channel.shop(session.merchant, session.shop)
    await topics.read_on()
    renewals = topics.times("token.renewed", scenario.shop_key)
    async with kill():
        await connect(session)
        await scenario.crashable.wait_until_idle()
    after = await answer_of(lambda: session.channel.shop(session.merchant, session.shop))
    await topics.read_on()
    return {
        "connection": after.connection,
        "generations": after.generation - before.generation,
        "renewals": topics.times("token.renewed", scenario.shop_key) - renewals,
    }


async def near_expiry(scenario: Scenario, kill: Kill) -> Snapshot:
    """Time goes on to the first step towards the end of a new token."""
    session, topics = scenario.session, scenario.crashable.topics
    await connect(session)
    await topics.read_on()
    before = topics.times("token.expiring", scenario.shop_key)

    async def is_published() -> bool:
        await topics.read_on()
        return topics.times("token.expiring", scenario.shop_key) > before

    async with kill():
        await session.sandbox.move_clock(TOKEN_HOURS_BEFORE_FIRST_STEP * 3_600 + 1)
        await eventually(is_published, within=WITHIN)
        await scenario.crashable.wait_until_idle()
    await topics.read_on()
    return {"steps": topics.times("token.expiring", scenario.shop_key) - before}
