"""A merchant's year in minutes: what is wanted, what happens to it, and whether the shop follows.

The families are the model: what the catalogue says. A history does seeded things to the catalogue,
the shop, the connection and the services, in any order and without waiting; after quiet the shop
must equal the model.
"""

import random
from collections import Counter
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

import msgspec

from aliexpress.errors import CallerFault
from channel_cli.following import RUN_ENDED, follow_run
from channel_cli.progress import poll
from channel_cli.session import Problem, TookTooLong
from channel_cli.settings import PUBLISHER as PUBLISHER_ADDRESS
from channel_demo import bring_in, sell, trade
from channel_demo.consent import ConsentFailed, agree
from channel_demo.sandbox import ONLINE, SandboxRefused, ShopProduct, ShopSku
from channel_demo.session import Session
from channel_demo.sources import Sources
from channel_producer import CatalogPublisher
from common.contracts.catalog import CatalogUpdated
from stack.run import Stack
from stack.system import AUTH, CATALOG, ORDERS, PUBLISHER

from .accounts import Accounts
from .seller_centre import EditRefused, SellerCentre, sign_in
from .wanted import Family, Row, next_version

T = TypeVar("T")


class _Difference(msgspec.Struct, frozen=True):
    what: str


class _Drifted(msgspec.Struct, frozen=True):
    family_id: str
    drift: list[_Difference]


