"""How much of a catalogue file its first feed sells: `make bench-first_feed` (DATA=../shared/data).

Each file goes the way of `docs/first-feed.md` on a running system with the sandbox: a proposal from
the file, the decisions that only a merchant can make (`first_feeds/walk.py`, the same for every
file), the import, the suggestions (of each the first candidate), a value for what AliExpress asks
for and no column has, the product feed. Then the shop is compared with the file, row by row. A
product is sellable whose own rows have a title, a price, a picture and some stock (a file that says
nothing of stock has some) and are published. `FILES=shopify,google` takes some of the files, of the
others the former figures stay; `-v` lists every rejected product. Pictures are not fetched: those
of the files do not exist, or cannot be reached from here. Written to
`bench/results/first_feed.json`.
"""

import json
import os
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import uvloop
from bench.first_feeds.sources import SOURCES, Source
from bench.first_feeds.walk import Walk
from bench.ratios import results_file

from channel_cli.answers import SourceProduct
from channel_cli.category_calls import ShopCatalogue
from channel_cli.progress import poll
from channel_cli.session import Problem
from channel_demo import bring_in
from channel_demo.sandbox import ONLINE, SELLER_BY_CURRENCY, ShopSku
from channel_demo.session import SHOP_BY_CURRENCY, Session, open_demo
from channel_demo.survey import audited_shop, survey
from stack.run import running_stack
from stack.settings import StackSettings

CHOSEN = [name for name in os.environ.get("FILES", "").split(",") if name]
RESULTS = results_file("first_feed")
ROUNDS = 4
"""Suggestions that were taken make others: a leaf asks for attributes, a column has values."""


async def sell_file(source: Source, session: Session, folder: Path) -> dict[str, Any]:
    """The walk of one file, and what came of it."""
    began = time.monotonic()
    walk = Walk(source, session, _file_to_send(source, folder))
    await walk.propose()
    await walk.bring_in()
    for _ in range(ROUNDS):
        is_more = await walk.take_suggestions()
        if not await walk.answer() and not is_more:
            break
    await walk.send()
    seconds = time.monotonic() - began
    return await figures_of(walk, seconds)


def _file_to_send(source: Source, folder: Path) -> Path:
    """The file; one whose ids are another file's renamed."""
    text = source.file.read_bytes()
    if source.renamed:
        for old, new in source.renamed.items():
            text = text.replace(old.encode(), new.encode())
    target = folder / source.file.name
    target.write_bytes(text)
    return target


async def figures_of(walk: Walk, seconds: float) -> dict[str, Any]:
    """Counts of one file, and every wrong price."""
    source, session = walk.source, walk.session
    products = [
        product
        async for product in session.channel.source_products(session.merchant, session.catalogue)
    ]
    shop = {
        sku.sku_code: sku
        for item in await audited_shop(session)
        if item.status == ONLINE
        for sku in item.skus
    }
    found = await survey(session)
    rejected = {each.product: each for each in found.rejected}
    online = {
        family.family_id
        async for family in session.channel.preview(session.merchant, session.feed)
        if family.state not in {"excluded", "deleted"} and family.family_id not in rejected
    }
    sellable = sellable_families(source, products)
    missing = [rejected[family] for family in sorted(sellable - online) if family in rejected]
    if "-v" in sys.argv:
        for each in rejected.values():
            print(f"  {each.product}: {each.rule} {each.message}")
    parents = {product.parent_id for product in products}
    lost = [
        product.product_id
        for product in products
        if product.family_id in online
        and product.product_id not in parents
        and _sku(source, product) not in shop
    ]
    wrong = [text for product in products if (text := wrong_price(source, product, shop))]
    return {
        "file": source.file.name,
        "rows": walk.rows,
        "rejected_lines": walk.rejected_lines,
        "products": len({product.family_id for product in products}),
        "sellable": len(sellable),
        "sellable_online": len(sellable & online),
        "online": len(online),
        "share": round(len(sellable & online) / len(sellable), 4) if sellable else None,
        "prices_compared": sum(_sku(source, product) in shop for product in products),
        "wrong_prices": wrong,
        "lost_rows": lost,
        "unsold": dict(Counter(f"{one.rule} {one.message[:160]}" for one in missing)),
        "commands": walk.commands,
        "decisions": walk.decisions,
        "minutes": round(seconds / 60, 2),
    }


