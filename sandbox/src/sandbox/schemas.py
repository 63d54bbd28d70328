"""The product schema of a category for a seller, in the style real ones have.

String consts, lists of choices as `oneOf`, an empty `oneOf` where the seller has nothing to
choose, and "Other" asking for a `customValue` by a number that no string ever equals.
"""

from typing import Any

import msgspec

from sandbox.catalogue import OTHER_VALUE, Attribute, Catalogue, Category
from sandbox.sellers import COUNTRY_PRICES, Seller

LOCALES = {
    "en_US": "English", "es_ES": "Spanish", "fr_FR": "French", "ru_RU": "Russian",
    "pt_BR": "Portuguese", "de_DE": "German", "it_IT": "Italian", "nl_NL": "Dutch",
    "pl_PL": "Polish", "tr_TR": "Turkish", "in_ID": "Indonesian", "ar_MA": "Arabic",
    "ja_JP": "Japanese", "ko_KR": "Korean", "th_TH": "Thai", "vi_VN": "Vietnamese",
    "iw_IL": "Hebrew",
}  # fmt: skip
UNITS = {
    "100000015": "piece/pieces", "100000000": "bag/bags", "100000001": "barrel",
    "100000002": "bushel", "100078580": "carton", "100078581": "centimeter",
    "100000003": "cubic meter", "100000004": "dozen", "100078584": "feet", "100000005": "gallon",
    "100000006": "gram", "100078587": "inch", "100000007": "kilogram", "100078589": "kiloliter",
    "100000008": "kilometer", "100078559": "liter", "100000009": "long ton", "100000010": "meter",
    "100000011": "metric ton", "100078560": "milligram", "100078596": "milliliter",
    "100078597": "millimeter", "100000012": "ounce", "100000014": "pack/packs",
    "100000013": "pair", "100000016": "pound", "100078603": "quart", "100000017": "set/sets",
    "100000018": "short ton", "100078606": "square feet", "100078607": "square inch",
    "100000019": "square meter", "100078609": "square yard", "100000020": "ton",
    "100078558": "yard",
}  # fmt: skip
REQUIRED = [
    "category_id",
    "title_multi_language_list",
    "description_multi_language_list",
    "locale",
    "product_units_type",
    "image_url_list",
    "category_attributes",
    "sku_info_list",
    "inventory_deduction_strategy",
    "package_weight",
    "package_length",
    "package_height",
    "package_width",
    "shipping_preparation_time",
    "shipping_template_id",
    "service_template_id",
]
TITLE_MAX = 218

Schema = dict[str, Any]


def build_schema(
    catalogue: Catalogue, leaf: Category, seller: Seller, required: list[str]
) -> Schema:
    """The schema; `required` names the category attributes that must be filled."""
    optional = [
        name
        for name in (*catalogue.required(leaf), *catalogue.optional(leaf))
        if name not in required
    ]
    return {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": f"product schema of {leaf.name}",
        "description": "",
        "type": "object",
        "required": REQUIRED,
        "properties": {
            "category_id": {
                "title": "category id", "type": "integer", "const": leaf.id, "default": leaf.id,
            },
            "title_multi_language_list": _localized(
                "titles", {"title": _text("title", maxLength=TITLE_MAX)}
            ),
            "description_multi_language_list": _localized(
                "descriptions", {"module_list": _modules()}
            ),
            "locale": _choice("locale", LOCALES),
            "product_units_type": _choice("unit", UNITS),
            "image_url_list": {
                "title": "images", "type": "array", "items": {"type": "string"},
                "minItems": 1, "maxItems": 6, "uniqueItems": True, "description": "",
            },
            "category_attributes": {
                "title": "category attributes",
                "type": "object",
                "required": required,
                "properties": {
                    name: _category_attribute(name, values_for(seller, catalogue, name))
                    for name in (*required, *optional)
                },
            },
            "user_defined_attribute_list": _list(
                "user defined attributes",
                {"attribute_name": _text("name"), "attribute_value": _text("value")},
            ),
            "sku_info_list": {
                "title": "SKUs",
                "type": "array",
                "minItems": 1,
                "items": _sku(catalogue, leaf),
            },
            "inventory_deduction_strategy": _choice(
                "stock deduction",
                {"place_order_withhold": "by orders", "payment_success_deduct": "by payments"},
            ),
            "package_weight": _number("weight kg", 0.001, 500),
            "package_length": _integer("length cm", 1, 700),
            "package_height": _integer("height cm", 1, 700),
            "package_width": _integer("width cm", 1, 700),
            "shipping_preparation_time": _integer("days", 1, 60),
            "shipping_template_id": _of_seller("shipping template", seller.freight_templates),
            "service_template_id": _of_seller("service template", seller.promise_templates),
            "product_group_id": _of_seller("group", seller.all_groups),
            "size_chart_id": _of_seller("size chart", seller.size_charts),
            "multi_country_price_configuration": _country_prices(),
        },
    }  # fmt: skip


