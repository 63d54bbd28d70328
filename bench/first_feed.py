"""How much of a catalogue file is sold by its first feed: `make bench-first_feed` (DATA=../shared/data).

Each file goes the way of `docs/first-feed.md` on a running system with the sandbox: a proposal from
the file, the decisions that only a merchant can make (`DECISIONS`, the same for every file), the
import, the suggestions (of each the first candidate), a value for what AliExpress asks for and no
column has, the product feed. Then the shop is compared with the file, row by row: a sellable
product is one whose own rows have a title, a price, a picture and some stock (a file that says
nothing of stock has some) and are published. `FILES=shopify,google` takes some of them, of the
others the former figures stay; `-v` lists every rejected product. Pictures are not fetched: those
of the files do not exist, or cannot be reached from here. Written to
`bench/results/first_feed.json`.
"""

import csv
import json
import os
import re
import sys
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import uvloop
import yaml

from channel_cli.answers import PreviewFamily, SourceProduct
from channel_cli.category_calls import Attribute, ShopCatalogue
from channel_cli.commands.catalogues import take_file_fields
from channel_cli.following import apply_feed, follow_normalizing, import_and_follow
from channel_cli.progress import poll
from channel_cli.session import Problem
from channel_cli.suggestion_calls import Suggestion, Suggestions
from channel_demo import bring_in, sell
from channel_demo.sandbox import ONLINE, SELLER_BY_CURRENCY, ShopSku
from channel_demo.session import SHOP_BY_CURRENCY, Session, open_demo
from channel_demo.survey import audited_shop, survey
from stack.run import running_stack
from stack.settings import StackSettings

ROOT = Path(__file__).parent.parent
FORMATS = ROOT / "services" / "catalog-service" / "tests" / "formats"
DATA = Path(os.environ.get("DATA", ROOT.parent / "shared" / "data"))
CHOSEN = [name for name in os.environ.get("FILES", "").split(",") if name]
RESULTS = Path(__file__).parent / "results" / "first_feed.json"
MOST_ROWS = 300
ROUNDS = 4
"""Suggestions that were taken make others: a leaf asks for attributes, a column has values."""
DECISIONS: Mapping[str, Any] = {
    "package_weight": 0.5,
    "package_length": 30,
    "package_width": 20,
    "package_height": 10,
    "inventory": 10,
    "inventory_deduction_strategy": "place_order_withhold",
    "shipping_preparation_time": 3,
    "shipping_template_id": "free shipping",
}
"""What stands in no file: a parcel, how much is sold, how it is sent. Only where nothing is
proposed, and as the default of what is."""
NEUTRAL = ("none", "no", "other", "others", "mainland china")
"""What is answered where AliExpress asks for what no column has, if it may be chosen."""


@dataclass(frozen=True)
class Source:
    """A file and its columns as its format documents them; independent of what is proposed."""

    file: Path
    sku: str
    title: str
    prices: Sequence[str]
    """Columns with a price; where several are filled the highest is the usual, the lowest is
    paid."""
    pictures: Sequence[str]
    stock: str | None = None
    currency: str = "USD"
    decimal: str = "."
    unpublished: tuple[str, str] | None = None
    """A column, and its value in rows that are not for sale."""
    renamed: Mapping[str, str] = field(default_factory=dict)
    """Beginnings of ids that another file has too."""

    @property
    def name(self) -> str:
        """Of the catalogue and the feed."""
        return self.file.name.lower().replace(".", "-")

    def amounts(self, fields: Mapping[str, Any]) -> list[Decimal]:
        """The prices of a row, as its file writes them."""
        found = (self._amount(str(fields.get(name) or "")) for name in self.prices)
        return [amount for amount in found if amount]

    def _amount(self, text: str) -> Decimal | None:
        grouping = "," if self.decimal == "." else "."
        digits = re.sub(r"[^0-9.,]", "", text).replace(grouping, "").replace(self.decimal, ".")
        return Decimal(digits).quantize(Decimal("0.01")) if digits else None

    def has_stock(self, fields: Mapping[str, Any]) -> bool:
        """Whether the row may be bought, by its own data."""
        if self.stock is None:
            return True
        text = str(fields.get(self.stock, "")).strip().casefold()
        return text not in {"0", "", "false", "out_of_stock"}

    def is_published(self, fields: Mapping[str, Any]) -> bool:
        """Whether the row is for sale, by its own data."""
        if self.unpublished is None:
            return True
        column, value = self.unpublished
        return str(fields.get(column, "")).casefold() != value.casefold()