def sellable_families(source: Source, products: Sequence[SourceProduct]) -> set[str]:
    """Those whose own rows have a title, a price, a picture and stock, and are published."""
    families: dict[str, list[Mapping[str, Any]]] = {}
    for product in products:
        families.setdefault(product.family_id, []).append(product.fields)
    return {
        family
        for family, rows in families.items()
        if any(row.get(source.title) for row in rows)
        and any(row.get(name) for row in rows for name in source.pictures)
        and any(source.amounts(row) and source.has_stock(row) for row in rows)
        and all(source.is_published(row) for row in rows)
    }


def _sku(source: Source, product: SourceProduct) -> str:
    return str(product.fields.get(source.sku) or product.product_id)


def wrong_price(source: Source, product: SourceProduct, shop: Mapping[str, ShopSku]) -> str | None:
    """How a row's price in the shop differs from the file's; None where it does not."""
    amounts = source.amounts(product.fields)
    sku = shop.get(_sku(source, product))
    if sku is None or not amounts:
        return None
    price = Decimal(sku.price)
    paid = Decimal(sku.discount_price) if sku.discount_price else price
    if (price, paid) == (max(amounts), min(amounts)):
        return None
    return f"{sku.sku_code}: {price} / {paid}, not {max(amounts)} / {min(amounts)}"


async def measure(chosen: Sequence[Source]) -> list[dict[str, Any]]:
    """All files, one after the other, on one system."""
    figures = []
    with tempfile.TemporaryDirectory(prefix="bench-first-feed-") as folder:
        settings = StackSettings(state_dir=Path(folder) / "state", containers=False)
        async with (
            running_stack(settings) as stack,
            open_demo(stack.addresses, currency="USD", catalogue="-", feed="-") as opened,
        ):
            for source in chosen:
                sandbox = replace(opened.sandbox, seller_id=SELLER_BY_CURRENCY[source.currency])
                session = replace(
                    opened,
                    sandbox=sandbox,
                    shop=SHOP_BY_CURRENCY[source.currency],
                    catalogue=source.name,
                    feed=source.name,
                )
                await bring_in.connect_shop(session)
                await _know_tree(session)
                try:
                    one = await sell_file(source, session, Path(folder))
                except (Problem, RuntimeError) as failure:
                    one = {"file": source.file.name, "failure": str(failure)}
                figures.append(one)
                print(row_of(one), flush=True)
                for reason, count in one.get("unsold", {}).items():
                    print(f"    {count} x {reason}", flush=True)
                for wrong in one.get("wrong_prices", [])[:5]:
                    print(f"    wrong price: {wrong}", flush=True)
    return figures


async def _know_tree(session: Session) -> None:
    shop = ShopCatalogue(session.channel.session, session.merchant, session.shop)

    async def known() -> bool:
        try:
            return (await shop.categories(words="shirt", limit=1)).fetched_at is not None
        except Problem:
            return False

    async for is_known in poll(known, within=120, what="fetching the shop's tree"):
        if is_known:
            break


def row_of(one: Mapping[str, Any]) -> str:
    """A file's line of the table."""
    if "failure" in one:
        return f"{one['file']:<28} failed: {one['failure']}"
    sold = f"{one['sellable_online']:>4} of {one['sellable']:>4} sellable online"
    prices = f"{len(one['wrong_prices'])} of {one['prices_compared']:>3} prices wrong"
    work = f"{one['commands']} commands, {one['decisions']} decisions, {one['minutes']} min"
    lost = len(one["lost_rows"])
    return f"{one['file']:<28} {one['rows']:>4} rows  {sold}  {prices}  {lost} lost  {work}"


async def main() -> None:
    """Measure what was chosen and is there, and write all that is known."""
    chosen = [
        source
        for source in SOURCES
        if source.file.exists()
        and (not CHOSEN or any(source.file.name.startswith(name) for name in CHOSEN))
    ]
    known = json.loads(RESULTS.read_text())["files"] if RESULTS.exists() else []
    by_name = {one["file"]: one for one in (*known, *await measure(chosen))}
    files = [by_name[s.file.name] for s in SOURCES if s.file.name in by_name]
    result = {"command": "make bench-first_feed", "files": files}
    RESULTS.write_text(json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    uvloop.run(main())
