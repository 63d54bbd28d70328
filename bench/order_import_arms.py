"""The arms of `bench/order_import.py`, each in a process of its own: prints what it took as JSON.

`ours` is the importer's job as it ships, its limiter in Postgres with rates that are never reached.
`bare` is the ceiling: it reads the pages, asks for details and receipt of each order, eight orders
at once and by the same HTTP client, and copies order and event, a batch of 200 in a transaction. It
knows no lease, no earlier order, no window, no failure, and reads nothing twice.
"""

import asyncio
import hashlib
import hmac
import json
import sys
import time
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import asyncpg
import httpx2
import msgspec
import uvloop
from pydantic import SecretStr

from aliexpress.limits import Limits, Rate
from aliexpress.wiring import client_of
from common.contracts.envelope import Envelope
from common.contracts.shop import ShopState
from common.messaging.records import Delivery, Record
from common.postgres.pool import open_pool
from common.postgres.unit_of_work import unit_of_work
from common.service import tune_gc
from common.shop_tokens import ShopTokens
from common.telemetry import setup as telemetry
from order_importer.importing.import_orders import ImportOptions, import_next
from order_importer.settings import OrderSettings
from order_importer.shops.consumer import ShopStates
from order_importer.shops.shop_access import ShopAccess

SERVICE = "order-importer"
NEVER_REACHED = Limits(per_app={}, per_seller={"*": Rate(per_second=100_000, burst=10_000)})
TABLES = ("bare", "bare_outbox", "bare_change")
TEXTS = {
    "marketplace_status": "order_status",
    "buyer": "buyerloginid",
    "issue_status": "issue_status",
    "frozen_status": "frozen_status",
    "fund_status": "fund_status",
}
TIMES = {"placed_at": "gmt_create", "modified_at": "gmt_modified", "paid_at": "gmt_pay_success"}
MONEY = {"total": "order_amount", "shipping_cost": "logistics_amount"}
ADDRESS = {
    "contact_name": "contact_person",
    "country": "country",
    "province": "province",
    "city": "city",
    "postal_code": "zip",
    "street": "detail_address",
    "phone": "mobile_no",
}
LINE = {
    "line_id": "child_order_id",
    "sku_code": "sku_code",
    "marketplace_product_id": "product_id",
    "title": "product_name",
    "quantity": "product_count",
    "marketplace_status": "order_status",
    "image_url": "product_img_url",
}
LINE_MONEY = {"unit_price": "product_price", "total": "init_order_amt"}
PACIFIC = ZoneInfo("America/Los_Angeles")


async def ours(url: str, market: str) -> list[float]:
    """The import that a shop's connection asks for."""
    settings = OrderSettings(
        database_url=SecretStr(url), kafka_bootstrap="unused:9092", marketplace_url=market
    )
    telemetry.set_up(SERVICE, instance="bench", level="INFO", traces_per_second=10)
    pool = await open_pool(url)
    client = client_of(settings, pool, limits=NEVER_REACHED)
    tokens = ShopTokens(market, "bench", SecretStr("bench"))
    states = ShopStates(tokens.forget, import_every=settings.import_every)
    connected = ShopState(
        merchant_id="m",
        shop_id="main",
        revision=1,
        is_eligible=True,
        connection="connected",
        generation=1,
    )
    async with unit_of_work(pool) as connection:
        record = Record(ShopState.topic, 0, 0, 0, None, None, [])
        await states.on_shop_state(connection, [Delivery(Envelope(connected, {}), record)])
    began, processor = time.perf_counter(), time.process_time()
    while await import_next(pool, ShopAccess(client, tokens), "bench", ImportOptions()):
        pass
    took = [time.perf_counter() - began, time.process_time() - processor]
    await client.aclose()
    await tokens.aclose()
    await pool.close()
    return took


async def bare(url: str, market: str) -> list[float]:
    """The least that gives the same orders and events."""
    connection = await asyncpg.connect(url)
    async with httpx2.AsyncClient(base_url=market) as http:
        began, processor = time.perf_counter(), time.process_time()
        await Bare(http, connection).run()
        took = [time.perf_counter() - began, time.process_time() - processor]
    await connection.close()
    return took


