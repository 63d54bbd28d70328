"""Merchants bring the files they have: messy rows, shop systems' exports, handles of 255 letters.

What stands in the shop is compared with another reading of the file, by `csv` alone.
"""

import csv
import json
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from channel_demo.sandbox import ONLINE, ShopProduct, ShopSku
from channel_demo.session import open_demo
from channel_demo.sources import Sources, load_own
from channel_demo.survey import Found, survey
from sandbox.catalogue import Catalogue
from stack.run import Stack
from stack.settings import CHECKOUT
from stack.testing import Marketplace

from ..sample import Sold, bring_online

DATA = CHECKOUT.parent / "shared" / "data"
FEEDS = CHECKOUT / "examples" / "feeds"
ASKED_EVERYWHERE = {"Brand Name", "Origin", "High-concerned chemical"}
PLACEHOLDERS = ("default title", "n/a", "none", "null", "-")
LONGEST_HANDLE = 255

needs_data = pytest.mark.skipif(
    not DATA.exists(), reason="the catalogues are not part of the repository"
)

Price = tuple[str, str | None]
"""A price and its discounted price, two places each."""


@dataclass(frozen=True)
class Brought:
    """A file, online as far as it can be."""

    found: Found
    online: list[ShopProduct]
    texts: set[str]
    """What buyers read of the SKUs' attributes, in lower case."""

    @property
    def skus(self) -> list[ShopSku]:
        """All that can be ordered."""
        return [sku for product in self.online for sku in product.skus]

    def assert_whole(self, families: int) -> None:
        """No product is lost, each that is not online says why, none has a placeholder."""
        found = self.found
        assert found.families == families
        assert found.online == len(self.online)
        assert found.online + len(found.rejected) + found.excluded == families
        assert all(item.rule and item.message and item.remedy for item in found.rejected)
        assert not self.texts & set(PLACEHOLDERS)
        codes = [sku.sku_code for sku in self.skus]
        assert all(codes)
        assert len(set(codes)) == len(codes)


def price_of(usual: str, lower: str) -> Price:
    """The price of a file's two columns: the lower is a discount where it is below the usual."""
    price, discount = (f"{Decimal(text or '0'):.2f}" for text in (usual or lower, lower))
    return price, discount if Decimal(discount) < Decimal(price) else None


@asynccontextmanager
async def brought(system: Stack, sources: Sources) -> AsyncIterator[Brought]:
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
        marketplace = Marketplace(session.sandbox.http, session.sandbox.seller_id)
        raw = [item for item in await marketplace.products() if item["product_id"] in ours]
        yield Brought(found, shop, texts_of(raw))


def texts_of(products: Sequence[dict[str, Any]]) -> set[str]:
    """The aliases and titles a buyer reads."""
    skus = [sku for product in products for sku in product["skus"]]
    chosen = [value for sku in skus for value in sku["sku_attributes"].values()]
    texts = [*(value.get("alias") or "" for value in chosen), *(p["title"] for p in products)]
    return {text.strip().casefold() for text in texts}


def rows_of(file: Path) -> list[dict[str, str]]:
    with file.open(encoding="utf-8", newline="") as rows:
        return list(csv.DictReader(rows))


@needs_data
async def test_nine_of_ten_messy_rows_are_online_and_every_other_one_says_why(
    system: Stack, sold: Sold
) -> None:
    file = DATA / "shein-products.csv"
    rows = {row["product_id"]: row for row in rows_of(file)}
    assert len(rows) == 1000
    async with brought(system, load_own(file, FEEDS / "shein.yaml")) as result:
        result.assert_whole(len(rows))
        assert len(result.online) >= 900
        for sku in result.skus:
            row = rows[sku.sku_code]
            expected = price_of(row["initial_price"], row["final_price"])
            assert (sku.price, sku.discount_price) == expected
        tree = Catalogue()
        leaves = [tree.categories[int(leaf)] for leaf in {p.category_id for p in result.online}]
        assert len(leaves) >= 60
        assert len({tree.path(leaf)[0].id for leaf in leaves}) >= 15
        assert all(len(set(tree.required(leaf)) - ASKED_EVERYWHERE) >= 3 for leaf in leaves)


