"""Families and a feed to normalize them with, on a schema with the quirks of real ones."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import msgspec

from catalog_service.categories.schema import CategorySchema
from catalog_service.feeds.compile import CompiledFeed, compile_feed
from catalog_service.feeds.configuration import FeedConfiguration
from catalog_service.normalizing.normalize import (
    Normalized,
    SchemaRefused,
    Standing,
    Waiting,
    normalize,
)
from catalog_service.normalizing.variations import Member
from catalog_service.photo_bank.photo import Photo


def choice(**titles: str) -> dict[str, Any]:
    one_of = [{"const": const.lstrip("_"), "title": title} for const, title in titles.items()]
    return {"type": "string", "oneOf": one_of}


def attribute(value: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"type": "object", "required": ["value"], "properties": {"value": value}} | more


OTHER = {
    "type": "object",
    "required": ["value"],
    "properties": {"value": choice(_7="Casual", _4="Other"), "customValue": {"type": "string"}},
    "if": {"properties": {"value": {"const": 4}}},
    "then": {"required": ["customValue"]},
}
SCHEMA: dict[str, Any] = {
    "$schema": "http://json-schema.org/draft-07/schema#",
    "type": "object",
    "required": ["category_attributes", "shipping_template_id", "image_url_list"],
    "properties": {
        "category_id": {"type": "integer", "const": 5},
        "title_multi_language_list": {
            "items": {"properties": {"title": {"type": "string", "maxLength": 218}}}
        },
        "locale": choice(en_US="English", es_ES="Spanish"),
        "product_units_type": choice(_100000015="piece/pieces"),
        "image_url_list": {"type": "array", "minItems": 1, "maxItems": 6, "uniqueItems": True},
        "category_attributes": {
            "type": "object",
            "required": ["Brand Name", "Material"],
            "properties": {
                "Brand Name": attribute(choice(_201512802="NONE")),
                "Material": attribute(
                    {
                        "type": "array",
                        "uniqueItems": True,
                        "items": choice(_47="Cotton", _48="Wool"),
                    }
                ),
                "Style": OTHER,
                "Model": attribute({"type": "string", "maxLength": 5}),
            },
        },
        "sku_info_list": {
            "items": {
                "properties": {
                    "sku_attributes": {
                        "properties": {
                            "Size": attribute(choice(_1="S", _2="M", _3="L")),
                            "Color": attribute(choice(_10="Red", _11="Blue")),
                        }
                    }
                }
            }
        },
        "shipping_template_id": choice(_77="free shipping"),
        "service_template_id": choice(_0="default"),
        "product_group_id": {"type": "string", "oneOf": []},
    },
}


@dataclass
class StaticLookups:
    body: dict[str, Any] = field(default_factory=lambda: SCHEMA)
    images: dict[str, str] = field(default_factory=dict)
    shop_currency: str | None = None
    photos: dict[str, Photo] = field(default_factory=dict)

    def schema(self, category_id: str) -> CategorySchema | SchemaRefused | None:
        if category_id == "6":
            return SchemaRefused("not a leaf")
        if category_id == "7":
            return None
        return CategorySchema(category_id, msgspec.json.encode(self.body).decode())

    def currency(self) -> str | None:
        return self.shop_currency

    def image(self, url: str) -> str | None:
        return self.images.get(url, "")

    def photo(self, url: str) -> Photo | None:
        return self.photos.get(url, Photo())


class NothingKnown(StaticLookups):
    def image(self, _url: str) -> str | None:
        return None


def feed(**changes: Any) -> CompiledFeed:
    attributes = changes.pop("attributes", {})
    base: dict[str, Any] = {
        "shop": "s",
        "catalogue": "c",
        "main_locale": "en_US",
        "currency": "USD",
        "category": {
            "source": {"field": "category"},
            "exact": {"Shirts": "5", "Closed": "6", "New": "7"},
        },
        "languages": {
            "en_US": {"title": {"field": "title"}, "description": {"field": "description"}},
            "es_ES": {"title": {"field": "titulo"}, "description": {"field": "descripcion"}},
        },
        "attributes": {
            "sku_code": {"field": "product_id"},
            "price": {"field": "price"},
            "discount_price": {"field": "sale"},
            "inventory": {"field": "stock"},
            "image_url_list": {"field": "images", "separator": "|"},
            "product_units_type": {"constant": "piece/pieces"},
            "inventory_deduction_strategy": {"constant": "by orders"},
            "package_weight": {"field": "weight", "default": 500},
            "package_length": {"constant": 255},
            "package_width": {"constant": 100},
            "package_height": {"constant": 1},
            "shipping_preparation_time": {"constant": 3},
            "shipping_template_id": {"constant": "free shipping"},
        }
        | attributes,
        "units": {"weight": "g", "length": "mm"},
        "category_attributes": {
            "Brand Name": {"field": "brand", "default": "NONE"},
            "Material": {"field": "material", "separator": ","},
            "Style": {"field": "style", "unknown": "other"},
            "Model": {"field": "model"},
        },
        "sku_attributes": {
            "Size": {"field": "size"},
            "Color": {"field": "color", "unknown": "alias"},
        },
        "country_prices": {"ES": {"price": {"field": "price_es"}}},
    }
    return compile_feed("m", "f", 1, FeedConfiguration.model_validate(base | changes))


FIELDS = {
    "title": "Shirt",
    "description": "A shirt",
    "category": "Shirts",
    "price": "10",
    "stock": "5",
    "images": "https://p.example/1.jpg|https://p.example/2.jpg",
    "material": "cotton, Wool",
}


def member(product_id: str, parent: str | None = None, **more: Any) -> Member:
    return Member(product_id, parent, {**FIELDS, **more})


NOW = datetime(2026, 11, 26, 12, tzinfo=UTC)
NEW = Standing()


def normalized(
    compiled: CompiledFeed,
    *members: Member,
    lookups: StaticLookups | None = None,
    family: str | None = None,
    at: datetime = NOW,
    standing: Standing = NEW,
) -> Normalized | Waiting:
    """The family of these members: the one named, or the first that is named as a parent."""
    if family is None:
        family = next((m.parent_id for m in members if m.parent_id), members[0].product_id)
    return normalize(
        compiled, family, members, lookups or StaticLookups(), at=at, standing=standing
    )


def evaluated(
    *members: Member,
    lookups: StaticLookups | None = None,
    family: str | None = None,
    at: datetime = NOW,
    standing: Standing = NEW,
    **changes: Any,
) -> Normalized:
    result = normalized(
        feed(**changes), *members, lookups=lookups, family=family, at=at, standing=standing
    )
    assert isinstance(result, Normalized), result
    return result


def errors(result: Normalized) -> list[tuple[str, str]]:
    return [(i.rule, i.field) for i in result.issues if i.severity == "error"]
