"""Methods that read products: the list and one in full."""

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from itertools import islice
from typing import Any

from sandbox import errors
from sandbox.clock import from_pacific, pacific
from sandbox.methods.registry import Answer, Call, as_integer, operation
from sandbox.products.service import STATUSES
from sandbox.products.shops import Product, Sku
from sandbox.wire import Listed, json_text

PAGE_MAX = 99


@operation("aliexpress.solution.product.list.get")
def list_products(call: Call) -> Answer:
    """One page of the seller's products of one status."""
    query = call.object("aeop_a_e_product_list_query")
    status = query.get("product_status_type")
    if status not in STATUSES:
        raise errors.missing_parameter("product_status_type")
    size = as_integer(query.get("page_size") or 20, "page_size")
    if not 1 <= size <= PAGE_MAX:
        raise errors.invalid_parameter("page_size must be below 100")
    asked = as_integer(query.get("current_page") or 1, "current_page")
    page = call.page(asked)
    found = [product for product in _candidates(call, query) if product.status == status]
    for is_wanted in _filters(query):
        found = [product for product in found if is_wanted(product)]
    shown = islice(reversed(found), (page - 1) * size, page * size)
    return {
        "result": {
            "aeop_a_e_product_display_d_t_o_list": Listed(
                "item_display_dto", [_display(product, call) for product in shown]
            ),
            "product_count": len(found),
            "total_page": -(-len(found) // size),
            "current_page": asked,
            "success": True,
        }
    }


def _candidates(call: Call, query: dict[str, Any]) -> Iterable[Product]:
    """Products by the best index the query allows, oldest first."""
    shop = call.state.shops.of(call.seller_id)
    if query.get("sku_code"):
        return shop.with_sku(str(query["sku_code"]))
    if query.get("product_id"):
        identity = as_integer(query["product_id"], "product_id")
        found = call.state.shops.find(call.seller_id, identity)
        return [found] if found else []
    start, end = _moment(query, "gmt_modified_start"), _moment(query, "gmt_modified_end")
    if start or end:
        return shop.changed_between(start, end)
    return shop.products.values()


def _filters(query: dict[str, Any]) -> Iterator[Callable[[Product], bool]]:
    """What else a product must meet; nothing for a filter that was not sent."""
    if start := _moment(query, "gmt_create_start"):
        yield lambda product: product.created_at >= start
    if end := _moment(query, "gmt_create_end"):
        yield lambda product: product.created_at <= end
    if subject := str(query.get("subject") or "").casefold():
        yield lambda product: subject in product.title.casefold()
    listed = query.get("excepted_product_ids") or []
    if not isinstance(listed, list):
        raise errors.invalid_parameter("excepted_product_ids is not a list")
    if excepted := {as_integer(one, "excepted_product_ids") for one in listed}:
        yield lambda product: product.id not in excepted
    if query.get("group_id"):
        group = as_integer(query["group_id"], "group_id")
        yield lambda product: group in product.group_ids


def _moment(query: dict[str, Any], name: str) -> datetime | None:
    text = query.get(name)
    if not text:
        return None
    try:
        return from_pacific(str(text))
    except ValueError as error:
        raise errors.invalid_parameter(f"{name} is not yyyy-MM-dd HH:mm:ss") from error


def _display(product: Product, call: Call) -> dict[str, Any]:
    prices = [sku.selling_price for sku in product.skus.values()]
    return {
        "product_id": product.id,
        "subject": product.title,
        "product_min_price": f"{min(prices):.2f}",
        "product_max_price": f"{max(prices):.2f}",
        "currency_code": call.seller.currency,
        "gmt_create": pacific(product.created_at),
        "gmt_modified": pacific(product.modified_at),
        "image_u_r_ls": ";".join(product.images),
        "owner_member_id": call.seller.login_id,
        "ws_display": product.offline_reason or "expire_offline",
        "freight_template_id": int(product.content["shipping_template_id"]),
        "group_id": product.group_ids[0] if product.group_ids else None,
    }


@operation("aliexpress.solution.product.info.get")
def product_info(call: Call) -> Answer:
    """One product in full."""
    product = call.state.shops.find(call.seller_id, call.integer("product_id"))
    if product is None:
        return {
            "result": {
                "error_code": "F00-10-10000-002",
                "error_message": "The product does not exist",
            }
        }
    content = product.content
    return {
        "result": {
            "product_id": product.id,
            "subject": product.title,
            "category_id": product.category_id,
            "product_status_type": product.status,
            "ws_display": product.offline_reason,
            "product_unit": int(content["product_units_type"]),
            "reduce_strategy": content["inventory_deduction_strategy"],
            "delivery_time": content["shipping_preparation_time"],
            "freight_template_id": int(content["shipping_template_id"]),
            "promise_template_id": int(content["service_template_id"]),
            "sizechart_id": content.get("size_chart_id"),
            "group_ids": Listed("number", list(product.group_ids)),
            "gross_weight": str(content["package_weight"]),
            "package_length": content["package_length"],
            "package_width": content["package_width"],
            "package_height": content["package_height"],
            "image_u_r_ls": ";".join(product.images),
            "language": product.locale,
            "aeop_ae_product_s_k_us": Listed(
                "global_aeop_ae_product_sku",
                [_sku(sku, call) for sku in product.skus.values()],
            ),
            "aeop_ae_product_propertys": Listed(
                "global_aeop_ae_product_property", list(_properties(product, call))
            ),
            "multi_language_subject_list": Listed(
                "global_subject",
                [
                    {"language": entry["locale"], "subject": entry["title"]}
                    for entry in content["title_multi_language_list"]
                ],
            ),
            "multi_language_description_list": Listed(
                "global_description",
                [
                    {"language": entry["locale"], "web_detail": _web_detail(entry)}
                    for entry in content["description_multi_language_list"]
                ],
            ),
            "multi_country_price_configuration": product.country_prices,
            "gmt_create": pacific(product.created_at),
            "gmt_modified": pacific(product.modified_at),
            "success": True,
        }
    }


def _sku(sku: Sku, call: Call) -> dict[str, Any]:
    attributes = call.state.catalogue.attributes
    properties = [
        {
            "sku_property_id": attributes[name].id,
            "sku_property_name": name,
            "property_value_id": as_integer(value["value"], "value"),
            "sku_property_value": attributes[name].value_named(value["value"]),
            "property_value_definition_name": value.get("alias"),
            "sku_image": value.get("sku_image_url"),
        }
        for name, value in sku.attributes.items()
    ]
    return {
        "id": ";".join(f"{p['sku_property_id']}:{p['property_value_id']}" for p in properties)
        or "<none>",
        "sku_code": sku.code,
        "sku_price": sku.price,
        "sku_discount_price": sku.discount_price,
        "ipm_sku_stock": sku.inventory,
        "sku_stock": sku.inventory > 0,
        "currency_code": call.seller.currency,
        "barcode": sku.ean_code or None,
        "aeop_s_k_u_property_list": Listed("global_aeop_sku_property", properties),
    }


def _properties(product: Product, call: Call) -> Iterator[dict[str, Any]]:
    for name, entry in (product.content.get("category_attributes") or {}).items():
        attribute = call.state.catalogue.attributes.get(name)
        values = entry["value"] if isinstance(entry["value"], list) else [entry["value"]]
        for value in values:
            is_id = str(value).isdecimal() and attribute is not None and attribute.kind != "text"
            yield {
                "attr_name_id": attribute.id if attribute else None,
                "attr_name": name,
                "attr_value_id": int(value) if is_id else -1,
                "attr_value": entry.get("customValue")
                or (attribute.value_named(str(value)) if attribute and is_id else str(value)),
            }
    for pair in product.content.get("user_defined_attribute_list") or ():
        yield {"attr_name": pair["attribute_name"], "attr_value": pair["attribute_value"]}


def _web_detail(entry: dict[str, Any]) -> str:
    return json_text({"version": "2.0.0", "moduleList": entry["module_list"]})
