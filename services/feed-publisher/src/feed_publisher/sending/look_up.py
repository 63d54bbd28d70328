"""Reads the shop before and after writing: what is there, whose it is, what is being audited."""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Coroutine, Iterable, Sequence
from typing import Any, TypeVar

from aliexpress.client import Client
from aliexpress.errors import CallerFault
from aliexpress.operation import AccessToken
from aliexpress.products import (
    MAX_PRODUCT_PAGE,
    PRODUCT_STATUSES,
    ListedProduct,
    Product,
    ProductPage,
    ProductStatus,
    list_products,
    load_product,
)
from common.postgres.unit_of_work import reading, unit_of_work
from feed_publisher.listings import store as listing_rows
from feed_publisher.listings.listing import AcceptedSku
from feed_publisher.sending import store
from feed_publisher.sending.context import Sending

READS_AT_ONCE = 8
SCANS = 3

A = TypeVar("A")
B = TypeVar("B")


async def read_each(things: Iterable[A], read: Callable[[A], Coroutine[Any, Any, B]]) -> list[B]:
    """`read` of each, a few at a time, in order. Raises what the first of them raised."""
    slots = asyncio.Semaphore(READS_AT_ONCE)

    async def one(thing: A) -> B:
        async with slots:
            return await read(thing)

    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(one(thing)) for thing in things]
    except ExceptionGroup as failed:
        raise failed.exceptions[0] from None
    return [task.result() for task in tasks]


async def find_product(client: Client, token: AccessToken, product_id: str) -> Product | None:
    """The product as it stands, or None when the shop has none of that id.

    Raises the failures of a read; a fault that does not mean "not there" too.
    """
    try:
        return await load_product(client, token, product_id)
    except CallerFault:
        for status in PRODUCT_STATUSES:
            page = await list_products(client, token, status, product_id=product_id)
            if any(listed.product_id == product_id for listed in page.products):
                raise
        return None


async def read_products(
    client: Client, token: AccessToken, product_ids: Iterable[str]
) -> dict[str, Product | None]:
    """The products as they stand, None for those that are not there."""
    wanted = list(dict.fromkeys(product_ids))

    async def read(product_id: str) -> Product | None:
        return await find_product(client, token, product_id)

    return dict(zip(wanted, await read_each(wanted, read), strict=True))


def skus_of(product: Product) -> dict[str, AcceptedSku]:
    """The offers a product has in the shop."""
    return {
        sku.sku_code: AcceptedSku(
            price=sku.price, discount_price=sku.discount_price, inventory=sku.inventory
        )
        for sku in product.skus
        if sku.sku_code is not None
    }


async def refresh_audits(sending: Sending) -> set[str]:
    """Learn which products AliExpress is still checking; the others can be updated again."""
    products, _ = await _read_status(sending, "auditing", None)
    auditing = {product.product_id for product in products}
    run = sending.run
    async with unit_of_work(sending.pool) as connection:
        await listing_rows.finish_audits(connection, run.merchant_id, run.shop_id, auditing)
    return auditing


async def begin_audits(sending: Sending, product_ids: Sequence[str]) -> None:
    """Remember that AliExpress is checking these products (again)."""
    run = sending.run
    async with unit_of_work(sending.pool) as connection:
        await listing_rows.begin_audits(connection, run.merchant_id, run.shop_id, product_ids)


