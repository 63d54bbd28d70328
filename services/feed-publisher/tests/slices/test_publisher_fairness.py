"""One merchant's hanging shop, many runs and large changes delay nobody else."""

import time
from dataclasses import dataclass
from typing import Any

import msgspec
import pytest

from aliexpress import oauth, shop
from aliexpress.operation import AccessToken
from common.contracts.event import Event
from common.contracts.product import Content, ProductNormalized
from stack.sandbox import Sandbox
from stack.testing import NewDatabase, eventually

from ..publisher_auth import MERCHANT, SELLER, bearer
from ..publisher_harness import ENDED, FEED, REDIRECT, Harness, Sku
from ..publisher_running import new_harness

PRODUCTS, DRY_RUNS, LARGE = 6, 200, 1_500
SLOWER_AT_MOST, LEAST_SECONDS = 4.0, 2.0
"""Others may take so much longer beside a hostile merchant: the machine is shared with it."""


@dataclass
class Neighbour:
    """Another merchant, with a seller of the sandbox of its own."""

    harness: Harness
    merchant: str
    seller: str
    template: str = ""

    async def call(self, method: str, path: str, body: Any = None) -> dict[str, Any]:
        answer = await self.harness.http.request(
            method,
            f"/v1/merchants/{self.merchant}{path}",
            json=body,
            headers=bearer("feeds:read", "feeds:write", merchant=self.merchant),
        )
        assert answer.status_code < 300, answer.text
        return dict(answer.json())

    async def connect(self) -> None:
        """Connect its shop and learn the freight template of it."""
        harness = self.harness
        code = await harness.control("codes", seller_id=self.seller, redirect_uri=REDIRECT)
        grant = await oauth.create_token(harness.client, code["code"], redirect_uri=REDIRECT)
        harness.issuer.others[self.merchant] = (self.seller, grant.access_token)
        token = AccessToken(self.seller, grant.access_token)
        [template, *_] = await shop.list_freight_templates(harness.client, token)
        await harness.send(self.of(harness.shop_state()), self.of(harness.feed_state()))
        await eventually(self.is_known)
        self.template = template.template_id

    async def is_known(self) -> bool:
        """Whether the service has its feed."""
        query = "SELECT 1 FROM feed WHERE merchant_id = $1"
        return await self.harness.pool.fetchval(query, self.merchant) is not None

    def of(self, event: Event) -> Event:
        return msgspec.structs.replace(event, merchant_id=self.merchant)

    async def want(self, *, stock: int) -> None:
        """Want the products with this stock, and wait until the service has them."""
        events = []
        for number in range(PRODUCTS):
            name = f"{self.merchant}-{number}"
            state = self.harness.product(name, Sku(name, stock=stock))
            assert isinstance(state.content, Content)
            content = msgspec.structs.replace(state.content, shipping_template_id=self.template)
            events.append(self.of(msgspec.structs.replace(state, content=content)))
        await self.harness.send(*events)
        last = events[-1]
        assert isinstance(last, ProductNormalized)
        await eventually(lambda: self._has(last))

    async def _has(self, event: ProductNormalized) -> bool:
        found = await self.harness.pool.fetchval(
            "SELECT count(*) FROM desired_product WHERE merchant_id = $1 AND revision > $2",
            self.merchant,
            event.revision - PRODUCTS,
        )
        return bool(found == PRODUCTS)

    async def run(self, kind: str, *states: str) -> dict[str, Any]:
        asked = await self.call("POST", f"/feeds/{FEED}/runs", {"kind": kind})
        view: dict[str, Any] = {}

        async def has_ended() -> bool:
            view.update(await self.call("GET", f"/runs/{asked['run_id']}"))
            return view["state"] in (states or ENDED)

        await eventually(has_ended, within=60)
        return view


async def seconds_until_offers_are_there(neighbours: list[Neighbour], *, stock: int) -> float:
    """How long it takes until all of their shops have this stock."""
    for neighbour in neighbours:
        await neighbour.want(stock=stock)
    began = time.monotonic()
    for neighbour in neighbours:
        view = await neighbour.run("offer")
        assert (view["state"], view["counts"]["stock"]) == ("completed", PRODUCTS), view
    return time.monotonic() - began


@pytest.mark.timeout(300)
async def test_a_hostile_merchant_delays_no_other(
    database: NewDatabase, kafka_bootstrap: str, topic_prefix: str, sandbox: Sandbox
) -> None:
    async with new_harness(
        database, kafka_bootstrap, topic_prefix, sandbox, marketplace_timeout_seconds=20
    ) as harness:
        neighbours: list[Neighbour] = []
        for merchant, seller in (("second", "2200100002"), ("third", "2200100003")):
            neighbour = Neighbour(harness, merchant, seller)
            neighbours.append(neighbour)
            await neighbour.connect()
            await neighbour.want(stock=5)
            first = await neighbour.run("product", "awaiting_confirmation")
            await neighbour.call("POST", f"/runs/{first['run_id']}/confirm")
            await neighbour.run("product")
        without = await seconds_until_offers_are_there(neighbours, stock=6)

        await harness.publish(*[harness.product(f"p{n}") for n in range(20)])
        await harness.control("faults", kind="hang", seller_id=SELLER)
        await harness.send(*[harness.product(f"p{n}", Sku(f"p{n}", stock=9)) for n in range(20)])
        await harness.take(*[harness.product(f"x{n}", Sku(f"x{n}")) for n in range(LARGE)])
        hanging = [await harness.ask("offer"), await harness.ask("product")]
        dry_runs = {await harness.ask("product", dry_run=True) for _ in range(DRY_RUNS)}
        beside = await seconds_until_offers_are_there(neighbours, stock=7)

        assert beside <= SLOWER_AT_MOST * max(without, LEAST_SECONDS), (beside, without)
        for run_id in hanging:
            state = (await harness.call("GET", f"/runs/{run_id}"))["state"]
            assert state in {"planning", "running", "queued"}, state
        assert len(dry_runs) < DRY_RUNS / 2  # those of one feed that wait are one
        stock = await harness.ledger("stock.update", "accepted")
        assert not [line for line in stock if line["seller_id"] == SELLER]


async def test_a_merchant_with_too_many_waiting_runs_is_refused_and_no_other(
    database: NewDatabase, kafka_bootstrap: str, topic_prefix: str, sandbox: Sandbox
) -> None:
    async with new_harness(
        database, kafka_bootstrap, topic_prefix, sandbox, with_jobs=False, max_queued_runs=2
    ) as harness:
        neighbour = Neighbour(harness, "second", "2200100002")
        await neighbour.connect()
        await harness.take(harness.feed_state("other"))
        waiting = {kind: await harness.ask(kind) for kind in ("product", "offer")}
        assert {kind: await harness.ask(kind) for kind in waiting} == waiting  # they serve both
        answer = await harness.http.post(
            f"/v1/merchants/{MERCHANT}/feeds/other/runs",
            json={"kind": "offer"},
            headers=bearer("feeds:write"),
        )
        problem = answer.json()
        assert (answer.status_code, problem["status"]) == (429, 429)
        assert problem["type"].endswith(":too-many-runs")
        assert "one run per feed" in problem["remedy"]
        await neighbour.call("POST", f"/feeds/{FEED}/runs", {"kind": "offer"})
