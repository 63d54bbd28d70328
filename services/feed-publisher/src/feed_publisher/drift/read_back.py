"""Reads the shop back and compares it with what was accepted: edited products soon, all in a day.

Stock and prices are ours: what differs is sent again by the next offer run (M7.7). Other drift is
reported (`GET .../products?status=drifted`) and set back only if a setting says so: what the seller
changes on AliExpress itself may be meant (M1.7).
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial

import msgspec
import structlog

from aliexpress.client import Client
from aliexpress.operation import AccessToken
from common import clock
from common.contracts.product import ProductNormalized
from common.postgres.pool import Connection, Pool
from common.postgres.schedules import hasten_schedule
from common.postgres.set_aside import each_apart
from common.postgres.unit_of_work import reading, unit_of_work
from common.telemetry.names import DRIFT_FOUND
from common.telemetry.setup import counter
from feed_publisher.desired.feeds.rhythm import OFFER_SCHEDULE
from feed_publisher.desired.marks import Unsure, UnsureFamily
from feed_publisher.desired.store import load_desired, mark_unsure
from feed_publisher.drift.differences import (
    Difference,
    find_differences,
    has_other_content,
    unsure_offers,
    with_age,
)
from feed_publisher.drift.visit_shops import ShopVisitor
from feed_publisher.listings import store
from feed_publisher.listings.listing import Listing
from feed_publisher.listings.store import DueShop
from feed_publisher.sending.look_up import read_products

log = structlog.get_logger()

_found = counter(DRIFT_FOUND)

JOB = "read-back"
READ_AT_ONCE = 50

Key = tuple[str, str]
"""Feed and family."""

_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(list[Difference])


class ReadBack:
    """The job that reads the shops back. An offer run is due `run_after` a difference was found at
    the latest: what was sold looks the same, and the merchant's systems may send what is left."""

    def __init__(
        self,
        pool: Pool,
        client: Client,
        visitor: ShopVisitor,
        *,
        every: timedelta,
        run_after: timedelta,
        repairs_content: bool,
    ) -> None:
        self._pool = pool
        self._client = client
        self._visitor = visitor
        self._every = every
        self._run_after = run_after
        self._repairs_content = repairs_content

    async def take_turn(self) -> bool:
        """Compare some listings of each shop; whether there were any."""
        now = clock.now()
        async with reading(self._pool) as connection:
            shops = await store.list_due_shops(connection, JOB, now=now, before=now - self._every)
        return await self._visitor.visit_all(JOB, shops, self._compare)

    async def _compare(self, shop: DueShop, token: AccessToken) -> bool:
        async with reading(self._pool) as connection:
            due = await store.list_due(
                connection, JOB, shop, before=clock.now() - self._every, limit=READ_AT_ONCE
            )
        compare = partial(self._compare_set, shop, token)
        await each_apart(self._pool, JOB, due, compare, key=store.row_of_product)
        return bool(due)

    async def _compare_set(
        self, shop: DueShop, token: AccessToken, keys: Sequence[store.ProductKey]
    ) -> None:
        now = clock.now()  # before anything is read: what is edited meanwhile was not seen
        async with reading(self._pool) as connection:
            listings = await store.load_products(connection, keys)
            desired = await _load_desired(connection, shop.merchant_id, listings)
        wanted = [listing.marketplace_product_id or "" for listing in listings]
        products = await read_products(self._client, token, wanted)
        found = {
            _key(listing): find_differences(listing, desired.get(_key(listing)), product)
            for listing in listings
            for product in [products[listing.marketplace_product_id or ""]]
        }
        await self._save(shop, listings, found, now)

    async def _save(
        self,
        shop: DueShop,
        listings: Sequence[Listing],
        found: Mapping[Key, list[Difference]],
        now: datetime,
    ) -> None:
        """Keep what was found of listings that no run has touched since they were loaded: a change
        of ours is no drift."""
        async with unit_of_work(self._pool) as connection:
            known = await store.lock_untouched(connection, shop.merchant_id, listings)
            drift = {
                key: with_age(found[key], _decoder.decode(old) if old else [], now)
                for key, old in known.items()
                if found[key]
            }
            compared = [listing for listing in listings if _key(listing) in known]
            encoded = {key: _encoder.encode(differences) for key, differences in drift.items()}
            await store.save_comparison(connection, shop.merchant_id, compared, encoded, now)
            await self._mark(connection, shop.merchant_id, drift)
        if drift:
            _found.add(len(drift))
            log.info("drift.found", merchant=shop.merchant_id, products=len(drift))

    async def _mark(
        self, connection: Connection, merchant_id: str, drift: Mapping[Key, list[Difference]]
    ) -> None:
        offers = [UnsureFamily(*key, unsure_offers(found)) for key, found in drift.items()]
        offers = [family for family in offers if family.unsure.sku_codes]
        await mark_unsure(connection, merchant_id, "offer", offers)
        due_by = clock.now() + self._run_after
        for feed_id in sorted({family.feed_id for family in offers}):
            await hasten_schedule(connection, OFFER_SCHEDULE, merchant_id, feed_id, due_by=due_by)
        if self._repairs_content:
            content = [
                UnsureFamily(*key, Unsure(content=True))
                for key, found in drift.items()
                if has_other_content(found)
            ]
            await mark_unsure(connection, merchant_id, "product", content)


async def _load_desired(
    connection: Connection, merchant_id: str, listings: Sequence[Listing]
) -> dict[Key, ProductNormalized]:
    families: dict[str, list[str]] = defaultdict(list)
    for listing in listings:
        families[listing.feed_id].append(listing.family_id)
    return {
        (feed_id, family_id): desired.state
        for feed_id, family_ids in families.items()
        for family_id, desired in (
            await load_desired(connection, merchant_id, feed_id, family_ids)
        ).items()
    }


def _key(listing: Listing) -> Key:
    return listing.feed_id, listing.family_id
