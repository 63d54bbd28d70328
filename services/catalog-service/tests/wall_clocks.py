"""A complete feed of wall clocks: a leaf of the sandbox, all that it asks for, and rows for it."""

from typing import Any

from catalog_service.feeds.configuration import FeedConfiguration
from common.contracts.catalog import CatalogUpdated

WALL_CLOCKS = "152805"
ATTRIBUTES = {
    "sku_code": {"field": "product_id"},
    "price": {"field": "price"},
    "inventory": {"field": "stock", "default": 5},
    "image_url_list": {"field": "images"},
    "product_units_type": {"constant": "piece/pieces"},
    "inventory_deduction_strategy": {"constant": "place_order_withhold"},
    "package_weight": {"constant": 1},
    "package_length": {"constant": 10},
    "package_width": {"constant": 10},
    "package_height": {"constant": 10},
    "shipping_preparation_time": {"constant": 3},
    "shipping_template_id": {"constant": "free shipping"},
}
CATEGORY_ATTRIBUTES = {
    "Brand Name": {"constant": "NONE"},
    "Origin": {"constant": "Mainland China"},
    "High-concerned chemical": {"constant": "None"},
    "Material": {"constant": "Plastic"},
    "Style": {"constant": "Modern"},
    "Type": {"constant": "Standard"},
    "Room Space": {"constant": "Kitchen"},
    "Feature": {"constant": "Portable"},
    "Power Source": {"constant": "Battery"},
    "Shape": {"constant": "Round"},
}


def form(**changes: Any) -> FeedConfiguration:
    base: dict[str, Any] = {
        "shop": "s",
        "catalogue": "c",
        "main_locale": "en_US",
        "currency": "USD",
        "image_checks": "off",
        "category": {"source": {"field": "category"}, "prefix": {"Clocks": WALL_CLOCKS}},
        "languages": {"en_US": {"title": {"field": "title"}, "description": {"field": "title"}}},
        "attributes": ATTRIBUTES
        | {
            "discount_price": {"field": "sale"},
            "image_url_list": {"constant": ["https://pictures.example/1.jpg"]},
        },
        "category_attributes": CATEGORY_ATTRIBUTES
        | {"Material": {"field": "material", "default": "Plastic"}},
        "sku_attributes": {"Color": {"field": "color"}},
    }
    return FeedConfiguration.model_validate(base | changes)


def row(product_id: str, version: int, parent: str | None = None, **more: str) -> CatalogUpdated:
    fields: dict[str, Any] = {
        "title": f"Clock {product_id}",
        "category": "Clocks > Wall",
        "price": "10",
        "stock": "5",
    }
    return CatalogUpdated(
        merchant_id="m",
        catalogue_id="c",
        product_id=product_id,
        action="upsert",
        version=version,
        parent_id=parent,
        fields=fields | more,
    )


def gone(product_id: str, version: int) -> CatalogUpdated:
    return CatalogUpdated(
        merchant_id="m", catalogue_id="c", product_id=product_id, action="delete", version=version
    )