def values_for(seller: Seller, catalogue: Catalogue, name: str) -> Attribute:
    """An attribute with the values this seller may choose: of brands, only its own."""
    attribute = catalogue.attributes[name]
    if name != "Brand Name" or not seller.brands:
        return attribute
    own = [value for value in attribute.values if value.id in seller.brands]
    return msgspec.structs.replace(attribute, values=own)


def _text(title: str, **rules: Any) -> Schema:
    return {"title": title, "type": "string", **rules}


def _number(title: str, minimum: float, maximum: float) -> Schema:
    return {
        "title": title, "type": "number", "minimum": minimum, "maximum": maximum,
        "description": "",
    }  # fmt: skip


def _integer(title: str, minimum: int, maximum: int) -> Schema:
    return _number(title, minimum, maximum) | {"type": "integer"}


def _choice(title: str, choices: dict[str, str]) -> Schema:
    one_of = [{"const": const, "title": name} for const, name in choices.items()]
    return {"title": title, "type": "string", "oneOf": one_of}


def _of_seller(title: str, choices: tuple[tuple[int, str], ...]) -> Schema:
    return _choice(title, {str(identity): name for identity, name in choices})


def _object(title: str, properties: Schema, required: list[str] | None = None) -> Schema:
    return {
        "title": title,
        "type": "object",
        "required": list(properties) if required is None else required,
        "properties": properties,
    }


def _list(title: str, properties: Schema, required: list[str] | None = None) -> Schema:
    return {"title": title, "type": "array", "items": _object(title, properties, required)}


def _localized(title: str, properties: Schema) -> Schema:
    return _list(title, {"locale": _choice("locale", LOCALES)} | properties) | {"minItems": 1}


def _modules() -> Schema:
    html = _object(
        "html",
        {
            "type": _choice("type", {"html": "html"}),
            "html": _object("html", {"content": _text("content")}),
        },
    )
    return {"title": "modules", "type": "array", "minItems": 1, "items": {"oneOf": [html]}}


def _category_attribute(name: str, attribute: Attribute) -> Schema:
    if attribute.kind == "text":
        return _object(name, {"value": _text(name)})
    choices = {str(value.id): value.name for value in attribute.values}
    if attribute.kind == "many":
        items = _choice(name, choices)
        del items["title"]
        many = {"title": name, "type": "array", "uniqueItems": True, "items": items}
        return _object(name, {"value": many})
    schema = _object(name, {"value": _choice(name, choices)})
    if str(OTHER_VALUE) in choices:
        schema["properties"]["customValue"] = _text("custom value")
        schema["if"] = {"properties": {"value": {"const": OTHER_VALUE}}}
        schema["then"] = {"required": ["customValue"]}
    return _only_value_required(schema)


def _only_value_required(schema: Schema) -> Schema:
    return schema | {"required": ["value"]}


def _sku(catalogue: Catalogue, leaf: Category) -> Schema:
    attributes = {
        name: _sku_attribute(name, catalogue.attributes[name]) for name in catalogue.sku(leaf)
    }
    return _object(
        "SKU",
        {
            "sku_code": _text("SKU code"),
            "inventory": _integer("stock", 0, 999_999),
            "price": _number("price", 0.01, 999_999),
            "discount_price": _number("discount price", 0.01, 999_999),
            "ean_code": _text("EAN"),
            "sku_attributes": _object("SKU attributes", attributes, required=[]),
        },
        required=["sku_code", "inventory", "price"],
    )


def _sku_attribute(name: str, attribute: Attribute) -> Schema:
    properties: Schema = {
        "alias": _text("alias", maxLength=70),
        "value": _choice(name, {str(value.id): value.name for value in attribute.values}),
    }
    if name == "Color":
        properties["sku_image_url"] = _text("image")
    return _object(name, properties, required=["value"])


def _country_prices() -> Schema:
    prices = _list(
        "prices",
        {
            "sku_code": _text("SKU"),
            "price": _number("price", 0.01, 999_999),
            "discount_price": _number("discount price", 0.01, 999_999),
        },
        required=["sku_code", "price"],
    )
    countries = _list(
        "countries",
        {
            "ship_to_country": _choice("country", {code: code for code in COUNTRY_PRICES}),
            "sku_price_by_country_list": prices | {"minItems": 1},
        },
    )
    return _object(
        "country prices",
        {
            "price_type": _choice("type", {"absolute": "absolute"}),
            "country_price_list": countries | {"minItems": 1},
        },
    )
