"""The documented columns of the exports that are recognised, and which of them a file has. Pure.

Names are those of each system's own documentation of its product export or import. AliExpress
documents no bulk sheet in public: it is known by the names that its product API has.
"""

from collections.abc import Iterable, Mapping
from typing import Literal

from catalog_service.describing.vocabulary import Role
from catalog_service.files.readers.woocommerce_names import english_name

CatalogueFormat = Literal[
    "shopify",
    "woocommerce",
    "google",
    "magento",
    "prestashop",
    "amazon",
    "aliexpress",
    "generic",
]
DOCUMENTED = 0.98

_AMAZON_V2: Mapping[str, Role] = {
    "contribution_sku": "sku",
    "item_name": "title",
    "product_description": "description",
    "brand": "brand",
    "externally_assigned_product_identifier": "ean",
    "child_parent_sku_relationship": "parent_id",
    "main_product_image_locator": "pictures",
    "color": "color",
    "size": "size",
    "list_price": "compare_price",
    "purchasable_offer": "price",
    "fulfillment_availability": "stock",
    "item_package_weight": "weight",
    "item_type_keyword": "category",
}

COLUMNS: Mapping[CatalogueFormat, Mapping[str, Role]] = {
    "shopify": {
        "Handle": "product_id",
        "Title": "title",
        "Body (HTML)": "description",
        "Vendor": "brand",
        "Type": "category",
        "Product Category": "category",
        "Published": "visibility",
        "Status": "status",
        "Option1 Name": "option_name",
        "Option1 Value": "option_value",
        "Option2 Name": "option_name",
        "Option2 Value": "option_value",
        "Option3 Name": "option_name",
        "Option3 Value": "option_value",
        "Variant SKU": "sku",
        "Variant Grams": "weight",
        "Variant Weight Unit": "weight_unit",
        "Variant Inventory Qty": "stock",
        "Variant Price": "price",
        "Variant Compare At Price": "compare_price",
        "Variant Barcode": "ean",
        "Images": "pictures",
        "Cost per item": "cost",
    },
    "woocommerce": {
        "ID": "product_id",
        "SKU": "sku",
        "Name": "title",
        "Published": "status",
        "Visibility in catalog": "visibility",
        "Short description": "short_description",
        "Description": "description",
        "discount_from": "sale_begins",
        "discount_until": "sale_ends",
        "In stock?": "availability",
        "Stock": "stock",
        "Sale price": "sale_price",
        "Regular price": "price",
        "Categories": "category",
        "Images": "pictures",
        "Parent": "parent_id",
        "GTIN, UPC, EAN, or ISBN": "ean",
        "Brands": "brand",
    },
    "google": {
        "id": "product_id",
        "title": "title",
        "description": "description",
        "link": "url",
        "image_link": "pictures",
        "availability": "availability",
        "price": "price",
        "sale_price": "sale_price",
        "discount_from": "sale_begins",
        "discount_until": "sale_ends",
        "product_type": "category",
        "google_product_category": "category",
        "brand": "brand",
        "gtin": "ean",
        "mpn": "mpn",
        "item_group_id": "parent_id",
        "color": "color",
        "size": "size",
        "material": "material",
        "shipping_weight": "weight",
        "shipping_length": "length",
        "shipping_width": "width",
        "shipping_height": "height",
        "cost_of_goods_sold": "cost",
        "quantity": "stock",
    },
    "magento": {
        "sku": "sku",
        "name": "title",
        "description": "description",
        "short_description": "short_description",
        "weight": "weight",
        "product_online": "status",
        "visibility": "visibility",
        "price": "price",
        "special_price": "sale_price",
        "special_price_from_date": "sale_begins",
        "special_price_to_date": "sale_ends",
        "categories": "category",
        "images": "pictures",
        "qty": "stock",
        "is_in_stock": "availability",
        "manufacturer": "brand",
        "color": "color",
        "size": "size",
    },
    "prestashop": {
        "Product ID": "product_id",
        "ID": "product_id",
        "Active (0/1)": "status",
        "Name *": "title",
        "Name": "title",
        "Categories (x,y,z...)": "category",
        "Price tax included": "price",
        "Price tax excluded": "price",
        "Price tax excluded or Price tax included": "price",
        "Wholesale price": "cost",
        "Discount from (yyyy-mm-dd)": "sale_begins",
        "Discount to (yyyy-mm-dd)": "sale_ends",
        "Reference #": "sku",
        "Manufacturer": "brand",
        "Brand": "brand",
        "EAN13": "ean",
        "MPN": "mpn",
        "Width": "width",
        "Height": "height",
        "Depth": "length",
        "Weight": "weight",
        "Quantity": "stock",
        "Visibility": "visibility",
        "Short description": "short_description",
        "Summary": "short_description",
        "Description": "description",
        "Image URLs (x,y,z...)": "pictures",
    },
    "amazon": {
        "item_sku": "sku",
        "parent_sku": "parent_id",
        "item_name": "title",
        "product_description": "description",
        "brand_name": "brand",
        "external_product_id": "ean",
        "standard_price": "price",
        "list_price": "compare_price",
        "sale_price": "sale_price",
        "sale_from_date": "sale_begins",
        "sale_end_date": "sale_ends",
        "quantity": "stock",
        "main_image_url": "pictures",
        "color_name": "color",
        "size_name": "size",
        "material_type": "material",
        "feed_product_type": "category",
        "item_type": "category",
        "currency": "currency",
        "package_weight": "weight",
        "package_weight_unit_of_measure": "weight_unit",
        "package_length": "length",
        "package_width": "width",
        "package_height": "height",
        "part_number": "mpn",
    },
    "aliexpress": {
        "sku_code": "sku",
        "title": "title",
        "subject": "title",
        "description": "description",
        "price": "price",
        "discount_price": "sale_price",
        "inventory": "stock",
        "ean_code": "ean",
        "image_url_list": "pictures",
        "package_weight": "weight",
        "package_length": "length",
        "package_width": "width",
        "package_height": "height",
        "category_id": "category",
    },
}

