"""Merchants bring the files they have: a thousand messy rows, and a shop system's export."""

import csv
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from channel_demo.sandbox import ONLINE, ShopProduct
from channel_demo.session import open_demo
from channel_demo.sources import load_own
from channel_demo.survey import Found, survey
from sandbox.catalogue import Catalogue
from stack.run import Stack
from stack.settings import CHECKOUT

from ..sample import Sold, bring_online

DATA = CHECKOUT.parent / "shared" / "data"
FEEDS = CHECKOUT / "examples" / "feeds"
ASKED_EVERYWHERE = {"Brand Name", "Origin", "High-concerned chemical"}

pytestmark = pytest.mark.skipif(
    not DATA.exists(), reason="the catalogues are not part of the repository"
)


@dataclass(frozen=True)
class Brought:
    """A file, online as far as it can be."""

    found: Found
    online: list[ShopProduct]


@asynccontextmanager
async def brought(system: Stack, file: Path, feed_file: Path) -> AsyncIterator[Brought]:
    sources = load_own(file, feed_file)
    async with open_demo(
        system.addresses,
        currency=sources.currency,
        catalogue=sources.catalogue,
        feed=sources.feed,
    ) as session:
        await bring_online(session, sources)
        found = await survey(session)
        published = session.channel.published(session.merchant, session.feed)
        ours = {item.marketplace_product_id async for item in published}
        shop = [
            product
            for product in await session.sandbox.products()
            if product.product_id in ours and product.status == ONLINE
        ]
        yield Brought(found, shop)


async def test_nine_of_ten_messy_rows_are_online_and_every_other_one_says_why(
    system: Stack, sold: Sold
) -> None:
    file = DATA / "shein-products.csv"
    with file.open(encoding="utf-8", newline="") as rows:
        row_count = sum(1 for _ in csv.DictReader(rows))
    async with brought(system, file, FEEDS / "shein.yaml") as result:
        found = result.found
        assert found.online == len(result.online) >= 900
        assert found.online + len(found.rejected) + found.excluded == row_count == 1000
        assert all(item.rule and item.remedy for item in found.rejected)
        tree = Catalogue()
        leaves = [tree.categories[int(leaf)] for leaf in {p.category_id for p in result.online}]
        assert len(leaves) >= 60
        assert len({tree.path(leaf)[0].id for leaf in leaves}) >= 15
        assert all(len(set(tree.required(leaf)) - ASKED_EVERYWHERE) >= 3 for leaf in leaves)


async def test_a_shopify_export_is_online_whole_its_variants_as_children(
    system: Stack, sold: Sold
) -> None:
    file = DATA / "shopify-apparel.csv"
    async with brought(system, file, FEEDS / "shopify.yaml") as result:
        assert result.found.rejected == []
        assert result.found.families == len(result.online) == 20
        sizes = sorted(len(product.skus) for product in result.online)
        assert sizes == [1] * 19 + [3]
        codes = [sku.sku_code for product in result.online for sku in product.skus]
        assert len(set(codes)) == len(codes) == 22
        assert all(codes)
