"""What went wrong once, written anew: small catalogues of events and files, and their feeds."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from html import escape
from typing import Any

from channel_demo.session import Session
from common.contracts.catalog import CatalogUpdated

TEXT = (
    "A pillow case of washed linen with a hidden zip, washable at 40 degrees, two years of"
    " warranty, returns in 30 days."
)
PICTURE = "http://127.0.0.1:8080/pictures/case.jpg"
Fields = Mapping[str, Any]
Row = tuple[str, str | None, Fields]
"""Product id, parent id, fields."""

# ---- feeds


def form(**changes: Any) -> dict[str, Any]:
    """A feed for all of them, with these changes of its first level; `attributes` is merged."""
    attributes = {
        "sku_code": {"field": "sku"},
        "price": {"field": "price"},
        "discount_price": {"field": "sale_price"},
        "inventory": {"field": "stock"},
        "image_url_list": {"field": "image", "default": PICTURE},
        "product_units_type": {"constant": "piece/pieces"},
        "inventory_deduction_strategy": {"constant": "place_order_withhold"},
        "package_weight": {"field": "weight", "default": 0.5},
        "package_length": {"constant": 30},
        "package_width": {"constant": 20},
        "package_height": {"constant": 10},
        "shipping_preparation_time": {"constant": 3},
        "shipping_template_id": {"constant": "free shipping"},
        "service_template_id": {"constant": "0"},
    } | changes.pop("attributes", {})
    return {
        "main_locale": "en_US",
        "currency": "USD",
        "image_checks": False,
        "category": {
            "source": {"field": "category"},
            "exact": {"Pillows": "40507", "Tops": "200000346"},
        },
        "languages": texts("title", "description"),
        "attributes": attributes,
        "category_attributes": {
            "Brand Name": {"constant": "NONE"},
            "Origin": {"constant": "ES(Origin)"},
            "High-concerned chemical": {"constant": ["None"]},
            "Material": {"constant": "Cotton"},
            "Style": {"constant": "Modern"},
            "Shape": {"constant": "Square"},
            "Pattern Type": {"constant": "Solid"},
            "Gender": {"constant": "Women"},
            "Season": {"constant": "Summer"},
        },
        "sku_attributes": {
            "Color": {"field": "color", "unknown": "alias"},
            "Size": {"field": "size"},
        },
    } | changes


def texts(title: str, description: str) -> dict[str, Any]:
    """The main language's texts from these fields."""
    return {"en_US": {"title": {"field": title}, "description": {"field": description}}}


COMMA = form(units={"decimal": ","})
GOOGLE = form(
    category={"source": {"field": "product_type"}, "exact": {"Tops": "200000346"}},
    attributes={
        "sku_code": {"field": "id"},
        "inventory": {"field": "quantity"},
        "image_url_list": {"field": "image_link"},
    },
)
WOOCOMMERCE = form(
    category={"source": {"field": "Categories"}, "exact": {"Tops": "200000346"}},
    languages=texts("Name", "Description"),
    attributes={
        "sku_code": {"field": "SKU"},
        "price": {"field": "Regular price"},
        "discount_price": {"field": "Sale price"},
        "inventory": {"field": "Stock"},
        "image_url_list": {"field": "Images"},
    },
    sku_attributes={},
)

# ---- events


def pillow(name: str, **fields: Any) -> Row:
    """A simple product."""
    known = {"title": f"Linen pillow case {name}", "description": TEXT, "category": "Pillows"}
    return name, None, {**known, "sku": name, "price": "24.90", "stock": 8, **fields}


def top(name: str) -> Row:
    """A parent's row."""
    return name, None, {"title": f"Linen top {name}", "description": TEXT, "category": "Tops"}


def size(parent: str, letter: str, **fields: Any) -> Row:
    """A child, told apart by its size."""
    name = f"{parent}-{letter}"
    known = {"color": "White", "size": letter, "sku": name, "price": "34.90", "stock": 6}
    return name, parent, {**known, **fields}


def events_of(session: Session, rows: Iterable[Row], version: int) -> list[CatalogUpdated]:
    """The rows as events of the session's catalogue, all of this version."""
    return [
        CatalogUpdated(
            merchant_id=session.merchant,
            catalogue_id=session.catalogue,
            product_id=product_id,
            action="upsert",
            version=version,
            parent_id=parent_id,
            fields=dict(fields),
        )
        for product_id, parent_id, fields in rows
    ]