def _shopify(file: Path) -> Source:
    return Source(
        file,
        sku="Variant SKU",
        title="Title",
        prices=("Variant Price", "Variant Compare At Price"),
        pictures=("Images", "Image Src"),
        stock="Variant Inventory Qty",
        unpublished=("Status", "draft"),
    )


def _google(file: Path, renamed: Mapping[str, str]) -> Source:
    return Source(
        file,
        sku="id",
        title="title",
        prices=("price", "sale_price"),
        pictures=("image_link",),
        stock="availability",
        currency="EUR",
        decimal=",",
        renamed=renamed,
    )


SOURCES = (
    _shopify(FORMATS / "shopify.csv"),
    Source(
        FORMATS / "woocommerce.csv",
        sku="SKU",
        title="Name",
        prices=("Regular price", "Sale price"),
        pictures=("Images",),
        stock="Stock",
        currency="EUR",
        unpublished=("Published", "0"),
    ),
    _google(FORMATS / "google.tsv", {}),
    _google(FORMATS / "google.xml", {"BL": "BX", "KI": "KX"}),
    Source(
        FORMATS / "magento.csv",
        sku="sku",
        title="name",
        prices=("price", "special_price"),
        pictures=("base_image",),
        stock="qty",
    ),
    Source(
        FORMATS / "prestashop.csv",
        sku="Reference #",
        title="Name *",
        prices=("Price tax excluded",),
        pictures=("Image URLs (x,y,z...)",),
        stock="Quantity",
        currency="EUR",
        unpublished=("Active (0/1)", "0"),
    ),
    Source(
        FORMATS / "amazon.txt",
        sku="item_sku",
        title="item_name",
        prices=("standard_price",),
        pictures=("main_image_url",),
        stock="quantity",
    ),
    Source(
        FORMATS / "aliexpress.csv",
        sku="sku_code",
        title="title",
        prices=("price", "discount_price"),
        pictures=("image_url_list",),
        stock="inventory",
    ),
    Source(
        FORMATS / "generic-german.csv",
        sku="Artikelnummer",
        title="Bezeichnung",
        prices=("Preis", "UVP"),
        pictures=("Bild 1",),
        stock="Bestand",
        currency="EUR",
        decimal=",",
    ),
    Source(
        FORMATS / "generic-parents.csv",
        sku="code",
        title="nombre",
        prices=("precio",),
        pictures=("imagenes",),
        stock="stock",
        currency="EUR",
    ),
    _shopify(DATA / "shopify-apparel.csv"),
    _shopify(DATA / "shopify-home-and-garden.csv"),
    Source(
        DATA / "shein-products.csv",
        sku="product_id",
        title="product_name",
        prices=("initial_price", "final_price"),
        pictures=("main_image", "image_urls"),
        stock="in_stock",
    ),
)


# ---- the walk


