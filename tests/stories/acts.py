"""What a merchant, a buyer and other systems do, each act on a subject of its own, and its books.

An act is played undisturbed and with a kill in it; the books of both have to be the same. Its
blow, the kill, falls within the part of it that is in question.
"""

import json
from collections import Counter
from collections.abc import Mapping, Sequence

import msgspec
from aiokafka import AIOKafkaProducer
from endings import accepted, unprefixed
from mortal import TOKEN_HOURS_BEFORE_FIRST_STEP, WITHIN
from theatre import (
    CHANGED,
    SOLD,
    Blow,
    Books,
    Scene,
    answer_of,
    connect,
    publish,
    run,
    send,
)

from channel_cli.following import import_and_follow
from channel_demo import trade
from channel_demo.stage import Stage
from common.contracts.catalog import CatalogUpdated
from stack.system import CATALOG, ORDERS
from stack.testing import eventually

FILE_ROWS, FILE_ROWS_GONE = 620, 40  # more than are written at once; fewer gone than are guarded


# ---- products


async def sell_products(scene: Scene, blow: Blow) -> Books:
    """Two products come as events and go online."""
    async with blow():
        await publish(scene.theatre, scene.events(*SOLD))
        await run(scene, "product")
        await scene.mortal.rest()
    return await product_books(scene)


async def delete_product(scene: Scene, blow: Blow) -> Books:
    """A product that is online is deleted."""
    deletion = msgspec.structs.replace(scene.newest(CHANGED), action="delete", fields={})
    return await _change(scene, blow, deletion, "product")


async def retitle_product(scene: Scene, blow: Blow) -> Books:
    """A product that is online gets another title."""
    return await _change(scene, blow, scene.newest(CHANGED, title="Lumo Ruled pad"), "product")


async def reprice_product(scene: Scene, blow: Blow) -> Books:
    """A product that is online gets another price."""
    return await _change(scene, blow, scene.newest(CHANGED, price="33.30"), "offer")


async def restock_product(scene: Scene, blow: Blow) -> Books:
    """A product that is online gets another stock."""
    return await _change(scene, blow, scene.newest(CHANGED, stock=77), "offer")


async def _change(scene: Scene, blow: Blow, event: CatalogUpdated, kind: str) -> Books:
    await publish(scene.theatre, [event])
    async with blow():
        await run(scene, kind)
        await scene.mortal.rest()
    return await product_books(scene)


async def product_books(scene: Scene) -> Books:
    """What became of this act's products: at the marketplace, and as the channel believes."""
    prefix, sandbox = scene.prefix, scene.stage.sandbox
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
    believed = await scene.mortal.databases[CATALOG.name].fetch(
        """SELECT substr(family_id, length($1) + 1), state, report_status,
            report_revision = revision
        FROM normalized_product WHERE starts_with(family_id, $1) ORDER BY family_id""",
        prefix,
    )
    return {"effects": effects, "shelf": shelf, "believed": [tuple(row) for row in believed]}


# ---- catalogues


async def upload_file(scene: Scene, blow: Blow) -> Books:
    """A full file of a catalogue follows another: products change, some are gone."""
    stage, catalogue = scene.stage, scene.tag
    await stage.channel.register_catalogue(
        stage.merchant, catalogue, versioning="arrival", fed_by="files"
    )
    path = scene.theatre.folder / f"{catalogue}.csv"
    numbers = range(FILE_ROWS)
    path.write_text(_csv(dict.fromkeys(numbers, "Pen")))
    await import_and_follow(stage.channel, stage.merchant, catalogue, path, {"mode": "full"})
    changed = {n: "Pencil" if n % 3 else "Pen" for n in numbers if n >= FILE_ROWS_GONE}
    path.write_text(_csv(changed))
    async with blow():
        read = await import_and_follow(
            stage.channel, stage.merchant, catalogue, path, {"mode": "full"}
        )
        await scene.mortal.rest()
    products = await scene.mortal.databases[CATALOG.name].fetch(
        "SELECT is_deleted, fields FROM source_product WHERE catalogue_id = $1", catalogue
    )
    told = {
        name: value for name, value in msgspec.structs.asdict(read).items() if name != "import_id"
    }
    return {
        "import": told | {"file_name": None},
        "products": Counter(
            (row["is_deleted"], json.loads(row["fields"]).get("title")) for row in products
        ),
    }


