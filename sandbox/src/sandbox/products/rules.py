"""What a payload must be to become a product; pure, no state.

Each check returns the code and message of the first rule broken, or None.
"""

from collections.abc import Callable
from decimal import Decimal
from itertools import chain
from typing import Any

from sandbox.products import codes
from sandbox.products.shops import money
from sandbox.schema_check import Schema, check
from sandbox.sellers import COUNTRY_PRICES

Fault = tuple[str, str]
STOCK_MAX = 999_999
LOWEST_COUNTRY_SHARE = Decimal("0.70")
FORBIDDEN_IN_ALIAS = "#:=,"


def find_fault(
    payload: dict[str, Any],
    schema: Schema,
    *,
    needs_stock: bool,
    is_image_taken: Callable[[str], bool],
) -> Fault | None:
    """The first rule a payload of the schema way breaks."""
    return (
        _skus_fault(payload, schema)
        or _title_fault(payload)
        or _schema_fault(payload, schema)
        or _main_locale_fault(payload)
        or _prices_fault(payload["sku_info_list"])
        or _stock_fault(payload["sku_info_list"], needs_stock)
        or _images_fault(payload, is_image_taken)
        or country_prices_fault(
            payload.get("multi_country_price_configuration"),
            {str(sku["sku_code"]): sku for sku in payload["sku_info_list"]},
        )
    )


def _skus_fault(payload: dict[str, Any], schema: Schema) -> Fault | None:
    skus = payload.get("sku_info_list")
    if not isinstance(skus, list) or not all(isinstance(sku, dict) for sku in skus):
        return codes.invalid_field("sku_info_list") if skus else None
    seen_codes = [sku.get("sku_code") for sku in skus]
    if not all(seen_codes):
        return codes.EMPTY_SKU
    if len({str(code) for code in seen_codes}) < len(skus):
        return codes.DUPLICATE_SKU
    chosen = [sku.get("sku_attributes") or {} for sku in skus]
    if not all(isinstance(attributes, dict) for attributes in chosen):
        return codes.invalid_field("sku_attributes", "type")
    known = schema["properties"]["sku_info_list"]["items"]["properties"]["sku_attributes"]
    if any(attributes.keys() - known["properties"].keys() for attributes in chosen):
        return codes.UNKNOWN_SKU_ATTRIBUTE
    return _aliases_fault(chosen) or (_combinations_fault(chosen) if len(skus) > 1 else None)


def _aliases_fault(chosen: list[dict[str, Any]]) -> Fault | None:
    """The seller's own texts are without the marks that the platform joins values with."""
    values = (v for attributes in chosen for v in attributes.values() if isinstance(v, dict))
    aliases = (str(value.get("alias") or "") for value in values)
    if any(mark in alias for alias in aliases for mark in FORBIDDEN_IN_ALIAS):
        return codes.invalid_field("sku_attributes.alias", "text")
    return None


def _combinations_fault(chosen: list[dict[str, Any]]) -> Fault | None:
    """Every SKU of several has attributes, no two the same; an alias makes a value another."""
    seen: set[str] = set()
    for attributes in chosen:
        values = [(name, v) for name, v in sorted(attributes.items()) if isinstance(v, dict)]
        if not values:
            return codes.invalid_field("sku_attributes")
        combination = str([(name, str(v.get("value")), str(v.get("alias"))) for name, v in values])
        if combination in seen:
            return codes.invalid_field("sku_attributes", "unique")
        seen.add(combination)
    return None


def _title_fault(payload: dict[str, Any]) -> Fault | None:
    titles = payload.get("title_multi_language_list")
    entries = titles if isinstance(titles, list) else []
    texts = (str(entry.get("title") or "") for entry in entries if isinstance(entry, dict))
    if any("<" in text or ">" in text for text in texts):
        return codes.FORBIDDEN_TITLE
    return None


def _schema_fault(payload: dict[str, Any], schema: Schema) -> Fault | None:
    problem = next(check(payload, schema), None)
    if problem is None:
        return None
    field, rule = problem
    return codes.invalid_field(field, "required" if rule == "type" else rule)


def _main_locale_fault(payload: dict[str, Any]) -> Fault | None:
    for name in ("title_multi_language_list", "description_multi_language_list"):
        if payload["locale"] not in {entry["locale"] for entry in payload[name]}:
            return codes.invalid_field(f"{name}.locale", "mainLanguage")
    return None


def _prices_fault(skus: list[dict[str, Any]]) -> Fault | None:
    return next(filter(None, map(price_fault, skus)), None)


def price_fault(sku: dict[str, Any]) -> Fault | None:
    """A price from 0.01 to 999999 and a discount below it."""
    price, discount = money(sku.get("price")), money(sku.get("discount_price"))
    if price is None or not Decimal("0.01") <= Decimal(price) <= 999_999:
        return codes.invalid_field("price", "range")
    has_discount = sku.get("discount_price") not in (None, "")
    if has_discount and not Decimal("0.01") <= Decimal(discount or 0) < Decimal(price):
        return codes.invalid_field("discount_price", "range")
    return None


def _stock_fault(skus: list[dict[str, Any]], needs_stock: bool) -> Fault | None:
    total = sum(sku["inventory"] for sku in skus)
    if total > STOCK_MAX or (needs_stock and total < 1):
        return codes.invalid_field("inventory", "sum")
    return None


def stock_fault(value: Any) -> Fault | None:
    """A whole number from 0 to 999999, as number or text."""
    if isinstance(value, bool) or not isinstance(value, int | str):
        return codes.invalid_field("inventory", "required")
    if not str(value).isdecimal() or int(value) > STOCK_MAX:
        return codes.invalid_field("inventory", "range")
    return None


def _images_fault(payload: dict[str, Any], is_taken: Callable[[str], bool]) -> Fault | None:
    if not any(is_taken(address) for address in payload["image_url_list"]):
        return codes.NO_IMAGE
    return None


def dictionaries(value: Any) -> list[dict[str, Any]]:
    """The objects of a list; nothing for what is no list."""
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def country_prices_fault(configuration: Any, skus: dict[str, dict[str, Any]]) -> Fault | None:
    """Prices per country name SKUs of the product and keep to 70 % of their price."""
    if not configuration:
        return None
    field = "multi_country_price_configuration"
    if not isinstance(configuration, dict) or configuration.get("price_type") != "absolute":
        return codes.invalid_field(field, "options")
    countries = dictionaries(configuration.get("country_price_list"))
    if not countries:
        return codes.invalid_field(f"{field}.country_price_list")
    if any(country.get("ship_to_country") not in COUNTRY_PRICES for country in countries):
        return codes.invalid_field(f"{field}.ship_to_country", "options")
    prices = chain.from_iterable(
        dictionaries(country.get("sku_price_by_country_list")) for country in countries
    )
    return next(filter(None, (_country_price_fault(field, entry, skus) for entry in prices)), None)


def _country_price_fault(
    field: str, entry: dict[str, Any], skus: dict[str, dict[str, Any]]
) -> Fault | None:
    sku = skus.get(str(entry.get("sku_code")))
    if sku is None:
        return codes.invalid_field(f"{field}.sku_code", "exists")
    price, own = money(entry.get("price")), money(sku.get("price"))
    if price is None or own is None or Decimal(price) < LOWEST_COUNTRY_SHARE * Decimal(own):
        return codes.invalid_field(f"{field}.price", "lowest70Percent")
    return None