@dataclass
class Walk:
    """One file on its way: its commands and decisions are counted."""

    source: Source
    session: Session
    file: Path
    commands: int = 0
    decisions: int = 0
    rejected_lines: int = 0
    configuration: dict[str, Any] = field(default_factory=dict)

    async def propose(self) -> None:
        """`channel feeds init`, and the merchant's decisions in the YAML."""
        options = {"shop": self.session.shop, "catalogue": self.session.catalogue}
        with self.file.open("rb") as content:
            proposal = await self.session.channel.propose_feed(
                self.session.merchant, (self.file.name, content), options
            )
        self.commands += 1
        form, fields = take_file_fields(yaml.safe_load(proposal.configuration))
        await self.session.channel.register_catalogue(
            self.session.merchant,
            self.session.catalogue,
            versioning="arrival",
            fed_by="files",
            fields=fields,
        )
        self.configuration = form | {"image_checks": False}
        self._decide(form)

    def _decide(self, form: dict[str, Any]) -> None:
        if form["currency"] != self.source.currency:
            self.configuration["currency"] = self.source.currency
            self.decisions += 1
        attributes = form["attributes"]
        for name, value in DECISIONS.items():
            if name not in attributes:
                attributes[name] = {"constant": value}
                self.decisions += 1
            elif name == "package_weight" and "default" not in attributes[name]:
                grams = form["units"].get("weight") == "g"
                attributes[name]["default"] = value * 1000 if grams else value
                self.decisions += 1

    async def bring_in(self) -> None:
        """`channel import`, `channel feeds apply`."""
        done = await import_and_follow(
            self.session.channel,
            self.session.merchant,
            self.session.catalogue,
            self.file,
            {"mode": "full"},
        )
        if done.state == "failed":
            raise RuntimeError(f"{self.file.name} was not read: {done.failure}")
        self.rejected_lines = done.rejected
        self.commands += 2
        await self.save()

    async def save(self) -> None:
        """The configuration as it stands here, evaluated."""
        await apply_feed(
            self.session.channel, self.session.merchant, self.session.feed, self.configuration
        )
        await self.settle()

    async def settle(self) -> None:
        """Until every product was evaluated, also those that wait for a category's schema."""
        await follow_normalizing(
            self.session.channel, self.session.merchant, self.session.feed
        )
        async for progress in poll(self._progress, within=120, what="reading schemas"):
            if progress.dirty == 0 and progress.waiting == 0:
                break

    async def _progress(self) -> Any:
        return await self.session.channel.normalizing(self.session.merchant, self.session.feed)

    async def take_suggestions(self) -> bool:
        """`channel feeds accept best --from 0`: the first of each; whether there were some."""
        suggestions = Suggestions(
            self.session.channel.session, self.session.merchant, self.session.feed
        )
        taken = []
        for kind in ("categories", "attributes", "values"):
            async for found in poll(
                lambda kind=kind: _listed(suggestions.of_kind(kind)), within=120, what=kind
            ):
                if not any(one.is_awaited for one in found):
                    break
            taken += [_taken(one) for one in found if one.candidates]
        self.commands += bool(taken)
        for begin in range(0, len(taken), 1_000):
            await suggestions.accept(taken[begin : begin + 1_000], note=None, version=None)
        await self.settle()
        return bool(taken)

    async def answer(self) -> bool:
        """A value for each required attribute that no column fills: decided, and saved."""
        feed = await self.session.channel.session.get(
            "catalog-service",
            f"/v1/merchants/{self.session.merchant}/feeds/{self.session.feed}",
            dict[str, Any],
        )
        self.configuration = feed["configuration"]
        lacking = await self._lacking()
        if not lacking:
            return False
        for name, forms in lacking.items():
            self._answer_attribute(name, forms)
        self.commands += 1
        await self.save()
        return True

    async def _lacking(self) -> dict[str, dict[str, Attribute]]:
        """Attributes that hold products back: each leaf's form of them."""
        shop = ShopCatalogue(
            self.session.channel.session, self.session.merchant, self.session.shop
        )
        places: dict[str, set[str]] = {}
        async for family in self._families():
            for issue in family.issues:
                if family.category_id and issue.field and issue.severity == "error":
                    section, _, name = issue.field.partition(" > ")
                    if section == "category_attributes":
                        places.setdefault(family.category_id, set()).add(name)
        found: dict[str, dict[str, Attribute]] = {}
        for leaf, names in places.items():
            attributes = await shop.attributes(leaf)
            for attribute in attributes.category_attributes:
                if attribute.name in names:
                    found.setdefault(attribute.name, {})[leaf] = attribute
        return found

    def _families(self) -> AsyncIterator[PreviewFamily]:
        return self.session.channel.preview(self.session.merchant, self.session.feed)

    def _answer_attribute(self, name: str, forms: Mapping[str, Attribute]) -> None:
        """The commonest choice for all leaves, and another for those that have it not."""
        chosen = {leaf: _choice(form) for leaf, form in forms.items()}
        commonest = Counter(chosen.values()).most_common(1)[0][0]
        _set_default(self.configuration, name, commonest)
        self.decisions += 1
        for leaf, value in chosen.items():
            if value != commonest:
                of_leaf = self.configuration.setdefault("overrides", {}).setdefault(leaf, {})
                _set_default(of_leaf, name, value, self.configuration)
                self.decisions += 1

    async def send(self) -> None:
        """`channel run product-feed --dry-run`, `channel run confirm`; new products only."""
        await sell.wait_for_publisher(self.session)
        await sell.publish_products(self.session)
        self.commands += 2


