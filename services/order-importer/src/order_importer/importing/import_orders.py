"""Import a shop's orders: list what changed, read its details, write, move the cursor.

One import of a shop runs at a time, under a lease. The cursor moves in the transaction that writes
the last orders of its window; a process killed before that leaves an import that another continues,
and what was written already is recognised.
"""

import asyncio
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial

import structlog
from structlog.contextvars import bound_contextvars

from aliexpress.client import Client
from aliexpress.errors import AppRefused, BadAnswer, CallerFault, MarketplaceFailure
from aliexpress.operation import AccessToken
from aliexpress.orders import Order as ListedOrder
from aliexpress.orders import UnreadableOrder, load_order
from common import clock
from common.errors import Outage, Refusal
from common.failpoints import reach
from common.postgres.leases import Lease, check_lease, hold_lease
from common.postgres.pool import Pool
from common.postgres.set_aside import MOST_FAILURES, RowKey, alone, describe, is_about_the_data
from common.postgres.unit_of_work import made_work, reading, unit_of_work
from common.shop_tokens import ShopNotConnected
from common.telemetry.names import SPAN_IMPORT
from common.telemetry.tracing import Attribute, span_of
from order_importer.carriers.load_carriers import load_carriers
from order_importer.importing.fetch_orders import QUERIES, read_orders
from order_importer.importing.given import Uninterpretable
from order_importer.importing.interpret import (
    RawOrder,
    interpret,
    is_settled,
    listed_fingerprint,
    ship_before,
)
from order_importer.importing.outcome import end_done, end_failed, tell_late
from order_importer.importing.read_receipt import (
    USUAL,
    BuyerDataOptions,
    read_customs_data,
    read_receipt,
)
from order_importer.importing.record_orders import record_orders
from order_importer.importing.store import save_unreadable
from order_importer.importing.window import Window, next_window
from order_importer.imports import store as imports
from order_importer.imports.store import IMPORTING, Import, lease_of
from order_importer.orders import store as orders
from order_importer.orders.deadline import USUAL_PREPARATION
from order_importer.orders.store import Fetched
from order_importer.orders.trace import begin_order_trace
from order_importer.shops.pauses import pause_after
from order_importer.shops.shop_access import ShopAccess
from order_importer.shops.store import load_shop, move_cover, share_preparation_days

log = structlog.get_logger()

BATCH_ORDERS = 200
LATE_AFTER = timedelta(hours=1)
"""How long after it was due an import that did not succeed is told of as late."""
PARALLEL_DETAILS = 8
PROBLEMS_AGAIN = 50
IMPORT_FAILED = "the channel failed on this import; its operator has been alerted"
WRITE_FAILED = "the channel failed to store this order; its operator has been alerted"
JOB = "imports"
_CANDIDATES = 20


@dataclass(frozen=True, kw_only=True)
class ImportOptions:
    """What an installation sets of its imports.

    `first` is how far back a shop's first import reads, `preparation` the time to ship of shops
    that have none of their own.
    """

    first: timedelta = timedelta(days=90)
    preparation: timedelta = USUAL_PREPARATION
    buyer_data: BuyerDataOptions = USUAL


async def import_next(pool: Pool, access: ShopAccess, holder: str, options: ImportOptions) -> bool:
    """Run the next import that is due and that nobody else runs. Whether there was one."""
    async with reading(pool) as connection:
        candidates = await imports.list_open(connection, JOB, clock.now(), limit=_CANDIDATES)
    for candidate in candidates:
        name = lease_of(candidate.merchant_id, candidate.shop_id)
        async with hold_lease(pool, name, holder) as lease:
            if lease is not None:
                row = RowKey(candidate.merchant_id, str(candidate.import_id))
                run = partial(_run, pool, access, lease, candidate, options)
                await alone(pool, JOB, row, run)
                return True
    return False