@needs_data
async def test_a_shopify_export_is_online_whole_its_variants_as_children(
    system: Stack, sold: Sold
) -> None:
    file = DATA / "shopify-apparel.csv"
    async with brought(system, load_own(file, FEEDS / "shopify.yaml")) as result:
        assert_as_exported(result, rows_of(file))
        assert result.found.rejected == []
        assert len(result.online) == 20
        assert sorted(len(product.skus) for product in result.online) == [1] * 19 + [3]


@needs_data
async def test_an_export_of_another_shop_is_online_but_for_what_is_sold_out(
    system: Stack, sold: Sold
) -> None:
    file = DATA / "shopify-home-and-garden.csv"
    async with brought(system, one_category(file)) as result:
        assert_as_exported(result, rows_of(file))
        assert {item.rule for item in result.found.rejected} <= {"M4.3"}


async def test_handles_of_255_letters_lose_no_product(
    system: Stack, sold: Sold, tmp_path: Path
) -> None:
    file = tmp_path / "long-handles.csv"
    write_export(file, products=6)
    async with brought(system, one_category(file)) as result:
        assert_as_exported(result, rows_of(file))
        assert result.found.rejected == []
        assert sorted(len(product.skus) for product in result.online) == [1, 1, 1, 3, 3, 3]


def one_category(file: Path) -> Sources:
    """The example feed of exports, for products of any kind: all of one leaf, told apart by
    their first option."""
    sources = load_own(file, FEEDS / "shopify.yaml")
    form = json.loads(json.dumps(sources.configuration))
    form["category"] = {"source": {"constant": "any"}, "exact": {"any": "200000346"}}
    form["sku_attributes"] = {"Color": {"field": "Option1 Value", "unknown": "alias"}}
    return Sources(form, file.stem, file.stem, file=file)


def assert_as_exported(result: Brought, rows: Sequence[dict[str, str]]) -> None:
    """Every variant of the products that are online is there, at its price."""
    titles = {row["Handle"]: row["Title"] for row in rows if row["Title"]}
    variants = [row for row in rows if row["Option1 Value"]]
    result.assert_whole(len(titles))
    refused = {item.product for item in result.found.rejected}
    expected = Counter(
        (" ".join(titles[row["Handle"]].split()), price_of(*columns_of(row)))
        for row in variants
        if row["Handle"] not in refused
    )
    online = Counter(
        (product.title, (sku.price, sku.discount_price))
        for product in result.online
        for sku in product.skus
    )
    assert online == expected


def columns_of(row: dict[str, str]) -> tuple[str, str]:
    return row["Variant Compare At Price"], row["Variant Price"]


def write_export(file: Path, *, products: int) -> None:
    """A Shopify export: every other product has three variants; handles differ at their end."""
    names = (
        "Handle", "Title", "Body (HTML)", "Vendor", "Type", "Tags", "Option1 Name",
        "Option1 Value", "Variant SKU", "Variant Grams", "Variant Inventory Qty",
        "Variant Price", "Variant Compare At Price", "Image Src", "Image Position",
    )  # fmt: skip
    with file.open("w", encoding="utf-8", newline="") as target:
        writer = csv.DictWriter(target, names)
        writer.writeheader()
        for number in range(products):
            handle = f"a-linen-top-{'of-many-words-' * 20}"[: LONGEST_HANDLE - 2] + f"-{number}"
            assert len(handle) == LONGEST_HANDLE
            first = {
                "Title": f"Linen top {number}",
                "Body (HTML)": "<p>Washed linen, two years of warranty.</p>",
                "Image Src": "https://pictures.example/top.jpg",
                "Image Position": "1",
                "Option1 Name": "Size" if number % 2 else "Title",
            }
            for place, value in enumerate("SML" if number % 2 else ["Default Title"]):
                variant = {
                    "Handle": handle,
                    "Option1 Value": value,
                    "Variant Grams": "200",
                    "Variant Inventory Qty": "5",
                    "Variant Price": f"{20 + number}.{place}9",
                    "Variant Compare At Price": "49.00" if number % 3 else "",
                }
                writer.writerow(variant | (first if not place else {}))