_MARKS: Mapping[CatalogueFormat, tuple[frozenset[str], int]] = {
    "prestashop": (
        frozenset(
            {
                "Active (0/1)",
                "Name *",
                "Categories (x,y,z...)",
                "Reference #",
                "Image URLs (x,y,z...)",
            }
        ),
        2,
    ),
    "amazon": (frozenset({"item_sku", "contribution_sku#1.value"}), 1),
    "aliexpress": (
        frozenset(
            {
                *("sku_code", "image_url_list", "product_units_type", "shipping_template_id"),
                *(
                    "inventory_deduction_strategy",
                    "shipping_preparation_time",
                    "freight_template_id",
                ),
            }
        ),
        2,
    ),
}
"""Columns that no other format has, and how many of them are needed."""


def format_of(read_as: str, columns: Iterable[str]) -> CatalogueFormat:
    """The format of a file that a reader has read as `read_as`."""
    for known in ("shopify", "woocommerce", "google", "magento"):
        if read_as == known:
            return known
    names = set(columns)
    for found, (marks, needed) in _MARKS.items():
        if len(names & marks) >= needed:
            return found
    return "generic"


def documented_name(found: CatalogueFormat, column: str) -> str:
    """What the format's documentation calls the column: headers may be translated."""
    return english_name(column) if found == "woocommerce" else column


def documented_role(found: CatalogueFormat, column: str) -> Role | None:
    """What the format's documentation says of a column."""
    role = COLUMNS.get(found, {}).get(documented_name(found, column))
    if role is None and found == "amazon":
        return _AMAZON_V2.get(column.split("[", maxsplit=1)[0].split("#", maxsplit=1)[0])
    return role
