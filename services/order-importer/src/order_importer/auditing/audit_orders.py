"""Compare all orders placed within 90 days with AliExpress's own list, shop by shop.

A reading takes the lease under which the shop's orders are imported, so that no import moves what
is compared. What an order lacks here, or shows otherwise, is read again in full at once; what
AliExpress does not list any more is reported.
"""

from collections.abc import Collection
from datetime import datetime, timedelta
from functools import partial

import structlog

from aliexpress.errors import AppRefused, BadAnswer, MarketplaceFailure
from aliexpress.orders import Order as ListedOrder
from common import clock
from common.contracts.money import Money
from common.errors import Outage
from common.postgres.leases import Lease, check_lease, hold_lease
from common.postgres.pool import Connection, Pool
from common.postgres.set_aside import RowKey, alone
from common.postgres.unit_of_work import made_work, reading, unit_of_work
from common.shop_tokens import ShopNotConnected
from order_importer.auditing import store
from order_importer.auditing.compare import Difference, Seen, compare
from order_importer.auditing.store import Audit
from order_importer.importing.fetch_orders import QUERIES, read_orders
from order_importer.importing.window import OVERLAP, Window
from order_importer.imports.store import lease_of, request_import
from order_importer.shops.pauses import pause_after
from order_importer.shops.plan_due import plan_due_shops
from order_importer.shops.shop_access import ShopAccess
from order_importer.shops.store import Shop, load_shop

log = structlog.get_logger()

PLACED_WITHIN = timedelta(days=90)
IMPORT_FIRST = timedelta(minutes=1)
"""How long an audit waits for the shop's first import."""
JOB = "audit-orders"
_CANDIDATES = 20


async def plan_audits(pool: Pool) -> bool:
    """Turn due schedules into audits; a shop that may not be called waits (M1.3)."""
    return await plan_due_shops(pool, "order-audit", _request)


async def _request(connection: Connection, shop: Shop) -> None:
    await store.request_audit(connection, shop.merchant_id, shop.shop_id, "schedule")


async def audit_next(pool: Pool, access: ShopAccess, holder: str) -> bool:
    """Make the next audit that is due and whose shop nobody reads now. Whether there was one."""
    async with reading(pool) as connection:
        due = await store.list_due(connection, JOB, clock.now(), limit=_CANDIDATES)
    for audit in due:
        name = lease_of(audit.merchant_id, audit.shop_id)
        async with hold_lease(pool, name, holder) as lease:
            if lease is not None:
                row = RowKey(audit.merchant_id, str(audit.audit_id))
                await alone(pool, JOB, row, partial(_audit, pool, access, lease, audit))
                return True
    return False


async def _audit(pool: Pool, access: ShopAccess, lease: Lease, audit: Audit) -> None:
    async with reading(pool) as connection:
        shop = await load_shop(connection, audit.merchant_id, audit.shop_id)
    if shop.covered_until is None:
        await _postpone(pool, audit, IMPORT_FIRST, "no import of the shop has ended yet")
        return
    placed = Window(shop.covered_until - PLACED_WITHIN, shop.covered_until)
    try:
        listed = await _read_list(access, shop, placed)
    except (Outage, BadAnswer) as outage:
        waited = clock.now() - audit.requested_at
        pause = pause_after(
            outage, attempts=audit.attempts, waited=waited, first=access.first_pause
        )
        problem = outage.trouble if isinstance(outage, AppRefused) else str(outage)
        await _postpone(pool, audit, pause, problem)
    except (ShopNotConnected, MarketplaceFailure) as failure:
        async with unit_of_work(pool) as connection:
            await store.end_failed(connection, audit.audit_id, str(failure))
    else:
        await _conclude(pool, lease, audit, placed, listed)


async def _read_list(access: ShopAccess, shop: Shop, placed: Window) -> dict[str, ListedOrder]:
    """All orders placed then, and those about it: AliExpress's bounds are wall-clock times."""
    listed: dict[str, ListedOrder] = {}
    around = Window(placed.start - OVERLAP, placed.end)
    async with access.token_of(shop.merchant_id, shop.shop_id) as token:
        for bounds in around.slices():
            for statuses in QUERIES:
                async for page in read_orders(access.client, token, bounds, statuses, "created"):
                    listed |= {order.order_id: order for order in page.orders}
    return listed


async def _conclude(
    pool: Pool, lease: Lease, audit: Audit, placed: Window, listed: dict[str, ListedOrder]
) -> None:
    """Compare and write; have read again what differs and can be read."""
    async with unit_of_work(pool) as connection:
        await check_lease(connection, lease)
        ours = await store.list_placed(
            connection,
            audit.merchant_id,
            audit.shop_id,
            placed=(placed.start, placed.end),
            order_ids=list(listed),
        )
        here = {one.order_id: Seen(one.status, one.total) for one in ours if one.is_within}
        outside = {one.order_id for one in ours if not one.is_within}
        theirs = {
            order_id: Seen(order.status, _money(order))
            for order_id, order in listed.items()
            if order_id not in outside and _is_placed(order, placed)
        }
        pending = _changed_since(listed, placed.end)
        differences = compare(here, theirs, pending)
        await store.end_done(
            connection,
            audit.audit_id,
            placed=(placed.start, placed.end),
            compared=len(here.keys() | theirs.keys()),
            pending=len(pending & (here.keys() | theirs.keys())),
            differences=differences,
        )
        reads_from = _earliest_change(differences, listed)
        if reads_from is not None:
            await request_import(
                connection,
                audit.merchant_id,
                audit.shop_id,
                "audit",
                at=clock.now(),
                reads_from=reads_from,
            )
    shop = f"{audit.merchant_id}/{audit.shop_id}"
    log.info("audit.done", shop=shop, compared=len(theirs), differences=len(differences))


async def _postpone(pool: Pool, audit: Audit, pause: timedelta, problem: str) -> None:
    async with unit_of_work(pool) as connection:
        await store.postpone(connection, audit.audit_id, until=clock.now() + pause, problem=problem)
        made_work(connection, store.AUDITING, due_after=pause)


def _is_placed(order: ListedOrder, placed: Window) -> bool:
    return order.created_at is None or placed.start <= order.created_at < placed.end


def _money(order: ListedOrder) -> Money | None:
    return None if order.total is None else Money(order.total.amount, order.total.currency)


def _changed_since(listed: dict[str, ListedOrder], imported: datetime) -> set[str]:
    """Orders that changed after the last import began, as far as clocks agree."""
    since = imported - timedelta(minutes=5)
    return {
        order_id
        for order_id, order in listed.items()
        if order.modified_at is not None and order.modified_at >= since
    }


def _earliest_change(
    differences: Collection[Difference], listed: dict[str, ListedOrder]
) -> datetime | None:
    """From when an import has to read again to see all that differs and is listed."""
    changes = [
        order.modified_at
        for one in differences
        if (order := listed.get(one.order_id)) is not None and order.modified_at is not None
    ]
    return min(changes, default=None)
