"""The product as AliExpress's schema way takes it (reference 4.2). The only place that knows: what
is previewed is what is sent (M6.1).

Pure; numbers are `Decimal` or int, never float.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Protocol

import msgspec

from aliexpress.offers import CountryPrices, SkuPrice, country_on_the_wire
from common.contracts.product import (
    AttributeValue,
    Content,
    ContentSku,
    CountryPrice,
    ProductNormalized,
)


class SkuOffer(Protocol):
    """A SKU's price and stock, as a payload carries them; amounts are decimal texts."""

    @property
    def price(self) -> str | None:
        """The price; left out of the payload where it is None."""

    @property
    def discount_price(self) -> str | None:
        """The discounted price, if there is one."""

    @property
    def inventory(self) -> int | None:
        """The stock; 0 goes where it is None."""

    @property
    def country_prices(self) -> Sequence[CountryPrice]:
        """The prices of single countries."""


class DesiredOffer(msgspec.Struct, frozen=True):
    """What an event wants of a SKU whose price is valid."""

    price: str
    discount_price: str | None = None
    inventory: int | None = None
    country_prices: tuple[CountryPrice, ...] = ()


def creation_payload(desired: ProductNormalized) -> dict[str, object] | None:
    """The payload that creates the product; None while it cannot be created: without valid content,
    or while the price or the stock of a SKU has an issue."""
    parts = (desired.content_part, desired.offers_part, desired.stock_part)
    if desired.content is None or any(part is not None and not part.is_valid for part in parts):
        return None
    known = _offers(desired)
    codes = [sku.sku_code for sku in desired.content.skus]
    if any(code not in known for code in codes):
        return None
    return product_payload(desired.content, {code: known[code] for code in codes})


def desired_stock(desired: ProductNormalized) -> dict[str, int]:
    """The stock by SKU code; a SKU whose stock is unmanaged or invalid is not in it.

    Both forms of the event are read: the first one has no `stock` of its own, its offers say it.
    """
    if desired.stock is not None:
        return {sku.sku_code: sku.inventory for sku in desired.stock}
    return {
        offer.sku_code: offer.inventory
        for offer in desired.offers or ()
        if offer.inventory is not None
    }


def _offers(desired: ProductNormalized) -> dict[str, DesiredOffer]:
    stock = desired_stock(desired)
    return {
        offer.sku_code: DesiredOffer(
            price=offer.price,
            discount_price=offer.discount_price,
            inventory=stock.get(offer.sku_code),
            country_prices=tuple(offer.country_prices),
        )
        for offer in desired.offers or ()
    }


def product_payload(
    content: Content,
    offers: Mapping[str, SkuOffer],
    kept_countries: Sequence[CountryPrices] = (),
) -> dict[str, object]:
    """The whole payload of a creation or full update.

    `offers` has every SKU's price and stock. An update carries `kept_countries`, the country
    prices the shop has now, back instead of those of the offers: what is managed there stays
    (M1.7), and ours go with the price call.
    """
    payload: dict[str, object] = {
        "title_multi_language_list": [
            {"locale": title.locale, "title": title.text} for title in content.titles
        ],
        "description_multi_language_list": [
            {
                "locale": description.locale,
                "module_list": [{"type": "html", "html": {"content": description.text}}],
            }
            for description in content.descriptions
        ],
        "locale": content.main_locale,
        "product_units_type": content.product_units_type,
        "category_id": int(content.category_id),
        "image_url_list": content.image_urls,
        "category_attributes": {
            name: _category_attribute(value) for name, value in content.category_attributes.items()
        },
        "sku_info_list": [_sku(sku, offers[sku.sku_code]) for sku in content.skus],
        "inventory_deduction_strategy": content.inventory_deduction_strategy,
        "package_weight": Decimal(content.package_weight_kg),
        "package_length": content.package_length_cm,
        "package_height": content.package_height_cm,
        "package_width": content.package_width_cm,
        "shipping_preparation_time": content.shipping_preparation_days,
        "shipping_template_id": content.shipping_template_id,
        "service_template_id": content.service_template_id,
    }
    if content.product_group_id is not None:
        payload["product_group_id"] = content.product_group_id
    if content.size_chart_id is not None:
        payload["size_chart_id"] = content.size_chart_id
    if content.user_defined_attributes:
        payload["user_defined_attribute_list"] = [
            {"attribute_name": name, "attribute_value": value}
            for name, value in content.user_defined_attributes
        ]
    if countries := kept_countries or country_prices(offers):
        payload["multi_country_price_configuration"] = _country_configuration(countries)
    return payload


def country_prices(offers: Mapping[str, SkuOffer]) -> tuple[CountryPrices, ...]:
    """The SKUs' country prices, by country, as the price call takes them."""
    by_country: dict[str, list[SkuPrice]] = defaultdict(list)
    for code, offer in offers.items():
        for price in offer.country_prices:
            by_country[price.country].append(SkuPrice(code, price.price, price.discount_price))
    return tuple(
        CountryPrices(country, tuple(skus)) for country, skus in sorted(by_country.items())
    )


def kept_country_prices(
    shop: Sequence[CountryPrices], sku_codes: Sequence[str]
) -> tuple[CountryPrices, ...]:
    """The shop's country prices without SKUs that are leaving the product."""
    staying = set(sku_codes)
    kept = (
        CountryPrices(prices.country, tuple(s for s in prices.skus if s.sku_code in staying))
        for prices in shop
    )
    return tuple(prices for prices in kept if prices.skus)


def _category_attribute(chosen: AttributeValue) -> dict[str, object]:
    attribute: dict[str, object] = {"value": chosen.value}
    if chosen.custom_value is not None:
        attribute["customValue"] = chosen.custom_value
    return attribute


def _sku(sku: ContentSku, offer: SkuOffer) -> dict[str, object]:
    entry: dict[str, object] = {"sku_code": sku.sku_code, "inventory": offer.inventory or 0}
    if offer.price is not None:
        entry["price"] = Decimal(offer.price)
    if offer.discount_price is not None:
        entry["discount_price"] = Decimal(offer.discount_price)
    if sku.ean_code is not None:
        entry["ean_code"] = sku.ean_code
    if sku.attributes:
        entry["sku_attributes"] = {
            name: _sku_attribute(value) for name, value in sku.attributes.items()
        }
    return entry


def _sku_attribute(chosen: AttributeValue) -> dict[str, object]:
    attribute = _category_attribute(chosen)
    if chosen.alias is not None:
        attribute["alias"] = chosen.alias
    if chosen.image_url is not None:
        attribute["sku_image_url"] = chosen.image_url
    return attribute


def _country_configuration(countries: Sequence[CountryPrices]) -> dict[str, object]:
    return {
        "price_type": "absolute",
        "country_price_list": [
            {
                "ship_to_country": country_on_the_wire(prices.country),
                "sku_price_by_country_list": [_country_price(sku) for sku in prices.skus],
            }
            for prices in countries
        ],
    }


def _country_price(sku: SkuPrice) -> dict[str, object]:
    entry: dict[str, object] = {"sku_code": sku.sku_code, "price": Decimal(sku.price)}
    if sku.discount_price is not None:
        entry["discount_price"] = Decimal(sku.discount_price)
    return entry
