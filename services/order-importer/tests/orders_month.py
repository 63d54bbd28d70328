"""A month of orders, simulated: buyers, seller centre and platform act while importers race.

Each step the clock moves on, orders are placed and acted on by the sandbox's control API, pages
shift, repeat and break, and several importers run meanwhile. Then the step settles, and what
changed at AliExpress must have raised the order's revision, and nothing else. What is compared with
comes from the sandbox's own views and ledger alone.
"""

import asyncio
import random
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from common import clock
from common.failpoints import FailpointError, arm
from order_importer.importing.import_orders import ImportOptions, import_next
from order_importer.importing.plan_imports import plan_imports
from order_importer.importing.read_receipt import BuyerDataOptions

from .orders_facts import View, at_aliexpress, differences
from .orders_harness import MERCHANT, Harness

SHOPS = {"main": "2200100001", "second": "2200100002", "spain": "2200100003"}
SHARES = (70, 20, 10)
"""Of a hundred orders, how many each shop gets: the first has several pages."""
TO_SEND, PART_SENT, SENT = (
    "WAIT_SELLER_SEND_GOODS",
    "SELLER_PART_SEND_GOODS",
    "WAIT_BUYER_ACCEPT_GOODS",
)
UNPAID = ("PLACE_ORDER_SUCCESS", "PAYMENT_PROCESSING", "WAIT_SELLER_EXAMINE_MONEY")
HELD = ("IN_CANCEL", "IN_FROZEN", "IN_ISSUE")
ENDED = ("FINISH", "ARCHIVE")

START = datetime.fromisoformat("2027-10-18T06:00:00+00:00")
REPEATED_HOUR = tuple(
    datetime.fromisoformat(f"2027-11-07T{time}:00+00:00") for time in ("08:20", "08:50", "09:20")
)
"""01:20, 01:50 and 01:20 again in Los Angeles: the first and the last are an hour apart."""
DURATION = timedelta(days=30)
RENEW_AFTER = timedelta(days=12)

FAULTS: tuple[dict[str, Any], ...] = (
    {"kind": "repeated_page", "operation": "*solution.order.get", "count": 2},
    {"kind": "http_error", "operation": "*solution.order.get", "count": 1},
    {"kind": "truncated", "operation": "*order.info.get", "count": 1},
    {"kind": "html", "operation": "*receiptinfo.get", "count": 1},
    {
        "kind": "business_error",
        "operation": "*order.info.get",
        "count": 2,
        "code": "F00-10-10000-001",
        "message": "account not found",
    },
)
QUIRKS: tuple[dict[str, Any], ...] = (
    {},
    {"masked_addresses": True},
    {"zero_amounts": True},
    {"empty_list": "null", "single_as_object": True},
    {"empty_list": "wrapped", "masked_addresses": True, "zero_amounts": True},
)


DEADLINE = "deadline"
"""A change of it alone is no change of an order: it is shown, and published with the next."""
OURS = "LB"
"""How the numbers of the channel's own parcels begin."""
PASSPORT = {
    "first_name": "Ada",
    "last_name": "Lindqvist",
    "birthday": "1990-01-01",
    "issue_authority": "Oslo",
    "issue_date": "2020-01-01",
}

Snapshot = Mapping[str, tuple[Any, str, int]]
"""Per order what AliExpress has of it, when it changed there, and our revision of it."""


@dataclass(frozen=True)
class Size:
    """How many orders are placed over how many steps, how many importers race, how often orders
    are acted on in a step, and how often while the importers run once."""

    orders: int
    steps: int
    importers: int
    acts: int
    acts_an_import: int


