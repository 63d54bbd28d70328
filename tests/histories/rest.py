"""A history comes to rest: then the shop is what is wanted, and nothing wanted was taken down."""

from collections import Counter
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field

import msgspec

from channel_cli.following import RUN_ENDED, follow_run
from channel_cli.progress import poll
from channel_cli.session import Problem, TookTooLong
from channel_cli.settings import PUBLISHER as PUBLISHER_ADDRESS
from channel_demo import sell
from channel_demo.sandbox import ShopProduct, ShopSku

from ..stories.passing_time import let_time_pass
from .history import MINUTE, History, offer_name, product_name
from .wanted import Family

QUIET_WITHIN, QUIET_WITHIN_MORE = 40.0, 1 / 6
"""Seconds for the looks and readings that are due, which come every second, and the runs; and how
many more for each family."""
LOOK = 31 * MINUTE
"""After this every shop has been asked which products others edited."""
DAY = 24 * 60 * MINUTE
"""After this every product has been read back."""
CONFIRMABLE = frozenset({"withheld", "awaiting_confirmation", "planned"})


class _Difference(msgspec.Struct, frozen=True):
    what: str


class _Drifted(msgspec.Struct, frozen=True):
    family_id: str
    drift: list[_Difference]


@dataclass
class Rest:
    """What is looked at whenever a history has come to rest."""

    history: History
    seen: int = 0
    """The marketplace's newest effect that was looked at."""
    last_runs: dict[str, str] = field(default_factory=dict)
    """The newest run of each kind while it came to rest."""
    late: list[str] = field(default_factory=list)
    """What differed after the hour, the last time."""
    found_late: list[str] = field(default_factory=list)
    """What differed after the hour and was left to the daily read-back."""

    async def come_to_rest(self) -> None:
        """What every day does, and a person who connects and confirms, until nothing is sent.

        Within the hour, but for a seller's edit that fell between a write of ours and its answer:
        that one waits for the daily reading of the whole shop, and is counted.
        """
        await self.history.reconnect()
        self.late = []
        if await self.comes_to_rest_after(LOOK):
            return
        self.late = await self.differences()
        self.found_late += self.late
        await self.comes_to_rest_after(DAY)

    async def comes_to_rest_after(self, seconds: float) -> bool:
        """Whether nothing is sent and nothing differs, soon after this time has gone by."""
        await let_time_pass(self.history.session, seconds)
        within = QUIET_WITHIN + QUIET_WITHIN_MORE * len(self.history.families)
        with suppress(TookTooLong):
            async for is_quiet in poll(self.is_quiet, within=within, what="quiet"):
                if is_quiet:
                    return True
        return False

    async def is_quiet(self) -> bool:
        """Run all once; whether nothing was sent and nothing differs."""
        await self.history.until_taken(self.history.import_orders, refused=409)
        sent = await self.history.until_taken(self.run_all)
        return not sent and not await self.differences()

    async def run_all(self) -> int:
        """What has come in is normalized and sent; how many items that took."""
        await sell.settle(self.history.session)
        return sum([await self.run_to_end(kind) for kind in ("product", "offer")])

    async def run_to_end(self, kind: str) -> int:
        """A run, its withheld part confirmed; how many items it had."""
        session = self.history.session
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

    async def violations(self) -> list[str]:
        """Everything that is not as it must be at rest."""
        found = [
            *await self.differences(),
            *self.too_late(),
            *await self.wrong_deletions(),
            *await self.unaccounted(),
            *self.history.accounts.faults,
        ]
        self.history.accounts.faults.clear()
        return found

    def too_late(self) -> list[str]:
        """What differed after the hour although no seller had edited it."""
        edited = tuple(self.history.edited)
        self.history.edited.clear()
        return [f"{line}: after the hour" for line in self.late if not line.startswith(edited)]

    async def wrong_deletions(self) -> list[str]:
        """SKUs that the channel took down since the last rest and that were wanted all the while,
        by the marketplace's own ledger."""
        ledger = await self.history.session.sandbox.ledger(since=self.seen)
        down = [
            code
            for entry in ledger
            if entry.is_accepted
            for code in {
                "product.delete": entry.detail.get("skus", []),
                "sku.remove": [entry.sku_code],
            }.get(entry.operation, [])
        ]
        wrong = [
            f"{code}: deleted although wanted" for code in down if code not in self.history.unwanted
        ]
        self.seen = ledger[-1].sequence if ledger else self.seen
        self.history.unwanted = {
            code for family in self.history.families for code in family.unwanted_codes
        }
        self.history.done["deleted SKUs"] += len(down)
        return wrong

    async def differences(self) -> list[str]:
        """Where the shop is not what is wanted and nobody is told."""
        shop = await self.history.session.sandbox.products()
        there = Counter(sku.sku_code for product in shop for sku in product.skus)
        found = [f"{code}: {number} times" for code, number in there.items() if number > 1]
        stands = {sku.sku_code: (p, sku) for p in shop for sku in p.skus}
        wanted = {row.sku: row for f in self.history.families if f.is_wanted for row in f.skus}
        found += [f"{code}: not wanted" for code in stands.keys() - wanted.keys()]
        drift = await self.reported_drift()
        for family in self.history.families:
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
            f"{offer_name(row.sku)} {offer}, wanted {(row.price, row.stock)}"
            for row in family.skus
            for _, sku in [stands[row.sku]]
            for offer in [(sku.price, sku.inventory)]
            if offer != (row.price, row.stock)
        ]
        product = stands[family.skus[0].sku][0]
        title = f"{family.rows[0].event.fields['title']}{self.history.titles}".strip()
        differs = {"title"} if product.title != title else set()
        differs |= {"status"} if product.status == "offline" else set()
        if differs != reported:
            found.append(
                f"{product_name(family.name)} {product.status}, {product.title!r},"
                f" wanted {title!r}; reported to differ: {sorted(reported)}"
            )
        return found

    async def reported_drift(self) -> dict[str, set[str]]:
        """What the channel says differs in the shop, by family."""
        session = self.history.session
        path = f"/v1/merchants/{session.merchant}/feeds/{session.feed}/products"
        drifted = session.channel.session.items(
            PUBLISHER_ADDRESS, path, _Drifted, {"status": "drifted"}
        )
        return {one.family_id: {d.what for d in one.drift} async for one in drifted}

    async def unaccounted(self) -> list[str]:
        """Wanted products that the last run's report and the feed do not place exactly once."""
        session = self.history.session
        report = await session.channel.report(session.merchant, self.last_runs["product"])
        published = session.channel.published(session.merchant, session.feed, {"status": "live"})
        live = {product.family_id async for product in published}
        named = {family_id for cause in report.causes for family_id in cause.families}
        is_cut = any(cause.count > len(cause.families) for cause in report.causes)
        found = [
            f"{family.name}: live and missing"
            if family.name in live
            else f"{family.name}: neither live nor missing with its cause"
            for family in self.history.families
            if family.is_wanted and (family.name in live) == (family.name in named)
            if family.name in live or not is_cut
        ]
        wanted = {family.name for family in self.history.families if family.is_wanted}
        counts = (await session.channel.feed(session.merchant, session.feed)).counts
        expected = {"desired": len(wanted), "live": len(live & wanted), "pending": 0}
        expected |= {"rejected": len(wanted - live), "withheld": 0, "removals": 0}
        if any(counts[name] != number for name, number in expected.items()):
            found.append(f"the feed counts {counts}, expected {expected}")
        if report.missing != len(wanted - live):
            found.append(f"{report.missing} products are missing, expected {len(wanted - live)}")
        if not report.counts and report.unchanged != len(wanted & live):
            found.append(f"{report.unchanged} need nothing, expected {len(wanted & live)}")
        return found
