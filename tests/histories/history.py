"""A merchant's year in minutes: what is wanted, what happens to it, and whether the shop follows.

`Wanted` is the model: what the catalogue says. A history does seeded things to the catalogue, the
shop, the connection and the services, in any order and without waiting; after quiet the shop must
equal the model.
"""

import random
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import msgspec

from channel_cli.following import RUN_ENDED, follow_run
from channel_cli.progress import poll
from channel_cli.session import Problem
from channel_demo import bring_in, sell, trade
from channel_demo.consent import agree
from channel_demo.sandbox import SandboxRefused, ShopSku
from channel_demo.session import Session
from channel_demo.sources import Sources
from channel_producer import CatalogPublisher
from common.contracts.catalog import CatalogUpdated
from stack.run import Stack
from stack.system import CATALOG, ORDERS, PUBLISHER

from ..stories.sample import own_copy

SIMPLE, FAMILY = "NOT-07", "TSH-01"
"""Products of the sample that the history's are copies of; the second has four variations."""
WITHIN = 120.0
RUNS_TO_QUIET = 8
CONFIRMABLE = frozenset({"withheld", "awaiting_confirmation", "planned"})


@dataclass
class Row:
    """A row of the catalogue: a SKU, or a parent."""

    event: CatalogUpdated
    is_there: bool = True

    @property
    def sku(self) -> str:
        """The SKU code; empty for a parent."""
        return str(self.event.fields.get("sku") or "")


@dataclass
class Family:
    """A product with its variations."""

    name: str
    rows: list[Row]
    is_excluded: bool = False
    was_unwanted: bool = False
    """Since the last rest: until then it may rightly be deleted."""

    @property
    def skus(self) -> list[Row]:
        """The rows that are SKUs and in the catalogue."""
        return [row for row in self.rows if row.sku and row.is_there]

    @property
    def is_wanted(self) -> bool:
        """Whether it is to be online."""
        return not self.is_excluded and bool(self.skus)