async def find_foreign(
    sending: Sending, sku_codes: Sequence[str], *, with_offline: bool
) -> dict[str, list[str]]:
    """Products that hold these SKU codes and are not known as ours (M1.6), by SKU code.

    Offline ones count only `with_offline`: they are no obstacle, but may be a creation of ours
    whose answer was lost. Takes the cheaper way: each code asked for, or the shop's whole list
    with what is new in it read.
    """
    statuses = [s for s in PRODUCT_STATUSES if with_offline or s != "offline"]
    firsts = {status: await _page(sending, status, 1) for status in statuses}
    if not any(page.products for page in firsts.values()):
        return {}
    run = sending.run
    async with reading(sending.pool) as connection:
        own = await listing_rows.list_own_products(connection, run.merchant_id, run.shop_id)
        known = await store.load_foreign(connection, run.merchant_id, run.shop_id)
    totals = [page.total_count for page in firsts.values()]
    counted = sum(total or 0 for total in totals)
    unread = max(0, counted - len(own) - len(known))
    scan_calls = counted // MAX_PRODUCT_PAGE + unread
    if None in totals or len(statuses) * len(sku_codes) < scan_calls:
        return await _ask_for_each(sending, sku_codes, statuses, own)
    listed = await _scan(sending, firsts)
    if listed is None:
        return await _ask_for_each(sending, sku_codes, statuses, own)
    return await _match(sending, listed, own, set(sku_codes))


async def _page(sending: Sending, status: ProductStatus, page: int) -> ProductPage:
    return await list_products(
        sending.client, sending.token, status, page=page, page_size=MAX_PRODUCT_PAGE
    )


async def _read_status(
    sending: Sending, status: ProductStatus, first: ProductPage | None
) -> tuple[dict[ListedProduct, None], int | None]:
    page = first or await _page(sending, status, 1)
    found = dict.fromkeys(page.products)
    while page.has_more:
        page = await _page(sending, status, page.page + 1)
        found |= dict.fromkeys(page.products)
    return found, page.total_count


async def _scan(
    sending: Sending, firsts: dict[ProductStatus, ProductPage]
) -> list[ListedProduct] | None:
    """Every product of the shop. None when the list shifts too much to be read whole."""
    everything: list[ListedProduct] = []
    for status, first in firsts.items():
        for attempt in range(SCANS):
            found, total = await _read_status(sending, status, None if attempt else first)
            if total is not None and len({p.product_id for p in found}) >= total:
                everything += found
                break
        else:
            return None
    return everything


async def _match(
    sending: Sending, listed: Sequence[ListedProduct], own: set[str], wanted: set[str]
) -> dict[str, list[str]]:
    run = sending.run
    foreign = {p.product_id: p.modified_at for p in listed if p.product_id not in own}
    async with reading(sending.pool) as connection:
        known = await store.load_foreign(connection, run.merchant_id, run.shop_id)
    fresh = {
        product_id
        for product_id, modified_at in foreign.items()
        if product_id in known and modified_at is not None and known[product_id][0] == modified_at
    }
    products = await read_products(sending.client, sending.token, sorted(foreign.keys() - fresh))
    read = {
        product_id: (foreign[product_id], sorted(skus_of(product)))
        for product_id, product in products.items()
        if product is not None
    }
    async with unit_of_work(sending.pool) as connection:
        await store.save_foreign(
            connection, run.merchant_id, run.shop_id, read, present=list(foreign)
        )
    holders: dict[str, list[str]] = defaultdict(list)
    codes = {p: known[p][1] for p in fresh} | {p: skus for p, (_, skus) in read.items()}
    for product_id in sorted(codes):
        for code in wanted.intersection(codes[product_id]):
            holders[code].append(product_id)
    return dict(holders)


async def _ask_for_each(
    sending: Sending, sku_codes: Sequence[str], statuses: Sequence[ProductStatus], own: set[str]
) -> dict[str, list[str]]:
    async def ask(question: tuple[str, ProductStatus]) -> tuple[str, list[str]]:
        code, status = question
        page = await list_products(sending.client, sending.token, status, sku_code=code)
        return code, [p.product_id for p in page.products if p.product_id not in own]

    holders: dict[str, list[str]] = defaultdict(list)
    questions = [(code, status) for code in sku_codes for status in statuses]
    for code, product_ids in await read_each(questions, ask):
        if product_ids:
            holders[code] += product_ids
    return dict(holders)
