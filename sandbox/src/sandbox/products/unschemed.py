"""Posting without a schema, translated into the payload that a schema describes.

Only what both forms know; what this one asks for less strictly (brand by its text, attributes by
name or id) is resolved here. What is missing stays missing and is refused by the rules.
"""

from typing import Any

from sandbox.catalogue import Catalogue
from sandbox.products.rules import dictionaries

_LANGUAGES = {"en": "US", "pt": "BR", "in": "ID", "ar": "MA", "ja": "JP", "ko": "KR", "vi": "VN",
              "iw": "IL"}  # fmt: skip
_SAME_NAME = {
    "inventory_deduction_strategy": "inventory_deduction_strategy",
    "main_image_urls_list": "image_url_list",
    "size_chart_id": "size_chart_id",
    "group_id": "product_group_id",
    "freight_template_id": "shipping_template_id",
    "service_policy_id": "service_template_id",
    "multi_country_price_configuration": "multi_country_price_configuration",
}
_NUMBERS = {
    "weight": "package_weight",
    "package_length": "package_length",
    "package_height": "package_height",
    "package_width": "package_width",
    "shipping_lead_time": "shipping_preparation_time",
}


def schema_payload(posted: dict[str, Any], catalogue: Catalogue) -> dict[str, Any]:
    """The payload as posting by schema would have it."""
    locale = _locale(str(posted.get("language") or ""))
    category = posted.get("aliexpress_category_id") or posted.get("category_id")
    payload = {
        "category_id": _number(category),
        "locale": locale,
        "product_units_type": str(posted.get("product_unit") or "100000015"),
        "title_multi_language_list": [
            {"locale": language, "title": text}
            for language, text in _texts(
                posted, "multi_language_subject_list", "subject", main=("subject", locale)
            )
        ],
        "description_multi_language_list": _descriptions(posted, locale),
        "category_attributes": _attributes(posted, catalogue),
        "sku_info_list": [
            _sku(sku, catalogue) for sku in dictionaries(posted.get("sku_info_list"))
        ],
    }
    payload |= {new: posted[old] for old, new in _SAME_NAME.items() if posted.get(old)}
    payload |= {new: _number(posted[old]) for old, new in _NUMBERS.items() if posted.get(old)}
    for name in ("shipping_template_id", "service_template_id", "product_group_id"):
        if name in payload:
            payload[name] = str(payload[name])
    return payload


def _locale(language: str) -> str:
    return f"{language}_{_LANGUAGES.get(language, language.upper())}"


def _number(value: Any) -> Any:
    text = str(value)
    if text.isdecimal():
        return int(text)
    return float(text) if text.replace(".", "", 1).isdecimal() else value


def _texts(
    posted: dict[str, Any], name: str, key: str, *, main: tuple[str, str]
) -> list[tuple[str, str]]:
    """Texts as (locale, text); the field and locale of `main` give the one not listed."""
    entries = [
        (_locale(str(entry.get("language"))), str(entry.get(key) or ""))
        for entry in dictionaries(posted.get(name))
    ]
    field, locale = main
    if posted.get(field) and locale not in {language for language, _ in entries}:
        entries.insert(0, (locale, str(posted[field])))
    return entries


def _descriptions(posted: dict[str, Any], locale: str) -> list[dict[str, Any]]:
    entries = _texts(
        posted, "multi_language_description_list", "web_detail", main=("description", locale)
    )
    return [
        {
            "locale": language,
            "module_list": [{"type": "html", "html": {"content": text}}],
        }
        for language, text in entries
    ]


def _attributes(posted: dict[str, Any], catalogue: Catalogue) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for entry in dictionaries(posted.get("attribute_list")):
        name = _attribute_name(entry, "attribute_name", catalogue)
        if name in catalogue.attributes:
            value = str(entry.get("attribute_value_id") or entry.get("attribute_value") or "")
            is_many = catalogue.attributes[name].kind == "many"
            found[name] = {"value": [value] if is_many else value}
    brand = str(posted.get("brand_name") or "")
    for known in catalogue.attributes["Brand Name"].values:
        if known.name.casefold() == brand.casefold():
            found.setdefault("Brand Name", {"value": str(known.id)})
    return found


def _attribute_name(entry: dict[str, Any], field: str, catalogue: Catalogue) -> str:
    """The name under `field`, or the one of the id under `field` + `_id`."""
    identity = str(entry.get(f"{field}_id"))
    by_id = (name for name, one in catalogue.attributes.items() if str(one.id) == identity)
    return str(entry.get(field) or next(by_id, identity))


def _sku(sku: dict[str, Any], catalogue: Catalogue) -> dict[str, Any]:
    attributes: dict[str, Any] = {}
    for entry in dictionaries(sku.get("sku_attributes_list")):
        name = _attribute_name(entry, "sku_attribute_name", catalogue)
        attributes[name] = _sku_value(name, entry, catalogue)
    made = {
        "sku_code": sku.get("sku_code"),
        "inventory": _number(sku.get("inventory")),
        "price": _number(sku.get("price")),
        "sku_attributes": attributes,
    }
    if sku.get("discount_price"):
        made["discount_price"] = _number(sku["discount_price"])
    return made


def _sku_value(name: str, entry: dict[str, Any], catalogue: Catalogue) -> dict[str, Any]:
    text = str(entry.get("sku_attribute_value") or "")
    known = catalogue.attributes.get(name)
    by_name = {value.name.casefold(): str(value.id) for value in known.values} if known else {}
    value: dict[str, Any] = {
        "value": str(entry.get("sku_attribute_value_id") or by_name.get(text.casefold(), ""))
    }
    if text:
        value["alias"] = text
    if entry.get("sku_image_url"):
        value["sku_image_url"] = entry["sku_image_url"]
    return value
