"""What products of a category need, as the sandbox says."""

from dataclasses import dataclass
from typing import Any

import msgspec

from aliexpress import products, shop
from aliexpress.client import Client
from aliexpress.operation import AccessToken
from common.contracts.product import AttributeValue

LEAF = "200000346"


@dataclass(frozen=True)
class Category:
    """What products of `LEAF` need."""

    attributes: dict[str, AttributeValue]
    colours: list[str]
    template: str


_known: dict[str, Category] = {}
"""By the sandbox's address: each test would be given the same."""


async def learn_category(client: Client, token: AccessToken, sandbox_url: str) -> Category:
    """What this sandbox asks of products, and a freight template of the seller's."""
    if sandbox_url not in _known:
        schema = await products.load_product_schema(client, token, LEAF)
        fields = msgspec.json.decode(schema)["properties"]
        asked = fields["category_attributes"]
        colours = fields["sku_info_list"]["items"]["properties"]["sku_attributes"]["properties"]
        [template, *_] = await shop.list_freight_templates(client, token)
        _known[sandbox_url] = Category(
            {name: _first_value(asked["properties"][name]) for name in asked["required"]},
            _choices(colours["Color"]["properties"]["value"]),
            template.template_id,
        )
    return _known[sandbox_url]


def _choices(schema: dict[str, Any]) -> list[str]:
    return [option["const"] for option in (schema.get("oneOf") or schema["items"]["oneOf"])]


def _first_value(attribute: dict[str, Any]) -> AttributeValue:
    value = attribute["properties"]["value"]
    first = _choices(value)[0]
    return AttributeValue([first] if value["type"] == "array" else first)