def _csv(titles: Mapping[int, str]) -> str:
    return "id,title\n" + "".join(f"P{number},{title}\n" for number, title in titles.items())


async def declare_late(scene: Scene, blow: Blow) -> Books:
    """Events of a catalogue nobody has declared are parked, and played once it is."""
    stage, catalogue = scene.stage, scene.tag
    database = scene.mortal.databases[CATALOG.name]
    events = scene.events(*SOLD, catalogue=catalogue)
    await send(stage, events)

    async def are_parked() -> bool:
        parked: int = await database.fetchval("SELECT count(*) FROM parked_event")
        return parked == len(events)

    await eventually(are_parked, within=WITHIN)
    async with blow():
        await stage.channel.register_catalogue(
            stage.merchant, catalogue, versioning="explicit", fed_by="events"
        )
        await scene.mortal.rest()
    return await _source_books(scene, catalogue)


async def replay_dead_letter(scene: Scene, blow: Blow) -> Books:
    """An event that was no JSON is mended and replayed."""
    stage = scene.stage
    database = scene.mortal.databases[CATALOG.name]
    [event] = scene.events(CHANGED)
    await _send_garbage(stage, event)

    async def letter() -> int | None:
        found: int | None = await database.fetchval(
            "SELECT id FROM dead_letter WHERE key = $1", event.key().encode()
        )
        return found

    async def is_there() -> bool:
        return await letter() is not None

    await eventually(is_there, within=WITHIN)
    request = {"ids": [await letter()], "value": msgspec.json.encode(event).decode()}
    path = f"/v1/merchants/{stage.merchant}/dead-letters/replay"
    async with blow():
        await answer_of(
            lambda: stage.channel.session.send("POST", CATALOG.name, path, type(None), body=request)
        )
        await scene.mortal.rest()
    letters = await database.fetch(
        """SELECT state, (SELECT count(*) FROM dead_letter_audit WHERE dead_letter_id = id)
        FROM dead_letter WHERE key = $1""",
        event.key().encode(),
    )
    books = await _source_books(scene, event.catalogue_id)
    return {**books, "letters": [tuple(row) for row in letters]}


async def _send_garbage(stage: Stage, event: CatalogUpdated) -> None:
    producer = AIOKafkaProducer(bootstrap_servers=stage.kafka_bootstrap)
    await producer.start()
    headers = [("ce_type", event.type_name().encode()), ("ce_id", event.product_id.encode())]
    await producer.send_and_wait(
        stage.topic_prefix + event.topic, b"{", event.key().encode(), headers=headers
    )
    await producer.stop()


async def _source_books(scene: Scene, catalogue: str) -> Books:
    rows = await scene.mortal.databases[CATALOG.name].fetch(
        """SELECT substr(product_id, length($2) + 1), version, is_deleted FROM source_product
        WHERE catalogue_id = $1 AND starts_with(product_id, $2) ORDER BY product_id""",
        catalogue,
        scene.prefix,
    )
    return {"products": [tuple(row) for row in rows]}


# ---- orders


async def import_orders(scene: Scene, blow: Blow) -> Books:
    """Two orders are fetched because somebody asks."""
    order_ids = await _place_orders(scene, 2)
    async with blow():
        await answer_of(lambda: trade.import_orders(scene.stage))
        await scene.mortal.rest()
    return await order_books(scene, order_ids)


async def import_by_schedule(scene: Scene, blow: Blow) -> Books:
    """An order is fetched because an hour has passed."""
    database = scene.mortal.databases[ORDERS.name]
    count = "SELECT count(*) FROM order_import WHERE cause = 'schedule'"
    before = await database.fetchval(count)
    order_ids = await _place_orders(scene, 1)
    async with blow():
        await scene.stage.sandbox.move_clock(3_601)

        async def is_here() -> bool:
            return bool(
                await database.fetchval(
                    "SELECT count(*) FROM marketplace_order WHERE order_id = ANY($1)", order_ids
                )
            )

        await eventually(is_here, within=WITHIN)
        await scene.mortal.rest()
    books = await order_books(scene, order_ids)
    return {**books, "imports": await database.fetchval(count) - before}