async def _run(
    pool: Pool, access: ShopAccess, lease: Lease, candidate: Import, options: ImportOptions
) -> None:
    async with unit_of_work(pool) as connection:
        # a request that was added to it since it was listed counts too
        due = await imports.lock_open(connection, candidate.import_id)
        if due is None:
            return
        shop = await load_shop(connection, due.merchant_id, due.shop_id)
        window = next_window(
            shop.covered_until, clock.now(), options.first, reads_from=due.reads_from
        )
        running = await imports.begin_import(connection, due, (window.start, window.end))
    attributes: dict[str, Attribute] = {
        "channel.merchant": shop.merchant_id,
        "channel.shop": shop.shop_id,
        "channel.import": running.import_id,
    }
    with span_of(SPAN_IMPORT, attributes=attributes) as span, bound_contextvars(shop=shop.shop_id):
        try:
            async with access.token_of(shop.merchant_id, shop.shop_id) as token:
                counts = await _Importing(
                    pool=pool,
                    client=access.client,
                    token=token,
                    lease=lease,
                    running=running,
                    window=window,
                    options=options,
                ).run()
        except (Outage, BadAnswer) as outage:
            await _postpone(pool, access, running, outage, shop.covered_until)
        except (ShopNotConnected, MarketplaceFailure) as failure:
            problem = (
                "The shop is not connected: renew it, and the import goes on where it stands."
                if isinstance(failure, ShopNotConnected)
                else str(failure)
            )
            log.warning("import.failed", import_id=running.import_id, problem=problem)
            async with unit_of_work(pool) as connection:
                await end_failed(connection, running.import_id, problem, shop.covered_until)
        except Exception as error:
            if is_about_the_data(error) and running.attempts >= MOST_FAILURES:
                problem = f"{IMPORT_FAILED} ({type(error).__name__})"
                async with unit_of_work(pool) as connection:
                    await end_failed(connection, running.import_id, problem, shop.covered_until)
            raise
        else:
            span.set_attributes({f"channel.count.{name}": n for name, n in counts.items()})
            log.info("import.done", import_id=running.import_id, **counts)
            await _know_carriers(pool, access, shop.merchant_id, shop.shop_id)


async def _know_carriers(pool: Pool, access: ShopAccess, merchant_id: str, shop_id: str) -> None:
    """Have the carriers known, so that parcels can be asked for while nothing can be read."""
    try:
        await load_carriers(pool, access, merchant_id, shop_id)
    except (Outage, Refusal, CallerFault) as obstacle:
        log.info("carriers.not_read", shop=shop_id, problem=str(obstacle))


async def _postpone(
    pool: Pool,
    access: ShopAccess,
    running: Import,
    failure: Exception,
    covered_until: datetime | None,
) -> None:
    now = clock.now()
    waited = now - running.requested_at
    pause = pause_after(failure, attempts=running.attempts, waited=waited, first=access.first_pause)
    problem = failure.trouble if isinstance(failure, AppRefused) else str(failure)
    log.info(
        "import.postponed",
        import_id=running.import_id,
        problem=problem,
        seconds=round(pause.total_seconds()),
    )
    async with unit_of_work(pool) as connection:
        has_become_late = await imports.postpone_import(
            connection,
            running.import_id,
            until=now + pause,
            problem=problem,
            is_late=waited >= LATE_AFTER,
            refunds=int(isinstance(failure, AppRefused)),
        )
        made_work(connection, IMPORTING, due_after=pause)
        if has_become_late:
            await tell_late(connection, replace(running, problem=problem), covered_until)


