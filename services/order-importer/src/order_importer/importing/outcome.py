"""The outcome of an import, written with the fact of it."""

from datetime import datetime
from typing import Literal

from common.contracts.order_import import OrdersImported
from common.messaging.outbox import add_events
from common.postgres.pool import Connection
from common.telemetry.names import ORDER_IMPORTS
from common.telemetry.setup import counter
from order_importer.importing.problems import find_known
from order_importer.imports import store
from order_importer.imports.store import Import
from order_importer.orders.events import SOURCE

_ended = counter(ORDER_IMPORTS)


async def end_done(connection: Connection, import_id: int, covered_until: datetime) -> None:
    """All orders changed until then are here."""
    ended = await store.end_import(connection, import_id, "done")
    await add_events(connection, [_fact(ended, "done", covered_until)], source=SOURCE)
    _ended.add(1, {"outcome": "done"})


async def end_failed(
    connection: Connection, import_id: int, problem: str, covered_until: datetime | None
) -> None:
    """It cannot go on: the next import, by schedule or asked for, begins where this one did."""
    ended = await store.end_import(connection, import_id, "failed", problem=problem)
    await add_events(connection, [_fact(ended, "failed", covered_until)], source=SOURCE)
    _ended.add(1, {"outcome": "failed"})


async def tell_late(connection: Connection, late: Import, covered_until: datetime | None) -> None:
    """It has not succeeded for long, and goes on by itself."""
    await add_events(connection, [_fact(late, "late", covered_until)], source=SOURCE)


def _fact(
    of: Import, outcome: Literal["done", "failed", "late"], covered_until: datetime | None
) -> OrdersImported:
    known = find_known(of.problem)
    return OrdersImported(
        merchant_id=of.merchant_id,
        shop_id=of.shop_id,
        import_id=of.import_id,
        cause=of.cause,
        outcome=outcome,
        found=of.orders_seen,
        received=of.orders_received,
        updated=of.orders_updated,
        unreadable=of.orders_unreadable,
        covered_until=covered_until,
        problem=of.problem,
        explanation=known.explanation if known else None,
        remedy=known.remedy if known else None,
    )
