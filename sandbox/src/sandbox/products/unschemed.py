"""Posting without a schema, translated into the payload that a schema describes.

Only what both forms know; what this one asks for less strictly (brand by its text, attributes by
name or id) is resolved here. What is missing stays missing and is refused by the rules.
"""

from typing import Any

from sandbox.catalogue import Catalogue
from sandbox.json_reader import NotJson, parse_json
from sandbox.products.rules import dictionaries
from sandbox.products.shops import Product, Sku
from sandbox.schema_check import is_empty

_LANGUAGES = {"en": "US", "pt": "BR", "in": "ID", "ar": "MA", "ja": "JP", "ko": "KR", "vi": "VN",
              "iw": "IL"}  # fmt: skip
_SAME_NAME = {
    "inventory_deduction_strategy": "inventory_deduction_strategy",
    "main_image_urls_list": "image_url_list",
    "multi_country_price_configuration": "multi_country_price_configuration",
}
_IDS = {
    "product_unit": "product_units_type",
    "freight_template_id": "shipping_template_id",
    "service_policy_id": "service_template_id",
}
_IDS_OR_NONE = {"size_chart_id": "size_chart_id", "group_id": "product_group_id"}
"""Here 0 means none."""
_NUMBERS = {
    "weight": "package_weight",
    "package_length": "package_length",
    "package_height": "package_height",
    "package_width": "package_width",
    "shipping_lead_time": "shipping_preparation_time",
}
PIECE = "100000015"


def posted_payload(posted: dict[str, Any], catalogue: Catalogue) -> dict[str, Any]:
    """The payload of a new product as posting by schema would have it."""
    locale = _locale(str(posted.get("language") or ""))
    return {"locale": locale, "product_units_type": PIECE} | _sent_fields(posted, locale, catalogue)


def edited_payload(
    posted: dict[str, Any], product: Product, catalogue: Catalogue
) -> dict[str, Any]:
    """The payload of a product as it stands, with the fields that were sent."""
    standing = product.content | {
        "sku_info_list": [_standing_sku(sku) for sku in product.skus.values()],
        "category_id": product.category_id,
    }
    if product.country_prices:
        standing["multi_country_price_configuration"] = product.country_prices
    sent = _sent_fields(posted, product.locale, catalogue)
    if "attribute_list" not in posted and "category_attributes" in sent:
        sent["category_attributes"] = (standing.get("category_attributes") or {}) | sent[
            "category_attributes"
        ]
    return standing | sent


def _standing_sku(sku: Sku) -> dict[str, Any]:
    standing = {
        "sku_code": sku.code,
        "inventory": sku.inventory,
        "price": _number(sku.price),
        "sku_attributes": sku.attributes,
    }
    if sku.discount_price is not None:
        standing["discount_price"] = _number(sku.discount_price)
    if sku.ean_code:
        standing["ean_code"] = sku.ean_code
    return standing


def _sent_fields(posted: dict[str, Any], locale: str, catalogue: Catalogue) -> dict[str, Any]:
    """The fields of the schema way for those that were sent, 0 included."""
    fields: dict[str, Any] = {}
    category = _either(posted, "aliexpress_category_id", "category_id")
    if category is not None:
        fields["category_id"] = _number(category)
    if titles := _texts(posted, "multi_language_subject_list", "subject", main=("subject", locale)):
        fields["title_multi_language_list"] = [
            {"locale": language, "title": text} for language, text in titles
        ]
    if descriptions := _descriptions(posted, locale):
        fields["description_multi_language_list"] = descriptions
    if _is_sent(posted, "attribute_list") or _is_sent(posted, "brand_name"):
        fields["category_attributes"] = _attributes(posted, catalogue)
    if _is_sent(posted, "sku_info_list"):
        fields["sku_info_list"] = [
            _sku(sku, catalogue) for sku in dictionaries(posted["sku_info_list"])
        ]
    fields |= {new: posted[old] for old, new in _SAME_NAME.items() if _is_sent(posted, old)}
    fields |= {new: str(posted[old]) for old, new in _IDS.items() if _is_sent(posted, old)}
    fields |= {new: _identity(posted, old) for old, new in _IDS_OR_NONE.items() if old in posted}
    return fields | {
        new: _number(posted[old]) for old, new in _NUMBERS.items() if _is_sent(posted, old)
    }