async def ship_order(scene: Scene, blow: Blow) -> Books:
    """An order that was fetched is shipped."""
    stage = scene.stage
    [order_id] = await _place_orders(scene, 1)
    await trade.import_orders(stage)
    parcel = {"carrier": trade.CARRIER, "tracking_number": f"LP{order_id}"}
    address = (stage.merchant, stage.shop, order_id)
    async with blow():
        await answer_of(lambda: stage.channel.ship(*address, parcel, key=f"key-{order_id}"))
        await scene.mortal.rest()
    books = await order_books(scene, [order_id])
    shipments = await scene.mortal.databases[ORDERS.name].fetch(
        "SELECT state FROM shipment WHERE order_id = $1", order_id
    )
    return {**books, "shipments": [row["state"] for row in shipments]}


async def _place_orders(scene: Scene, count: int) -> list[str]:
    sandbox = scene.stage.sandbox
    code = f"{scene.prefix}BY-HAND"
    made = {"seller_id": sandbox.seller_id, "sku_codes": [code]}
    (await sandbox.http.post("/control/products", json=made)).raise_for_status()
    placed = [
        await sandbox.place_order(
            [(code, 1)], seed=next(scene.theatre.numbers), status=trade.WAITS_FOR_SELLER
        )
        for _ in range(count)
    ]
    return [order.order_id for order in placed]


async def order_books(scene: Scene, order_ids: Sequence[str]) -> Books:
    """What became of these orders: at the marketplace, here, and as it was told to others."""
    shipped = Counter(
        entry.order_id for entry in accepted(await scene.stage.sandbox.ledger(), "order.ship")
    )
    there = {order.order_id: order for order in await scene.stage.sandbox.orders()}
    topics = scene.mortal.topics
    await topics.hear()
    books = []
    for order_id in order_ids:
        rows = await scene.mortal.databases[ORDERS.name].fetch(
            "SELECT status, problem FROM marketplace_order WHERE order_id = $1", order_id
        )
        key = f"{scene.shop_key}/{order_id}"
        books.append(
            {
                "status": there[order_id].status,
                "parcels": len(there[order_id].shipments),
                "shipped": shipped[order_id],
                "here": [tuple(row) for row in rows],
                "received": topics.times("order.received", key),
                "told to be shipped": topics.times("order.shipped", key),
            }
        )
    return {"orders": books}


# ---- connections


async def renew_connection(scene: Scene, blow: Blow) -> Books:
    """The merchant connects the shop once more."""
    stage, topics = scene.stage, scene.mortal.topics
    before = await stage.channel.shop(stage.merchant, stage.shop)
    await topics.hear()
    renewals = topics.times("token.renewed", scene.shop_key)
    async with blow():
        await connect(stage)
        await scene.mortal.rest()
    after = await answer_of(lambda: stage.channel.shop(stage.merchant, stage.shop))
    await topics.hear()
    return {
        "connection": after.connection,
        "generations": after.generation - before.generation,
        "renewals": topics.times("token.renewed", scene.shop_key) - renewals,
    }


async def near_expiry(scene: Scene, blow: Blow) -> Books:
    """Time goes on to the first step towards the end of a new token."""
    stage, topics = scene.stage, scene.mortal.topics
    await connect(stage)
    await topics.hear()
    before = topics.times("token.expiring", scene.shop_key)

    async def is_told() -> bool:
        await topics.hear()
        return topics.times("token.expiring", scene.shop_key) > before

    async with blow():
        await stage.sandbox.move_clock(TOKEN_HOURS_BEFORE_FIRST_STEP * 3_600 + 1)
        await eventually(is_told, within=WITHIN)
        await scene.mortal.rest()
    await topics.hear()
    return {"steps": topics.times("token.expiring", scene.shop_key) - before}
