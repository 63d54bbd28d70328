"""A product's content in the form that a leaf's schema describes, to be checked by it. Pure."""

from typing import Any

from common.contracts.product import AttributeValue, Content, ContentSku


def payload_of(content: Content) -> dict[str, Any]:
    """The content as the schema describes it; the offer side has rules of its own and is filled
    with stand-ins here."""
    optional = {
        "product_group_id": content.product_group_id,
        "size_chart_id": content.size_chart_id,
        "user_defined_attribute_list": [
            {"attribute_name": name, "attribute_value": value}
            for name, value in content.user_defined_attributes
        ]
        or None,
    }
    return {
        "category_id": int(content.category_id),
        "title_multi_language_list": [
            {"locale": text.locale, "title": text.text} for text in content.titles
        ],
        "description_multi_language_list": [
            {
                "locale": text.locale,
                "module_list": [{"type": "html", "html": {"content": text.text}}],
            }
            for text in content.descriptions
        ],
        "locale": content.main_locale,
        "product_units_type": content.product_units_type,
        "image_url_list": content.image_urls,
        "category_attributes": {
            name: _attribute(value) for name, value in content.category_attributes.items()
        },
        "sku_info_list": [_sku(sku) for sku in content.skus],
        "inventory_deduction_strategy": content.inventory_deduction_strategy,
        "package_weight": float(content.package_weight_kg),
        "package_length": content.package_length_cm,
        "package_width": content.package_width_cm,
        "package_height": content.package_height_cm,
        "shipping_preparation_time": content.shipping_preparation_days,
        "shipping_template_id": content.shipping_template_id,
        "service_template_id": content.service_template_id,
        **{name: value for name, value in optional.items() if value is not None},
    }


def _attribute(value: AttributeValue) -> dict[str, Any]:
    fields = {
        "value": value.value,
        "customValue": value.custom_value,
        "alias": value.alias,
        "sku_image_url": value.image_url,
    }
    return {name: field for name, field in fields.items() if field is not None}


def _sku(sku: ContentSku) -> dict[str, Any]:
    return {
        "sku_code": sku.sku_code,
        "inventory": 1,
        "price": 1,
        "sku_attributes": {name: _attribute(value) for name, value in sku.attributes.items()},
        **({"ean_code": sku.ean_code} if sku.ean_code else {}),
    }
