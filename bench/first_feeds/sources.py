"""The files that are walked, and what their columns say by the formats' documents."""

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
FORMATS = ROOT / "services" / "catalog-service" / "tests" / "formats"
DATA = Path(os.environ.get("DATA", ROOT.parent / "shared" / "data"))


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