class Bare:
    """A loop over pages."""

    def __init__(self, http: httpx2.AsyncClient, connection: asyncpg.Connection) -> None:
        self.http, self.connection, self.turn = http, connection, asyncio.Semaphore(8)

    async def run(self) -> None:
        """All pages of both queries."""
        for statuses in ([], ["FINISH", "ARCHIVE"]):
            page, pages, wanted = 0, 1, []
            while page < pages:
                page += 1
                query = {"current_page": page, "page_size": 50, "order_status_list": statuses}
                query |= {"modified_date_end": "2099-01-01 00:00:00"}
                answer = await self.call("order.get", "param0", query)
                pages = answer["total_page"]
                wanted += answer["target_list"].get("order_dto", [])
                if len(wanted) >= 200 or page >= pages:
                    rows = await asyncio.gather(*(self.read(one) for one in wanted))
                    async with self.connection.transaction():
                        for table, records in zip(TABLES, zip(*rows, strict=True), strict=False):
                            await self.connection.copy_records_to_table(table, records=records)
                    wanted = []

    async def call(self, name: str, parameter: str, query: dict[str, Any]) -> Any:
        """A signed call."""
        method, now = f"aliexpress.solution.{name}", str(int(time.time() * 1000))
        form = {"app_key": "bench", "sign_method": "sha256", "format": "json", "method": method}
        form |= {"timestamp": now, "access_token": "seller"}
        form[parameter] = msgspec.json.encode(query).decode()
        text = "".join(key + form[key] for key in sorted(form))
        form["sign"] = hmac.new(b"bench", text.encode(), hashlib.sha256).hexdigest().upper()
        answer = msgspec.json.decode((await self.http.post("/sync", data=form)).content)
        return answer[method.replace(".", "_") + "_response"]["result"]

    async def read(self, listed: dict[str, Any]) -> tuple[tuple[Any, ...], ...]:
        """The rows of an order, of its event and of its change."""
        async with self.turn:
            query = {"order_id": listed["order_id"]}
            details = (await self.call("order.info.get", "param1", query))["data"]
            receipt = await self.call("order.receiptinfo.get", "param1", query)
        order = order_of(details, receipt)
        event = {"merchant_id": "m", "shop_id": "main", "revision": 1, "order": order}
        texts = (msgspec.json.encode(one).decode() for one in (listed, details, receipt, order))
        order_id, value = order["order_id"], msgspec.json.encode(event)
        return (
            (order_id, order["status"], order["placed_at"], *texts),
            ("order.received", f"m/main/{order_id}".encode(), value),
            (order_id, 1, "received"),
        )


def order_of(details: dict[str, Any], receipt: dict[str, Any]) -> dict[str, Any]:
    """The contract's order, as far as the recorded ones fill it."""
    lines = details["child_order_list"]["global_aeop_tp_child_order_dto"]
    return {
        "order_id": str(details["id"]),
        "status": {"WAIT_SELLER_SEND_GOODS": "waiting_shipment"}[details["order_status"]],
        "ship_before": moment(details["over_time_left"] + ":00"),
        "address": {name: receipt[theirs] for name, theirs in ADDRESS.items()},
        "lines": [
            {name: line[theirs] for name, theirs in LINE.items()}
            | {name: money(line[theirs]) for name, theirs in LINE_MONEY.items()}
            for line in lines
        ],
        **{name: details[theirs] for name, theirs in TEXTS.items()},
        **{name: moment(details[theirs]) for name, theirs in TIMES.items()},
        **{name: money(details[theirs]) for name, theirs in MONEY.items()},
    }


def moment(text: str) -> datetime:
    """AliExpress's time in UTC."""
    return datetime.fromisoformat(text).replace(tzinfo=PACIFIC).astimezone(UTC)


def money(shape: dict[str, Any]) -> dict[str, str]:
    """An amount of AliExpress's as the contract's."""
    return {"amount": shape["amount"], "currency": shape["currency_code"]}


if __name__ == "__main__":
    tune_gc()
    print(json.dumps(uvloop.run({"ours": ours, "bare": bare}[sys.argv[1]](*sys.argv[2:]))))