async def _listed(suggestions: AsyncIterator[Suggestion]) -> list[Suggestion]:
    return [one async for one in suggestions]


def _taken(one: Suggestion) -> dict[str, Any]:
    taken: dict[str, Any] = {"kind": one.kind, "of": one.of, "take": one.candidates[0].take}
    if one.kind == "values":
        taken |= {"attribute": one.attribute, "section": one.section}
    return taken


def _choice(form: Attribute) -> str:
    """A neutral value, else the first; a text of our own where there is no choice."""
    titles = list(form.values.values())
    neutral = [title for title in titles if title.casefold() in NEUTRAL]
    return (neutral or titles or ["See the description"])[0]


def _set_default(
    place: dict[str, Any], name: str, value: str, general: Mapping[str, Any] | None = None
) -> None:
    """What stands where the match gives nothing, or nothing that is allowed."""
    section = place.setdefault("category_attributes", {})
    match = section.get(name) or (general or {}).get("category_attributes", {}).get(name)
    if match is None or "constant" in match:
        section[name] = {"constant": value}
    else:
        section[name] = {**match, "default": value, "unknown": "default"}


# ---- the figures


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
    """The file; of a large one the first rows, and one whose ids are another file's renamed."""
    text = source.file.read_bytes()
    if source.renamed:
        for old, new in source.renamed.items():
            text = text.replace(old.encode(), new.encode())
    elif source.file.suffix == ".csv" and text.count(b"\n") > MOST_ROWS:
        lines = list(csv.reader(text.decode().splitlines(keepends=True)))
        target = folder / source.file.name
        with target.open("w", newline="") as file:
            csv.writer(file).writerows(lines[: MOST_ROWS + 1])
        return target
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
    wrong = [text for product in products if (text := wrong_price(source, product, shop))]
    return {
        "file": source.file.name,
        "rows": len(products),
        "rejected_lines": walk.rejected_lines,
        "products": len({product.family_id for product in products}),
        "sellable": len(sellable),
        "sellable_online": len(sellable & online),
        "online": len(online),
        "share": round(len(sellable & online) / len(sellable), 4) if sellable else None,
        "prices_compared": sum(_sku(source, product) in shop for product in products),
        "wrong_prices": wrong,
        "unsold": dict(Counter(f"{one.rule} {one.message[:160]}" for one in missing)),
        "commands": walk.commands,
        "decisions": walk.decisions,
        "minutes": round(seconds / 60, 1),
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


def wrong_price(
    source: Source, product: SourceProduct, shop: Mapping[str, ShopSku]
) -> str | None:
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
                sandbox = replace(
                    opened.sandbox, seller_id=SELLER_BY_CURRENCY[source.currency]
                )
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
            return not (await shop.categories(words="shirt", limit=1)).fetched_at is None
        except Problem:
            return False

    async for is_known in poll(known, within=120, what="fetching the shop's tree"):
        if is_known:
            break


def row_of(one: Mapping[str, Any]) -> str:
    """A file's line of the table."""
    if "failure" in one:
        return f"{one['file']:<28} failed: {one['failure']}"
    return (
        f"{one['file']:<28} {one['rows']:>4} rows  {one['sellable_online']:>4} of"
        f" {one['sellable']:>4} sellable online  {len(one['wrong_prices'])} wrong of"
        f" {one['prices_compared']} prices  {one['commands']} commands, {one['decisions']}"
        f" decisions, {one['minutes']} min"
    )


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