@dataclass
class History:
    """Seeded steps on one merchant's feed."""

    stack: Stack
    session: Session
    sources: Sources
    families: list[Family]
    chance: random.Random
    done: Counter[str] = field(default_factory=Counter)
    plans: list[str] = field(default_factory=list)
    orders: list[str] = field(default_factory=list)
    seen: int = 0
    """The marketplace's newest effect that was looked at."""
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
        family.was_unwanted |= not family.is_wanted
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
        family.was_unwanted |= not family.is_wanted
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

    async def configure(self) -> None:
        self.titles = self.chance.choice(["", " A", " B"])
        await self.until_taken(self.apply_configuration)

    async def lapse(self) -> None:
        await self.session.sandbox.http.post(
            "/control/tokens/expire", json={"seller_id": self.session.sandbox.seller_id}
        )

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
        process = self.stack.process(self.chance.choice([CATALOG, PUBLISHER, ORDERS]).name)
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

    async def until_taken(self, call: Callable[[], Awaitable[None]], *, refused: int = 0) -> None:
        """Ask again while a service does not answer: it may just have been killed; or while it
        refuses with this status."""

        async def answers() -> bool:
            try:
                await call()
            except Problem as problem:
                if problem.details.status not in {refused, 502, 503, 504}:
                    raise
                return False
            return True

        async for is_taken in poll(answers, within=WITHIN, what="a service's answer"):
            if is_taken:
                return

    async def skus_in_shop(self) -> list[ShopSku]:
        """Every SKU the shop sells."""
        return [sku for product in await self.session.sandbox.products() for sku in product.skus]

    # -- after quiet

    async def come_to_rest(self) -> None:
        """What every day does, and a person who connects and confirms, until nothing is sent."""
        await self.reconnect()
        for _ in range(RUNS_TO_QUIET):
            await self.until_taken(self.import_orders, refused=409)
            await sell.settle(self.session)
            sent = [await self.run_to_end(kind) for kind in ("product", "offer")]
            if not any(sent) and not await self.differences():
                return

    async def wrong_deletions(self) -> list[str]:
        """Products deleted since the last rest that were wanted all the while."""
        ledger = await self.session.sandbox.ledger()
        born = {
            entry.product_id: set(entry.detail["skus"])
            for entry in ledger
            if entry.is_accepted and entry.operation == "product.create"
        }
        deleted = [
            born.get(entry.product_id, set())
            for entry in ledger
            if entry.sequence > self.seen and entry.is_accepted
            if entry.operation == "product.delete"
        ]
        self.seen = ledger[-1].sequence
        kept = [family for family in self.families if not family.was_unwanted]
        for family in self.families:
            family.was_unwanted = not family.is_wanted
        codes = [{row.sku for row in family.rows if row.sku} for family in kept]
        return [
            f"{sorted(skus)}: deleted although wanted"
            for skus in deleted
            if any(skus & known for known in codes)
        ]

    async def run_to_end(self, kind: str) -> int:
        """A run, its withheld part confirmed; how many items it had."""
        session = self.session
        run = await sell.run_feed(session, kind, RUN_ENDED | CONFIRMABLE, is_dry_run=False)
        if run.state in CONFIRMABLE:
            try:
                await session.channel.confirm_run(session.merchant, run.run_id)
            except Problem:
                return 1
            run = await follow_run(
                session.channel, session.merchant, run.run_id, until=RUN_ENDED, what=kind
            )
        return run.counts.get("items", 0)

    async def reconnect(self) -> None:
        """A person renews the connection, if it has lapsed."""
        link = await self.session.channel.connect_shop(self.session.merchant, self.session.shop)
        await agree(link.start_url, seller_id=self.session.sandbox.seller_id)

    async def differences(self) -> list[str]:
        """Where the shop is not what is wanted."""
        shop = await self.session.sandbox.products()
        there = Counter(sku.sku_code for product in shop for sku in product.skus)
        found = [f"{code}: {number} times" for code, number in there.items() if number > 1]
        stands = {sku.sku_code: (p.title, sku) for p in shop for sku in p.skus}
        wanted = {row.sku: (f, row) for f in self.families if f.is_wanted for row in f.skus}
        found += [f"{code}: not wanted" for code in stands.keys() - wanted.keys()]
        for code, (family, row) in wanted.items():
            if code not in stands:
                if any(int(str(r.event.fields["stock"])) for r in family.skus):
                    found.append(f"{code}: not there")
                continue
            title, sku = stands[code]
            desired = (str(row.event.fields["price"]), int(str(row.event.fields["stock"])))
            if (sku.price, sku.inventory) != desired:
                found.append(f"{code}: {(sku.price, sku.inventory)}, wanted {desired}")
            head = family.rows[0].event.fields["title"]
            if title != f"{head}{self.titles}".strip():
                found.append(f"{code}: titled {title!r}, wanted {head!r} with {self.titles!r}")
        return found


def next_version(row: Row, action: Any = "upsert", **changes: Any) -> CatalogUpdated:
    """The row's next event; a field set to None is left out."""
    fields = {**row.event.fields, **changes}
    event = msgspec.structs.replace(
        row.event,
        version=(row.event.version or 0) + 1,
        action=action,
        fields={name: value for name, value in fields.items() if value is not None},
    )
    if action == "delete":
        row.event = msgspec.structs.replace(event, action="upsert")
        return msgspec.structs.replace(event, fields={})
    return event


def make_families(sources: Sources, number: int) -> list[Family]:
    """Copies of two of the sample's products, one in four with variations."""
    newest: dict[str, CatalogUpdated] = {}
    for event in sources.events:
        if (event.parent_id or event.product_id) in {SIMPLE, FAMILY} and event.action == "upsert":
            known = newest.get(event.product_id)
            if known is None or (event.version or 0) > (known.version or 0):
                newest[event.product_id] = event
    parents_first = sorted(newest.values(), key=lambda e: (e.parent_id is not None, e.product_id))
    families = []
    for place in range(number):
        chosen = FAMILY if place % 4 == 0 else SIMPLE
        rows = [
            Row(own_copy(event, sources.catalogue, f"h{place}."))
            for event in parents_first
            if (event.parent_id or event.product_id) == chosen
        ]
        families.append(Family(f"h{place}.{chosen}", rows))
    return families