def _is_sent(posted: dict[str, Any], name: str) -> bool:
    return not is_empty(posted.get(name))


def _identity(posted: dict[str, Any], *names: str) -> str:
    """The id under the first of the names that holds one; empty without, for 0 is none."""
    sent = (str(posted[name]) for name in names if _is_sent(posted, name))
    return next((identity for identity in sent if identity != "0"), "")


def _either(posted: dict[str, Any], *names: str) -> Any:
    """The value under the first of the names that was sent."""
    return next((posted[name] for name in names if _is_sent(posted, name)), None)


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
            "module_list": [{"type": "html", "html": {"content": _html(text)}}],
        }
        for language, text in entries
    ]


def _html(text: str) -> str:
    """A description as HTML; its JSON form gives what its html and text modules hold."""
    try:
        detail = parse_json(text)
    except NotJson:
        return text
    modules = dictionaries(detail.get("moduleList")) if isinstance(detail, dict) else []
    return "".join(map(_module_html, modules)) or text


def _module_html(module: dict[str, Any]) -> str:
    html, texts = module.get("html"), module.get("texts")
    if isinstance(html, dict):
        return str(html.get("content") or "")
    entries = [texts] if isinstance(texts, dict) else dictionaries(texts)
    return "".join(f"<p>{entry.get('content') or ''}</p>" for entry in entries)


def _attributes(posted: dict[str, Any], catalogue: Catalogue) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for entry in dictionaries(posted.get("attribute_list")):
        name = _attribute_name(
            entry, "attribute_name", ("aliexpress_attribute_name_id", "attribute_name_id"),
            catalogue,
        )  # fmt: skip
        if name in catalogue.attributes:
            text = _identity(entry, "aliexpress_attribute_value_id", "attribute_value_id") or str(
                entry.get("attribute_value") or ""
            )
            is_many = catalogue.attributes[name].kind == "many"
            found[name] = {"value": [text] if is_many else text}
    brand = str(posted.get("brand_name") or "")
    for known in catalogue.attributes["Brand Name"].values:
        if known.name.casefold() == brand.casefold():
            found.setdefault("Brand Name", {"value": str(known.id)})
    return found


def _attribute_name(
    entry: dict[str, Any], field: str, id_fields: tuple[str, ...], catalogue: Catalogue
) -> str:
    """The name under `field`, or the one of the id under one of `id_fields`."""
    identity = _identity(entry, *id_fields)
    by_id = (name for name, one in catalogue.attributes.items() if str(one.id) == identity)
    named = str(entry.get(field) or "")
    return named if named in catalogue.attributes else next(by_id, named or identity)


def _sku(sku: dict[str, Any], catalogue: Catalogue) -> dict[str, Any]:
    attributes: dict[str, Any] = {}
    for entry in dictionaries(sku.get("sku_attributes_list")):
        name = _attribute_name(entry, "sku_attribute_name", ("sku_attribute_name_id",), catalogue)
        attributes[name] = _sku_value(name, entry, catalogue)
    made = {
        "sku_code": sku.get("sku_code"),
        "inventory": _number(sku.get("inventory")),
        "price": _number(sku.get("price")),
        "sku_attributes": attributes,
    }
    if _is_sent(sku, "discount_price"):
        made["discount_price"] = _number(sku["discount_price"])
    if _is_sent(sku, "ean_code"):
        made["ean_code"] = str(sku["ean_code"])
    return made


def _sku_value(name: str, entry: dict[str, Any], catalogue: Catalogue) -> dict[str, Any]:
    text = str(entry.get("sku_attribute_value") or "")
    known = catalogue.attributes.get(name)
    by_name = {value.name.casefold(): str(value.id) for value in known.values} if known else {}
    identity = _identity(entry, "sku_attribute_value_id")
    value: dict[str, Any] = {"value": identity or by_name.get(text.casefold(), "")}
    if text:
        value["alias"] = text
    if image := _either(entry, "sku_image_url", "sku_image"):
        value["sku_image_url"] = image
    return value
