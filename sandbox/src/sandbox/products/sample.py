"""A payload that keeps every rule, for products a seller made by hand."""

from functools import cache
from typing import Any

from sandbox.catalogue import Catalogue, Category
from sandbox.sellers import Seller


@cache
def _real_leaves(catalogue: Catalogue) -> list[Category]:
    return [leaf for leaf in catalogue.leaves() if not leaf.is_own]


def sample_payload(
    seller: Seller, catalogue: Catalogue, sku_code: str, *, has_variant: bool = False
) -> dict[str, Any]:
    """A product of one SKU in a leaf picked by its code.

    With a variant the SKU has a value of each attribute that distinguishes the leaf's SKUs.
    """
    leaves = _real_leaves(catalogue)
    leaf = leaves[sum(sku_code.encode()) % len(leaves)]
    cents = 500 + sum(sku_code.encode()) % 5000
    attributes: dict[str, Any] = {}
    for name in catalogue.required(leaf):
        attribute = catalogue.attributes[name]
        first = str(attribute.values[0].id)
        attributes[name] = {"value": [first] if attribute.kind == "many" else first}
    return {
        "category_id": leaf.id,
        "locale": seller.locale,
        "title_multi_language_list": [
            {"locale": seller.locale, "title": f"{leaf.name} {sku_code}"}
        ],
        "description_multi_language_list": [
            {
                "locale": seller.locale,
                "module_list": [{"type": "html", "html": {"content": "<p>made by hand</p>"}}],
            }
        ],
        "product_units_type": "100000015",
        "image_url_list": [f"https://ae01.alicdn.com/kf/{sku_code}.jpg"],
        "category_attributes": attributes,
        "sku_info_list": [
            {
                "sku_code": sku_code,
                "inventory": 100,
                "price": f"{cents / 100:.2f}",
                "sku_attributes": _variant(catalogue, leaf, sku_code) if has_variant else {},
            }
        ],
        "inventory_deduction_strategy": "place_order_withhold",
        "package_weight": 0.5,
        "package_length": 10,
        "package_width": 10,
        "package_height": 10,
        "shipping_preparation_time": 3,
        "shipping_template_id": str(seller.freight_templates[0][0]),
        "service_template_id": "0",
    }


def _variant(catalogue: Catalogue, leaf: Category, sku_code: str) -> dict[str, Any]:
    """A value of each SKU attribute, picked by the code; the first has the seller's own text."""
    chosen = {}
    for place, name in enumerate(catalogue.sku(leaf)):
        values = catalogue.attributes[name].values
        if values:
            value = values[sum(sku_code.encode()) % len(values)]
            chosen[name] = {"value": str(value.id), "alias": f"own {sku_code}" if not place else ""}
    return chosen