@dataclass(kw_only=True)
class _Importing:
    """One run of one import; orders to be written are gathered into batches."""

    pool: Pool
    client: Client
    token: AccessToken
    lease: Lease
    running: Import
    window: Window
    options: ImportOptions
    seen: set[str] = field(default_factory=set)
    counted: int = 0
    counts: Counter[str] = field(default_factory=Counter)
    wanted: dict[str, ListedOrder | None] = field(default_factory=dict)
    unreadable: list[UnreadableOrder] = field(default_factory=list)

    async def run(self) -> Mapping[str, int]:
        """Import all; how many orders were seen, received, updated and unreadable."""
        merchant_id, shop_id = self.running.merchant_id, self.running.shop_id
        async with reading(self.pool) as connection:
            problems = await orders.list_problems(
                connection, merchant_id, shop_id, limit=PROBLEMS_AGAIN
            )
        self.wanted = {order_id: listed for order_id, _, listed in problems}
        for changed in self.window.slices():
            for statuses in QUERIES:
                async for page in read_orders(self.client, self.token, changed, statuses):
                    await self._want(page.orders)
                    self.unreadable += page.unreadable
                    if len(self.wanted) >= BATCH_ORDERS:
                        await self._write(is_last=False)
        await self._write(is_last=True)
        return {"seen": 0, "received": 0, "updated": 0, "unreadable": 0} | self.counts

    async def _want(self, listed: Sequence[ListedOrder]) -> None:
        """Note the listed orders whose details have to be read: new ones and changed ones."""
        async with reading(self.pool) as connection:
            known = await orders.load_listed_fingerprints(
                connection,
                self.running.merchant_id,
                self.running.shop_id,
                [order.order_id for order in listed],
            )
        self.seen.update(order.order_id for order in listed)
        is_deep = self.running.reads_from is not None
        for order in listed:
            if is_deep or known.get(order.order_id) != listed_fingerprint(order):
                self.wanted[order.order_id] = order

    async def _write(self, *, is_last: bool) -> None:
        """Fetch what is wanted in full, and write it."""
        batch = await self._fetch_details()
        reach("importer.after-fetch")
        await self._record(batch, is_last=is_last)
        self.wanted.clear()

    async def _record(self, batch: Sequence[Fetched], *, is_last: bool) -> None:
        """Write the batch; where that fails, in halves, so that an order that cannot be written is
        alone stored as unreadable, with its problem, and tried again by the next import."""
        try:
            await self._record_set(batch, is_last=is_last)
        except Exception as error:
            has_failed = any(one.problem == WRITE_FAILED for one in batch)
            if not batch or has_failed or not is_about_the_data(error):
                raise
            if len(batch) > 1:
                middle = len(batch) // 2
                await self._record(batch[:middle], is_last=False)
                await self._record(batch[middle:], is_last=is_last)
                return
            log.error(  # noqa: TRY400 - an error's text may quote a buyer
                "import.order_not_written", order=batch[0].order_id, **describe(error)
            )
            await self._record([_unwritable(batch[0])], is_last=is_last)

    async def _record_set(self, batch: Sequence[Fetched], *, is_last: bool) -> None:
        running = self.running
        async with unit_of_work(self.pool) as connection:
            await check_lease(connection, self.lease)
            days = await share_preparation_days(connection, running.merchant_id, running.shop_id)
            recorded = await record_orders(
                connection,
                running.merchant_id,
                running.shop_id,
                batch,
                preparation=self.options.preparation if days is None else timedelta(days=days),
            )
            await save_unreadable(connection, running.merchant_id, running.shop_id, self.unreadable)
            step = {
                "seen": len(self.seen) - self.counted,
                "received": len(recorded.received),
                "updated": recorded.updated,
                "unreadable": len({row.raw for row in self.unreadable})
                + sum(one.order is None for one in batch),
            }
            await imports.count_import(connection, running.import_id, **step)
            if is_last:
                await move_cover(connection, running.merchant_id, running.shop_id, self.window.end)
                await end_done(connection, running.import_id, self.window.end)
            reach("importer.before-commit")
        self.counted = len(self.seen)
        self.counts.update(step)
        self.unreadable.clear()
        for order_id in recorded.received:
            begin_order_trace(running.merchant_id, running.shop_id, order_id)

    async def _fetch_details(self) -> list[Fetched]:
        turn = asyncio.Semaphore(PARALLEL_DETAILS)
        fetched: list[Fetched] = []
        failures: list[Exception] = []

        async def fetch(order_id: str, listed: ListedOrder | None) -> None:
            async with turn:
                if failures:
                    return  # a dead token or an outage: no further call
                try:
                    fetched.append(await self._fetch(order_id, listed))
                except (MarketplaceFailure, Outage) as failure:
                    failures.append(failure)

        await asyncio.gather(*(fetch(*one) for one in self.wanted.items()))
        if failures:
            raise failures[0]
        return fetched

    async def _fetch(self, order_id: str, listed: ListedOrder | None) -> Fetched:
        """The order in full; one that cannot be read is stored with its problem and tried again.

        How it was listed is kept only where the list would show its next change (`is_settled`);
        else the next import reads both again.
        """
        read_at = clock.now()
        just_listed = listed if order_id in self.seen else None
        details = receipt = None
        try:
            details = await load_order(self.client, self.token, order_id)
            receipt = await read_receipt(self.client, self.token, details, self.options.buyer_data)
            customs = await read_customs_data(
                self.client, self.token, order_id, self.options.buyer_data
            )
            order = interpret(RawOrder(listed, details, receipt, customs))
        except (CallerFault, BadAnswer, Uninterpretable) as failure:
            log.warning("import.order_unreadable", order=order_id, reason=str(failure))
            problem = str(failure)
        except MarketplaceFailure:
            raise
        except Exception as error:
            if not is_about_the_data(error):
                raise
            log.error(  # noqa: TRY400 - as above
                "import.order_unreadable", order=order_id, **describe(error)
            )
            problem = f"the channel failed on this order ({type(error).__name__})"
        else:
            return Fetched(
                order_id=order_id,
                listed=listed,
                listed_fingerprint=(
                    listed_fingerprint(listed)
                    if listed and is_settled(listed, details, read_at)
                    else None
                ),
                details=details.raw,
                receipt=receipt.raw,
                order=order,
                ship_before=ship_before(just_listed, details, order, read_at),
                parcels=details.parcels,
            )
        return Fetched(
            order_id=order_id,
            listed=listed,
            details=details.raw if details else None,
            receipt=receipt.raw if receipt else None,
            problem=problem,
        )


def _unwritable(fetched: Fetched) -> Fetched:
    """The order without what was read of it: something in that cannot be stored."""
    return Fetched(
        order_id=fetched.order_id, listed=None, details=None, receipt=None, problem=WRITE_FAILED
    )
