"""Columns that build a recognised format, and say nothing of the product: whether a row is a
parent, how tax is counted, in what order it stands. Pure.

Names are those of each system's documentation of its export; none is ever proposed as content.
"""

import re
from collections.abc import Mapping

from catalog_service.describing.formats import CatalogueFormat, documented_name

_COLUMNS: Mapping[CatalogueFormat, frozenset[str]] = {
    "shopify": frozenset(
        {
            *("Variant Inventory Tracker", "Variant Inventory Policy", "Variant Tax Code"),
            *("Variant Fulfillment Service", "Variant Requires Shipping", "Variant Taxable"),
            *("Image Position", "Image Alt Text", "Gift Card"),
        }
    ),
    "woocommerce": frozenset(
        {
            *("Type", "Is featured?", "Tax status", "Tax class", "Low stock amount"),
            *("Backorders allowed?", "Sold individually?", "Allow customer reviews?"),
            *("Purchase note", "Shipping class", "Download limit", "Download expiry days"),
            *("Grouped products", "Upsells", "Cross-sells", "External URL", "Button text"),
            "Position",
        }
    ),
    "google": frozenset({"identifier_exists", "is_bundle", "multipack", "adult"}),
    "magento": frozenset(
        {
            *("product_type", "attribute_set_code", "product_websites", "store_view_code"),
            *("tax_class_name", "has_options", "required_options", "related_skus"),
            *("configurable_variations", "configurable_variation_labels", "associated_skus"),
            *("display_product_options_in", "website_id", "additional_attributes"),
        }
    ),
    "prestashop": frozenset(
        {
            *("On sale (0/1)", "Tax rules ID", "Minimal quantity", "Low stock level"),
            *("Advanced stock management", "Depends on stock", "ID / Name of shop"),
        }
    ),
    "amazon": frozenset(
        {
            *("parent_child", "relationship_type", "variation_theme", "update_delete"),
            "external_product_id_type",
        }
    ),
}
_PATTERNS: Mapping[CatalogueFormat, re.Pattern[str]] = {
    "shopify": re.compile(r"Option\d+ Linked To"),
    "woocommerce": re.compile(r"Attribute \d+ (?:name|visible|global|default)|Download \d+ .*"),
    "magento": re.compile(r"use_config_.*|bundle_.*"),
}


def is_structural(found: CatalogueFormat, column: str) -> bool:
    """Whether the column builds the format rather than describes a product."""
    name = documented_name(found, column)
    pattern = _PATTERNS.get(found)
    is_known = name in _COLUMNS.get(found, frozenset())
    return is_known or bool(pattern is not None and pattern.fullmatch(name))