POINT_ROWS: list[Row] = [
    pillow("LP-A", price=".75"),
    pillow("LP-B", price="24.50", sale_price=".80"),
    pillow("LP-C", weight=".45"),
    pillow("TE-A", title="Cover &amp; pad &#8212; 40&nbsp;cm &quot;Soft&quot; na&iuml;f"),
    pillow("TE-B", description=f"&lt;p&gt;Soft &lt;b&gt;linen&lt;/b&gt;&lt;/p&gt; {TEXT}"),
    pillow("TE-C", title="Pad &lt;40 cm&gt;"),
    top("SS"),
    size("SS", "S", stock="7-"),
    size("SS", "M", stock="(7)"),
    size("SS", "L", stock="\u22127"),
    size("SS", "XL", stock="-7"),
    size("SS", "XXL", stock="2"),
    pillow("SP", price="5-"),
    top("HP"),
    size("HP", "S"),
    size("HP", "M"),
    size("HP", "L"),
    pillow("HQ", stock=4),
    pillow("NP", price="0,450"),
]
SECOND_POINT_ROWS: list[Row] = [
    size("HP", "S", sale_price="44.90"),
    size("HP", "M", stock=0),
    pillow("HQ", stock=0, sale_price="n/a"),
]
"""A sale price above the price, one that is no number; beside both, what is sold out."""
COMMA_ROWS: list[Row] = [
    pillow("NT-A", price="24,90"),
    pillow("NT-B", price=24.125, weight="0,3"),
    pillow("NT-C", price="24,90", weight=0.375),
    pillow("NT-D", price="0,450", weight="0,3"),
]

# ---- files


def mixed_bytes() -> bytes:
    """Four rows of UTF-8, and between them one with a byte of Latin-1."""
    lines = ["id;title;description;category;sku;price;stock;weight"]
    for number in range(1, 6):
        title = f"Taie brod\u00e9e \u00e0 la main {number}"
        lines.append(f"MX-{number};{title};{TEXT};Pillows;MX-{number};19,90;7;0,4")
    encoded = [line.encode() for line in lines]
    encoded[3] = lines[3].encode("latin-1")
    return b"\n".join(encoded)


def google(now: datetime, hour: Any) -> str:
    """Sales that are over, to begin, under way and without dates; and parents that are listed."""
    day = 24 * hour
    sale = {"sale_price": "19.90 USD"}

    def dates(begins: datetime, ends: datetime) -> str:
        return "/".join(bound.strftime("%Y-%m-%dT%H:%M+0000") for bound in (begins, ends))

    items = [
        _item("GD-over", **sale, sale_price_effective_date=dates(now - 9 * day, now - day)),
        _item("GD-next", **sale, sale_price_effective_date=dates(now + 3 * hour, now + 9 * day)),
        _item("GD-now", **sale, sale_price_effective_date=dates(now - day, now + 3 * hour)),
        _item("GD-always", **sale),
        _item("GD-unclear", **sale, sale_price_effective_date="next week"),
        _item("GL", quantity="12"),
        *(_item(f"GL-{s}", item_group_id="GL", size=s, color="White") for s in "SM"),
        *(_item(f"GO-{s}", item_group_id="GO", size=s, color="White") for s in "SM"),
        _item("GO", quantity="12", item_group_id="GO"),
    ]
    head = '<?xml version="1.0"?><rss version="2.0" xmlns:g="http://base.google.com/ns/1.0">'
    return f"{head}<channel><title>Shop</title>{''.join(items)}</channel></rss>"


def _item(name: str, **fields: str) -> str:
    known = {
        "id": name,
        "title": f"Linen top {name}",
        "description": TEXT,
        "image_link": PICTURE,
        "price": "29.90 USD",
        "product_type": "Tops",
        "quantity": "4",
    } | fields
    parts = (f"<g:{key}>{escape(value)}</g:{key}>" for key, value in known.items())
    return f"<item>{''.join(parts)}</item>"


def woocommerce(now: datetime, hour: Any) -> str:
    """The same sales in the two columns of a WooCommerce export."""
    names = (
        "ID,Type,SKU,Name,Published,Description,Date sale price starts,Date sale price ends,"
        "Stock,Sale price,Regular price,Categories,Images"
    )

    def row(number: int, name: str, begins: datetime | None, ends: datetime | None) -> str:
        dates = ",".join("" if d is None else f"{d:%Y-%m-%d %H:%M:%S}" for d in (begins, ends))
        texts = f'{number},simple,{name},Linen top {name},1,"{TEXT}"'
        return f"{texts},{dates},6,9.90,29.9,Tops,{PICTURE}"

    rows = [
        row(1, "WD-over", now - 48 * hour, now - 24 * hour),
        row(2, "WD-next", now + 3 * hour, None),
        row(3, "WD-now", None, now + 3 * hour),
        row(4, "WD-always", None, None),
    ]
    return "\n".join([names, *rows])