WITHIN = 120.0
QUIET_WITHIN = 90.0
"""Seconds for the looks and readings that are due, which come every ten seconds, and the runs."""
MINUTE = 60.0
LOOK = 31 * MINUTE
"""After this every shop has been asked which products others edited."""
DAY = 24 * 60 * MINUTE
"""After this every product has been read back."""
CONFIRMABLE = frozenset({"withheld", "awaiting_confirmation", "planned"})


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
    seen: int = 0
    """The marketplace's newest effect that was looked at."""
    unwanted: set[str] = field(default_factory=set)
    """SKU codes that were not to be online at some moment since the last rest: until then they may
    rightly be deleted."""
    found_late: list[str] = field(default_factory=list)
    """What differed after the hour and was left to the daily read-back."""
    last_runs: dict[str, str] = field(default_factory=dict)
    """The newest run of each kind while it came to rest."""
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

    async def configure(self) -> None:
        self.titles = self.chance.choice(["", " A", " B"])
        await self.until_taken(self.apply_configuration)

    async def lapse(self) -> None:
        await self.session.sandbox.http.post(
            "/control/tokens/expire", json={"seller_id": self.session.sandbox.seller_id}
        )

    async def let_time_pass(self) -> None:
        await self.session.sandbox.move_clock(self.chance.randint(1, 90) * MINUTE)

    async def edit_stock(self) -> None:
        async def edit(centre: SellerCentre, product: ShopProduct) -> None:
            sku = self.chance.choice(product.skus)
            await centre.set_stock(product, sku.sku_code, self.chance.randint(0, 40))

        await self.edit(edit)

    async def edit_price(self) -> None:
        async def edit(centre: SellerCentre, product: ShopProduct) -> None:
            sku = self.chance.choice(product.skus)
            price = f"{self.chance.randint(500, 9_000) / 100:.2f}"
            await centre.set_price(product, sku.sku_code, price)

        await self.edit(edit)

    async def edit_title(self) -> None:
        async def edit(centre: SellerCentre, product: ShopProduct) -> None:
            title = f"Bargain {self.chance.randint(1, 10**6)}"
            family_id = self.family_of(product).name
            await self.until_taken(lambda: centre.set_title(product, family_id, title))

        await self.edit(edit)

    async def take_offline(self) -> None:
        await self.edit(lambda centre, product: centre.take_offline(product))

    async def put_online(self) -> None:
        await self.edit(
            lambda centre, product: centre.put_online(product), statuses=frozenset({"offline"})
        )

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
        await self.session.sandbox.move_clock(2)  # AliExpress tells times of editing in seconds
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

    # -- after quiet

    async def come_to_rest(self) -> None:
        """What every day does, and a person who connects and confirms, until nothing is sent.

        Within the hour, but for a seller's edit that fell between a write of ours and its answer:
        that one waits for the daily reading of the whole shop, and is counted.
        """
        await self.reconnect()
        if await self.comes_to_rest_after(LOOK):
            return
        self.found_late += await self.differences()
        await self.comes_to_rest_after(DAY)

    async def comes_to_rest_after(self, seconds: float) -> bool:
        """Whether nothing is sent and nothing differs, soon after this time has gone by."""
        await self.session.sandbox.move_clock(seconds)
        with suppress(TookTooLong):
            async for is_quiet in poll(self.is_quiet, within=QUIET_WITHIN, what="quiet"):
                if is_quiet:
                    return True
        return False

    async def is_quiet(self) -> bool:
        """Run all once; whether nothing was sent and nothing differs."""
        await self.until_taken(self.import_orders, refused=409)
        sent = await self.until_taken(self.run_all)
        return not sent and not await self.differences()

    async def run_all(self) -> int:
        """What has come in is normalized and sent; how many items that took."""
        await sell.settle(self.session)
        return sum([await self.run_to_end(kind) for kind in ("product", "offer")])

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
        self.last_runs[kind] = run.run_id
        return run.counts.get("items", 0)

    async def reconnect(self) -> None:
        """A person renews the connection, if it has lapsed."""
        await self.until_taken(self._reconnect)

    async def _reconnect(self) -> None:
        link = await self.session.channel.connect_shop(self.session.merchant, self.session.shop)
        await agree(link.start_url, seller_id=self.session.sandbox.seller_id)

    async def violations(self) -> list[str]:
        """Everything that is not as it must be at rest."""
        found = [
            *await self.differences(),
            *await self.wrong_deletions(),
            *await self.unaccounted(),
            *self.accounts.faults,
        ]
        self.accounts.faults.clear()
        return found

    async def wrong_deletions(self) -> list[str]:
        """SKUs that the channel took down since the last rest and that were wanted all the while,
        by the marketplace's own ledger."""
        ledger = await self.session.sandbox.ledger(since=self.seen)
        down = [
            code
            for entry in ledger
            if entry.is_accepted
            for code in {
                "product.delete": entry.detail.get("skus", []),
                "sku.remove": [entry.sku_code],
            }.get(entry.operation, [])
        ]
        wrong = [f"{code}: deleted although wanted" for code in down if code not in self.unwanted]
        self.seen = ledger[-1].sequence if ledger else self.seen
        self.unwanted = {code for family in self.families for code in family.unwanted_codes}
        self.done["deleted SKUs"] += len(down)
        return wrong

    async def differences(self) -> list[str]:
        """Where the shop is not what is wanted and nobody is told."""
        shop = await self.session.sandbox.products()
        there = Counter(sku.sku_code for product in shop for sku in product.skus)
        found = [f"{code}: {number} times" for code, number in there.items() if number > 1]
        stands = {sku.sku_code: (p, sku) for p in shop for sku in p.skus}
        wanted = {row.sku: row for f in self.families if f.is_wanted for row in f.skus}
        found += [f"{code}: not wanted" for code in stands.keys() - wanted.keys()]
        drift = await self.reported_drift()
        for family in self.families:
            if family.is_wanted:
                found += self._differences_of(family, stands, drift.get(family.name, set()))
        return found

    def _differences_of(
        self,
        family: Family,
        stands: Mapping[str, tuple[ShopProduct, ShopSku]],
        reported: set[str],
    ) -> list[str]:
        missing = [row for row in family.skus if row.sku not in stands]
        if missing:
            return [f"{row.sku}: not there" for row in missing if family.has_stock]
        found = [
            f"{row.sku}: {offer}, wanted {(row.price, row.stock)}"
            for row in family.skus
            for _, sku in [stands[row.sku]]
            for offer in [(sku.price, sku.inventory)]
            if offer != (row.price, row.stock)
        ]
        product = stands[family.skus[0].sku][0]
        title = f"{family.rows[0].event.fields['title']}{self.titles}".strip()
        differs = {"title"} if product.title != title else set()
        differs |= {"status"} if product.status == "offline" else set()
        if differs != reported:
            found.append(
                f"{family.name}: {product.status}, {product.title!r}, wanted {title!r};"
                f" reported to differ: {sorted(reported)}"
            )
        return found

    async def reported_drift(self) -> dict[str, set[str]]:
        """What the channel says differs in the shop, by family."""
        path = f"/v1/merchants/{self.session.merchant}/feeds/{self.session.feed}/products"
        drifted = self.session.channel.session.items(
            PUBLISHER_ADDRESS, path, _Drifted, {"status": "drifted"}
        )
        return {one.family_id: {d.what for d in one.drift} async for one in drifted}

    async def unaccounted(self) -> list[str]:
        """Wanted products that the last run's report and the feed do not place exactly once."""
        session = self.session
        report = await session.channel.report(session.merchant, self.last_runs["product"])
        published = session.channel.published(session.merchant, session.feed, {"status": "live"})
        live = {product.family_id async for product in published}
        named = {family_id for cause in report.causes for family_id in cause.families}
        is_cut = any(cause.count > len(cause.families) for cause in report.causes)
        found = [
            f"{family.name}: live and missing"
            if family.name in live
            else f"{family.name}: neither live nor missing with its cause"
            for family in self.families
            if family.is_wanted and (family.name in live) == (family.name in named)
            if family.name in live or not is_cut
        ]
        wanted = {family.name for family in self.families if family.is_wanted}
        counts = (await session.channel.feed(session.merchant, session.feed)).counts
        expected = {"desired": len(wanted), "live": len(live & wanted), "pending": 0}
        expected |= {"rejected": len(wanted - live), "withheld": 0, "removals": 0}
        if any(counts[name] != number for name, number in expected.items()):
            found.append(f"the feed counts {counts}, expected {expected}")
        if report.missing != len(wanted - live):
            found.append(f"{report.missing} products are missing, expected {len(wanted - live)}")
        return found
