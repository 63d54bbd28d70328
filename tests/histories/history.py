"""A merchant's year in minutes: what is wanted, what happens to it, and whether the shop follows.

The families are the model: what the catalogue says. A history does seeded things to the catalogue,
the shop, the connection and the services, in any order and without waiting; after quiet the shop
must equal the model.
"""

import random
from collections import Counter
from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

import msgspec

from aliexpress.errors import CallerFault
from channel_cli.progress import poll
from channel_cli.session import Problem
from channel_demo import bring_in, trade
from channel_demo.consent import ConsentFailed, agree
from channel_demo.sandbox import ONLINE, SandboxRefused, ShopProduct, ShopSku
from channel_demo.session import Session
from channel_demo.sources import Sources
from channel_producer import CatalogPublisher
from common.contracts.catalog import CatalogUpdated
from stack.run import Stack
from stack.system import AUTH, CATALOG, ORDERS, PUBLISHER

from ..stories.passing_time import let_time_pass
from .accounts import Accounts
from .seller_centre import EditRefused, SellerCentre, sign_in
from .wanted import Family, Row, next_version

T = TypeVar("T")


WITHIN = 120.0
MINUTE = 60.0
ORDERS_AT_REST = 4


@dataclass
class History:
    """Seeded steps on one merchant's feed."""

    stack: Stack
    session: Session
    sources: Sources
    families: list[Family]
    chance: random.Random
    accounts: Accounts
    done: Counter[str] = field(default_factory=Counter)
    plans: list[str] = field(default_factory=list)
    orders: list[str] = field(default_factory=list)
    edited: set[str] = field(default_factory=set)
    """Names of offers and products that the seller edited at AliExpress since the last rest."""
    unwanted: set[str] = field(default_factory=set)
    """SKU codes that were not to be online at some moment since the last rest: until then they may
    rightly be deleted."""
    titles: str = ""
    """What the configuration puts behind every title."""

    # -- what happens

    def steps(self) -> dict[str, Callable[[], Awaitable[None]]]:
        """Everything that may happen, by name."""
        return {
            "reprice": self.reprice,
            "restock": self.restock,
            "retitle": self.retitle,
            "sell out": self.sell_out,
            "take out": self.take_out,
            "bring back": self.bring_back,
            "exclude": self.exclude,
            "order": self.order,
            "cancel": self.cancel,
            "configure": self.configure,
            "lapse": self.lapse,
            "renew": self.reconnect,
            "time": self.let_time_pass,
            "edit stock": self.edit_stock,
            "edit price": self.edit_price,
            "edit title": self.edit_title,
            "take offline": self.take_offline,
            "put online": self.put_online,
            "plan": self.plan,
            "confirm late": self.confirm_late,
            "run products": lambda: self.ask("product"),
            "run offers": lambda: self.ask("offer"),
            "kill": self.kill,
        }

    async def take_step(self) -> None:
        """One thing, whatever else is under way."""
        name = self.chance.choice(sorted(self.steps()))
        await self.steps()[name]()
        self.done[name] += 1

    async def reprice(self) -> None:
        row = self.chance.choice(self.chance.choice(self.present()).skus)
        price = f"{self.chance.randint(500, 9_000) / 100:.2f}"
        await self.send(row, price=price, price_es=None, sale_price=None)

    async def restock(self) -> None:
        row = self.chance.choice(self.chance.choice(self.present()).skus)
        await self.send(row, stock=self.chance.randint(1, 40))

    async def retitle(self) -> None:
        family = self.chance.choice(self.present())
        head = family.rows[0]
        await self.send(head, title=f"Lumo notebook {self.chance.randint(1, 10**6)}")

    async def sell_out(self) -> None:
        row = self.chance.choice(self.chance.choice(self.present()).skus)
        await self.send(row, stock=0)

    async def take_out(self) -> None:
        family = self.chance.choice(self.present())
        row = self.chance.choice(family.skus)
        row.is_there = False
        self.unwanted |= family.unwanted_codes
        await self.publish([next_version(row, action="delete")])

    async def bring_back(self) -> None:
        gone = [row for family in self.families for row in family.rows if not row.is_there]
        if gone:
            row = self.chance.choice(gone)
            row.is_there = True
            await self.send(row, stock=self.chance.randint(1, 40))

    async def exclude(self) -> None:
        family = self.chance.choice(self.present())
        family.is_excluded = not family.is_excluded
        self.unwanted |= family.unwanted_codes
        brand = "Excluded" if family.is_excluded else "Lumo"
        for row in family.rows:
            if row.is_there:
                await self.send(row, history=brand)

    async def order(self) -> None:
        shop = [sku for sku in await self.skus_in_shop() if sku.inventory > 0]
        if shop:
            sku = self.chance.choice(shop)
            pieces = self.chance.randint(1, min(sku.inventory, 5))
            try:
                placed = await self.session.sandbox.place_order(
                    [(sku.sku_code, pieces)],
                    seed=self.chance.randrange(10**9),
                    status=self.chance.choice([trade.WAITS_FOR_SELLER, "PLACE_ORDER_SUCCESS"]),
                )
            except SandboxRefused:
                return  # sold meanwhile
            self.orders.append(placed.order_id)

    async def cancel(self) -> None:
        if self.orders:
            order_id = self.orders.pop(self.chance.randrange(len(self.orders)))
            await self.session.sandbox.http.post(
                f"/control/orders/{order_id}/status",
                json={"status": "FINISH", "reason": "buyer_cancel"},
            )

    async def trade(self) -> None:
        """Buyers alone: orders, one of them cancelled."""
        for _ in range(ORDERS_AT_REST):
            await self.order()
        await self.cancel()

    async def configure(self) -> None:
        self.titles = self.chance.choice(["", " A", " B"])
        await self.until_taken(self.apply_configuration)

    async def lapse(self) -> None:
        await self.session.sandbox.http.post(
            "/control/tokens/expire", json={"seller_id": self.session.sandbox.seller_id}
        )

    async def reconnect(self) -> None:
        """A person renews the connection, if it has lapsed."""
        await self.until_taken(self._reconnect)

    async def _reconnect(self) -> None:
        link = await self.session.channel.connect_shop(self.session.merchant, self.session.shop)
        await agree(link.start_url, seller_id=self.session.sandbox.seller_id)

    async def let_time_pass(self) -> None:
        await let_time_pass(self.session, self.chance.randint(1, 90) * MINUTE)

    async def edit_stock(self) -> None:
        async def edit(centre: SellerCentre, product: ShopProduct) -> None:
            sku = self.chance.choice(product.skus)
            self.edited.add(offer_name(sku.sku_code))
            await centre.set_stock(product, sku.sku_code, self.chance.randint(0, 40))

        await self.edit(edit)

    async def edit_price(self) -> None:
        async def edit(centre: SellerCentre, product: ShopProduct) -> None:
            sku = self.chance.choice(product.skus)
            price = f"{self.chance.randint(500, 9_000) / 100:.2f}"
            self.edited.add(offer_name(sku.sku_code))
            await centre.set_price(product, sku.sku_code, price)

        await self.edit(edit)

    async def edit_title(self) -> None:
        async def edit(centre: SellerCentre, product: ShopProduct) -> None:
            title = f"Bargain {self.chance.randint(1, 10**6)}"
            family_id = self.family_of(product).name
            self.edited |= {product_name(family_id)}
            self.edited |= {offer_name(sku.sku_code) for sku in product.skus}  # sent as they were
            await self.until_taken(lambda: centre.set_title(product, family_id, title))

        await self.edit(edit)

    async def take_offline(self) -> None:
        async def edit(centre: SellerCentre, product: ShopProduct) -> None:
            self.edited.add(product_name(self.family_of(product).name))
            await centre.take_offline(product)

        await self.edit(edit)

    async def put_online(self) -> None:
        async def edit(centre: SellerCentre, product: ShopProduct) -> None:
            self.edited.add(product_name(self.family_of(product).name))
            await centre.put_online(product)

        await self.edit(edit, statuses=frozenset({"offline"}))

    async def edit(
        self,
        change: Callable[[SellerCentre, ShopProduct], Awaitable[None]],
        *,
        statuses: Collection[str] = frozenset({ONLINE}),
    ) -> None:
        """The seller does something to a product at AliExpress itself, whatever the channel is
        doing to it; what AliExpress refuses is left."""
        shop = [p for p in await self.session.sandbox.products() if p.status in statuses]
        if not shop:
            return
        product = self.chance.choice(shop)
        await let_time_pass(self.session, 2)  # AliExpress tells times of editing in seconds
        try:
            async with sign_in(self.stack, self.session) as centre:
                await change(centre, product)
        except (CallerFault, EditRefused):
            self.done["refused edit"] += 1

    async def plan(self) -> None:
        await self.until_taken(self._plan)

    async def _plan(self) -> None:
        kind = self.chance.choice(["product", "offer"])
        asked = await self.session.channel.run_feed(
            self.session.merchant, self.session.feed, kind, is_dry_run=True
        )
        self.plans.append(asked.run_id)

    async def confirm_late(self) -> None:
        """Confirm a plan of some time ago; the channel may refuse, it may do no harm."""
        if self.plans:
            run_id = self.plans.pop(self.chance.randrange(len(self.plans)))
            try:
                await self.session.channel.confirm_run(
                    self.session.merchant, run_id, skip_overtaken=self.chance.random() < 0.5
                )
            except Problem:
                self.done["refused confirmation"] += 1

    async def ask(self, kind: str) -> None:
        try:
            await self.session.channel.run_feed(
                self.session.merchant, self.session.feed, kind, is_dry_run=False
            )
        except Problem:
            self.done["refused run"] += 1

    async def kill(self) -> None:
        process = self.stack.process(self.chance.choice([AUTH, CATALOG, PUBLISHER, ORDERS]).name)
        await process.kill()
        await process.wait_until_ready()

    # -- helpers of the steps

    def present(self) -> list[Family]:
        """Families with rows in the catalogue."""
        return [family for family in self.families if family.skus]

    async def send(self, row: Row, **changes: Any) -> None:
        """The row's next version with these fields changed."""
        row.event = next_version(row, **changes)
        await self.publish([row.event])

    async def publish(self, events: Sequence[CatalogUpdated]) -> None:
        """Send events, and do not wait for what they do."""
        async with CatalogPublisher(
            self.session.kafka_bootstrap,
            source=bring_in.SOURCE,
            topic_prefix=self.session.topic_prefix,
        ) as publisher:
            await publisher.publish(list(events))

    async def apply_configuration(self) -> None:
        """The sample's configuration with the history's titles and exclusion."""
        await bring_in.apply_configuration(self.session, self.configured())

    def configured(self) -> Sources:
        """The sources with the configuration as it is now."""
        configuration = msgspec.json.decode(msgspec.json.encode(self.sources.configuration))
        for texts in configuration["languages"].values():
            texts["title"] = {"template": "{{ title }}" + self.titles}
        configuration["exclude"] = {"field": "history", "equals": "Excluded"}
        return replace(self.sources, configuration=configuration)

    async def import_orders(self) -> None:
        """Every change of an order is known."""
        await trade.import_orders(self.session)

    async def until_taken(self, call: Callable[[], Awaitable[T]], *, refused: int = 0) -> T:
        """Ask again while a service does not answer: it may just have been killed; or while it
        refuses with this status, or with 401: the services' clocks move one after the other."""

        async def answer() -> list[T]:
            try:
                return [await call()]
            except Problem as problem:
                if problem.details.status not in {refused, 401, 502, 503, 504}:
                    raise
                return []
            except ConsentFailed:  # the link was overtaken by the clock, or auth-service killed
                return []

        async for answers in poll(answer, within=WITHIN, what="a service's answer"):
            for given in answers:
                return given
        raise AssertionError("polling ends by an answer or raises")

    async def skus_in_shop(self) -> list[ShopSku]:
        """Every SKU the shop sells."""
        return [sku for product in await self.session.sandbox.products() for sku in product.skus]

    def family_of(self, product: ShopProduct) -> Family:
        """The family a product of the shop is of."""
        codes = {sku.sku_code for sku in product.skus}
        return next(f for f in self.families if codes & {row.sku for row in f.rows})


def offer_name(sku_code: str) -> str:
    """How what differs in a SKU's price or stock begins."""
    return f"offer of {sku_code}:"


def product_name(family_id: str) -> str:
    """How what differs in a product's title or status begins."""
    return f"product {family_id}:"