@dataclass
class Month:
    """The month of one merchant with three shops."""

    harness: Harness
    size: Size
    seed: int
    done: Counter[str] = field(default_factory=Counter)
    asked_to_ship: set[str] = field(default_factory=set)
    numbers: Iterator[int] = field(default_factory=lambda: iter(range(10**8, 10**9)))
    connected_at: datetime | None = None

    def __post_init__(self) -> None:
        self.draw = random.Random(self.seed)

    async def run(self) -> None:
        """Live through the month; raises `AssertionError` at the first step that does not hold."""
        moments = self._moments()
        placed = 0
        before: Snapshot = {}
        for number, moment in enumerate(moments, 1):
            await self.harness.move_clock(set=moment.isoformat(), is_frozen=True)
            if self.connected_at is None or moment - self.connected_at > RENEW_AFTER:
                await self._connect()
            await self.harness.control("quirks", **self.draw.choice(QUIRKS))
            wanted = self.size.orders * number // len(moments)
            await self._place(wanted - placed, step=number)
            placed = wanted
            await self._race()
            await self.harness.sandbox.delete("/control/faults")
            await self._settle()
            before = await self._check_step(before)
        await self._end()

    def _moments(self) -> list[datetime]:
        step = DURATION / self.size.steps
        regular = (START + step * number for number in range(self.size.steps))
        return sorted({*regular, *REPEATED_HOUR, START + DURATION})

    async def _connect(self) -> None:
        for shop, seller in SHOPS.items():
            await self.harness.connect(shop, seller)
        self.connected_at = clock.now()

    # -- what happens at AliExpress

    async def _stock(self, step: int) -> None:
        """New goods in every shop, with variants: old ones are sold out in the end."""
        for shop, seller in SHOPS.items():
            codes = [f"{shop.upper()}-{step}-{number}" for number in range(12)]
            await self.harness.control(
                "products", seller_id=seller, sku_codes=codes, has_variants=True
            )

    async def _place(self, count: int, *, step: int) -> None:
        await self._stock(step)
        chosen = Counter(self.draw.choices(list(SHOPS.values()), SHARES, k=count))
        for seller, number in chosen.items():
            await self.harness.control(
                "orders", seller_id=seller, seed=self.seed + step, count=number, journey="mixed"
            )

    async def _race(self) -> None:
        """Buyers, seller centre and platform act while all importers run and pages break."""
        views = await self._views()
        open_ones = [one for one in views if one["status"] != "ARCHIVE"]
        acted_on = self.draw.choices(open_ones, k=self.size.acts)
        together = self.size.acts_an_import
        for start in range(0, len(acted_on), together):
            if self.draw.random() < 0.5:
                await self.harness.control("faults", **self.draw.choice(FAULTS))
            if self.draw.random() < 0.1:
                arm(f"importer.{self.draw.choice(['after-fetch', 'before-commit'])}=error")
            await self._ask_for_imports()
            await asyncio.gather(
                self._act_on(acted_on[start : start + together]),
                *(self._import(number) for number in range(self.size.importers)),
            )
        arm("")

    async def _act_on(self, views: Sequence[View]) -> None:
        for view in views:
            act = self.draw.choice(self._acts_for(view))
            self.done[act.__name__.strip("_")] += await act(view)
            await self.harness.send()

    def _acts_for(self, view: View) -> list[Any]:
        """What may happen to an order in this state, what is likelier more often."""
        status = view["status"]
        if status in ENDED:
            return [self._archive, *3 * [self._refund], *3 * [self._leave]]
        acts = [self._change_address, self._cancel_line, self._choose_delivery, self._leave]
        if status in UNPAID:
            return [*acts, self._discount, self._discount, self._pay]
        acts += [self._refund, self._hold]
        if status in (TO_SEND, PART_SENT):
            acts += 2 * [self._make_parcel, self._ship] + [self._cancel_order]
        if status in HELD:
            acts += 2 * [self._release]
        if view["shipments"]:
            acts += [self._withdraw]
        if status in (SENT, "FUND_PROCESSING"):
            acts += 2 * [self._confirm]
        return acts

    async def _do(self, view: View, what: str, **body: Any) -> bool:
        """Whether the sandbox took it: a state may forbid what an earlier act changed."""
        path = f"/control/orders/{view['order_id']}/{what}"
        answer = await self.harness.sandbox.post(path, json=body)
        assert answer.status_code < 500, answer.text
        return answer.is_success

    async def _leave(self, view: View) -> bool:
        return True

    async def _pay(self, view: View) -> bool:
        return await self._do(view, "status", status=self.draw.choice(["RISK_CONTROL", TO_SEND]))

    async def _hold(self, view: View) -> bool:
        return await self._do(view, "status", status=self.draw.choice(HELD))

    async def _release(self, view: View) -> bool:
        return await self._do(view, "status", status=TO_SEND)

    async def _confirm(self, view: View) -> bool:
        return await self._do(view, "status", status="FINISH", reason="buyer_confirm_goods")

    async def _archive(self, view: View) -> bool:
        return await self._do(view, "status", status="ARCHIVE")

    async def _cancel_order(self, view: View) -> bool:
        return await self._do(view, "status", status="FINISH", reason="buyer_cancel_order")

    async def _cancel_line(self, view: View) -> bool:
        return await self._do(view, "cancel", sku_codes=[self._line(view)["sku_code"]])

    async def _refund(self, view: View) -> bool:
        amount = f"0.{self.draw.randrange(10, 99)}"
        reason = self.draw.choice(["damaged", "partial_refund"])
        sku_code = self._line(view)["sku_code"]
        return await self._do(view, "refund", sku_code=sku_code, amount=amount, reason=reason)

    async def _discount(self, view: View) -> bool:
        return await self._do(
            view,
            "discount",
            sku_code=self._line(view)["sku_code"],
            amount=f"0.{self.draw.randrange(10, 99)}",
            owner=self.draw.choice(["PLATFORM", "SELLER"]),
            promotion_id=str(next(self.numbers)),
        )

    async def _choose_delivery(self, view: View) -> bool:
        number = next(self.numbers)
        choices: list[dict[str, Any]] = [
            {"pickup": {"type": "SELF_PICK_UP", "code": f"P-{number}"}},
            {"settlement": {"currency": "CNY", "rate": f"7.{self.draw.randrange(10, 99)}"}},
        ]
        if view["passport"] is None:
            choices.append({"passport": PASSPORT | {"number": f"X{number}"}})
        return await self._do(view, "delivery", **self.draw.choice(choices))

    async def _change_address(self, view: View) -> bool:
        number = next(self.numbers)
        change = self.draw.choice(
            [
                {"street": f"{number} Elm Street", "address2": f"Door {number}"},
                {"name": f"Buyer {number}"},
                {"city": f"City {number}", "province": f"Province {number}", "zip": str(number)},
            ]
        )
        return await self._do(view, "address", **change)

    async def _make_parcel(self, view: View) -> bool:
        number = f"LA{next(self.numbers)}CN"
        kind = self.draw.choice(["all", "part"])
        return await self._do(
            view, "parcels", service_name="EMS", logistics_no=number, send_type=kind
        )

    async def _withdraw(self, view: View) -> bool:
        numbers = [one["tracking_number"] for one in view["shipments"]]
        theirs = [number for number in numbers if not number.startswith(OURS)]
        return bool(theirs) and await self._do(
            view, "withdraw", logistics_no=self.draw.choice(theirs)
        )

    async def _ship(self, view: View) -> bool:
        """The merchant ships by the channel: one line, or what is left."""
        [shop] = [name for name, seller in SHOPS.items() if seller == view["seller_id"]]
        body: dict[str, Any] = {
            "carrier": "EMS",
            "tracking_number": f"{OURS}{next(self.numbers)}CN",
        }
        if self.draw.random() < 0.5:
            body["lines"] = [self._line(view)["line_id"]]
        path = f"/v1/merchants/{MERCHANT}/shops/{shop}/orders/{view['order_id']}/shipments"
        key = {"Idempotency-Key": str(next(self.numbers))}
        answer = await self.harness.call("POST", path, json=body, headers=key)
        assert answer.status_code in (202, 404, 409), answer.text
        self.asked_to_ship.add(view["order_id"])
        return answer.status_code == 202

    def _line(self, view: View) -> dict[str, Any]:
        line: dict[str, Any] = self.draw.choice(view["lines"])
        return line

    # -- the importers

    async def _ask_for_imports(self) -> None:
        for shop in SHOPS:
            path = f"/v1/merchants/{MERCHANT}/shops/{shop}/order-imports"
            answer = await self.harness.call("POST", path)
            assert answer.status_code == 202, answer.text

    async def _import(self, number: int) -> None:
        """One of the importers, until nothing is left that no other has."""
        try:
            while await self._import_next(f"importer-{number}"):
                pass
        except FailpointError:
            arm("")

    async def _import_next(self, holder: str) -> bool:
        harness = self.harness
        options = ImportOptions(buyer_data=BuyerDataOptions(reads_customs_data=True))
        return await import_next(harness.pool, harness.access, holder, options)

    async def _settle(self) -> None:
        """Until no import and no parcel is under way; what was postponed runs a little later."""
        await self.harness.sandbox.delete("/control/faults")
        for _ in range(30):
            await self._ask_for_imports()
            while await plan_imports(self.harness.pool):
                pass
            while await self._import_next("settling"):
                pass
            while await self.harness.send():
                pass
            if not await self._is_anything_open():
                return
            await self.harness.move_clock(advance_seconds=60)
        raise AssertionError("imports or parcels stay open")

    async def _is_anything_open(self) -> bool:
        open_ones: int = await self.harness.pool.fetchval(
            """
            SELECT (SELECT count(*) FROM order_import WHERE state IN ('due', 'running'))
                + (SELECT count(*) FROM shipment WHERE state IN ('pending', 'sent'))
                + (SELECT count(*) FROM marketplace_order WHERE problem IS NOT NULL)
            """
        )
        return open_ones > 0

    # -- the checks

    async def _views(self) -> list[View]:
        answer = await self.harness.sandbox.get("/control/orders")
        views: list[View] = answer.json()
        return views

    async def _snapshot(self) -> Snapshot:
        revisions = await self._revisions()
        return {
            view["order_id"]: (
                {name: fact for name, fact in at_aliexpress(view).items() if name != DEADLINE},
                view["modified_at"],
                revisions.get(view["order_id"], 0),
            )
            for view in await self._views()
        }

    async def _revisions(self) -> Mapping[str, int]:
        rows = await self.harness.pool.fetch("SELECT order_id, revision FROM marketplace_order")
        return {row["order_id"]: row["revision"] for row in rows}

    async def _check_step(self, before: Snapshot) -> Snapshot:
        """What changed there has a new revision here, and nothing else has; how it is now."""
        now = await self._snapshot()
        for order_id, (facts, modified_at, revision) in now.items():
            facts_before, modified_before, revision_before = before.get(order_id, (None, "", 0))
            if facts != facts_before:
                assert revision > revision_before, f"{order_id} changed and was not published"
            elif modified_at == modified_before and not self._may_be_published(order_id, facts):
                assert revision == revision_before, f"{order_id} was published and had not changed"
        return now

    def _may_be_published(self, order_id: str, facts: dict[str, Any]) -> bool:
        """Whether an order may have changed here alone: by a parcel that was refused, or a number
        for customs that AliExpress masked when it was first read, as no method decrypts those."""
        return order_id in self.asked_to_ship or any(facts["customs"])

    async def _end(self) -> None:
        await self.harness.control("quirks")
        await self.harness.move_clock(advance_seconds=3_600)
        await self._settle()

    async def require_same(
        self, orders: Mapping[str, Mapping[str, Any]], *, but_for: Collection[str] = ()
    ) -> None:
        """Every order there is one of these with the same facts, and the other way."""
        there = {view["order_id"]: view for view in await self._views()}
        assert orders.keys() == there.keys()
        for order_id, order in orders.items():
            differing = differences(order, there[order_id]).keys() - set(but_for)
            assert not differing, f"{order_id} differs in {differing}"

    async def orders_here(self) -> dict[str, Mapping[str, Any]]:
        """Every order as REST shows it."""
        orders: dict[str, Mapping[str, Any]] = {}
        cursor = ""
        while True:
            path = f"/v1/merchants/{MERCHANT}/orders?limit=100{cursor}"
            page = (await self.harness.call("GET", path)).json()
            for order in page["items"]:
                assert order["order_id"] not in orders, "listed once"
                orders[order["order_id"]] = order
            if page["next_cursor"] is None:
                return orders
            cursor = f"&cursor={page['next_cursor']}"
