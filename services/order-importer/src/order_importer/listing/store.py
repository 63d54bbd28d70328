"""Queries that choose among a merchant's orders."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from common import clock
from common.postgres import core
from common.postgres.pool import Connection
from order_importer.orders.store import READABLE_ORDERS, StoredOrder, with_parcels
from order_importer.tables import marketplace_order, marketplace_parcel, shipment


@dataclass(frozen=True, kw_only=True)
class OrderFilter:
    """Which of a merchant's orders: those that every given part is true of.

    `status` is the channel's or AliExpress's own, `number` the order's id, `sku` the SKU code of
    one of its lines, `tracking` the tracking number of one of its parcels. Of two times the first
    is within, the second not; an order is *updated* when an event of it was published, and *due*
    only while it waits for shipment.
    """

    status: str | None = None
    shop: str | None = None
    number: str | None = None
    sku: str | None = None
    tracking: str | None = None
    placed_from: datetime | None = None
    placed_before: datetime | None = None
    updated_from: datetime | None = None
    updated_before: datetime | None = None
    due_before: datetime | None = None

    def conditions(self, merchant_id: str) -> Iterator[sa.ColumnElement[bool]]:
        """What is true of these orders' rows, which are the merchant's."""
        order = marketplace_order.c
        if self.status is not None:
            # AliExpress's words are in capitals, ours are not
            is_ours = self.status.islower()
            yield (order.status if is_ours else order.marketplace_status) == self.status
        if self.shop is not None:
            yield order.shop_id == self.shop
        yield from self._by_what_it_holds(merchant_id)
        if self.placed_from is not None:
            yield order.placed_at >= self.placed_from
        if self.placed_before is not None:
            yield order.placed_at < self.placed_before
        # a revision is the millisecond in which it was published
        if self.updated_from is not None:
            yield order.revision >= clock.milliseconds_of(self.updated_from)
        if self.updated_before is not None:
            yield order.revision < clock.milliseconds_of(self.updated_before)
        if self.due_before is not None:
            yield order.due_at < self.due_before

    def _by_what_it_holds(self, merchant_id: str) -> Iterator[sa.ColumnElement[bool]]:
        order = marketplace_order.c
        if self.number is not None:
            yield order.order_id == self.number
        if self.sku is not None:
            with_sku = sa.func.orders_with_sku(merchant_id, self.sku).table_valued(
                sa.column("shop_id", sa.Text), sa.column("order_id", sa.Text)
            )
            yield sa.tuple_(order.shop_id, order.order_id).in_(sa.select(*with_sku.c))
        if self.tracking is not None:
            yield sa.tuple_(order.shop_id, order.order_id).in_(
                sa.union(*(_orders_of(t, merchant_id, self.tracking) for t in _PARCELS))
            )


_PARCELS = (shipment, marketplace_parcel)


def _orders_of(parcels: sa.Table, merchant_id: str, number: str) -> sa.Select[tuple[str, str]]:
    """The orders of the parcels with this tracking number."""
    parcel = parcels.c
    return sa.select(parcel.shop_id, parcel.order_id).where(
        parcel.merchant_id == merchant_id, parcel.tracking_number == number
    )


async def list_orders(
    connection: Connection,
    merchant_id: str,
    wanted: OrderFilter,
    *,
    after: tuple[datetime, str, str] | None,
    limit: int,
) -> list[StoredOrder]:
    """A page of the merchant's orders, the newest first, after this (placed, shop, order)."""
    order = marketplace_order.c
    page = READABLE_ORDERS.where(order.merchant_id == merchant_id, *wanted.conditions(merchant_id))
    if after is not None:
        placed_at, *place = after
        is_further = sa.tuple_(order.shop_id, order.order_id) > tuple(place)
        page = page.where(
            order.placed_at <= placed_at,
            sa.or_(order.placed_at < placed_at, is_further),
        )
    page = page.order_by(order.placed_at.desc(), order.shop_id, order.order_id).limit(limit)
    return await with_parcels(connection, await core.fetch(connection, page))


async def list_orders_by_deadline(
    connection: Connection,
    merchant_id: str,
    wanted: OrderFilter,
    *,
    after: tuple[datetime, str, str] | None,
    limit: int,
) -> list[StoredOrder]:
    """A page of the merchant's orders that wait for shipment, the nearest deadline first, after
    this (due, shop, order)."""
    order = marketplace_order.c
    place = (order.due_at, order.shop_id, order.order_id)
    page = READABLE_ORDERS.where(
        order.merchant_id == merchant_id, order.due_at.is_not(None), *wanted.conditions(merchant_id)
    )
    if after is not None:
        page = page.where(sa.tuple_(*place) > after)
    page = page.order_by(*place).limit(limit)
    return await with_parcels(connection, await core.fetch(connection, page))


async def load_orders(
    connection: Connection, keys: Collection[tuple[str, str, str]]
) -> list[StoredOrder]:
    """The orders of these keys (merchant, shop, order) that there are, as now known."""
    return await with_parcels(connection, await connection.fetch(_LIST_OF_KEYS, *_columns(keys)))


async def lock_orders(
    connection: Connection, keys: Collection[tuple[str, str, str]]
) -> list[StoredOrder]:
    """The same, their rows locked for this transaction in key order; one that another transaction
    holds is left out."""
    statement = _LIST_OF_KEYS + " FOR UPDATE SKIP LOCKED"
    return await with_parcels(connection, await connection.fetch(statement, *_columns(keys)))


_LIST_OF_KEYS = """
    SELECT merchant_id, shop_id, order_id, revision, content, ship_before, due_at
    FROM marketplace_order
    WHERE (merchant_id, shop_id, order_id) IN (
        SELECT * FROM unnest($1::text[], $2::text[], $3::text[])
    ) AND content IS NOT NULL
    ORDER BY merchant_id, shop_id, order_id
    """


def _columns(keys: Collection[tuple[str, str, str]]) -> list[list[str]]:
    return [[key[part] for key in keys] for part in range(3)]
