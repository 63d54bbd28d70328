"""Methods on products."""

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from itertools import islice
from typing import Any

from sandbox import errors
from sandbox.clock import from_pacific, pacific
from sandbox.errors import Refusal
from sandbox.operations import Answer, Call, as_integer, operation
from sandbox.products.plain import schema_payload
from sandbox.products.shelf import STATUSES
from sandbox.products.state import Product, Sku
from sandbox.wire import Listed, json_text

BATCH_PRODUCTS_MAX = 20
BATCH_SKUS_MAX = 200
DELETE_MAX = 100
ON_SALE_MAX = 50
PAGE_MAX = 99


@operation("aliexpress.solution.schema.product.instance.post")
def post_by_schema(call: Call) -> Answer:
    """Create a product by schema."""
    payload = call.object("product_instance_request")
    return _result(call, lambda: call.world.shelf.create(call.seller_id, payload).id)


@operation("aliexpress.solution.schema.product.full.update")
def update_by_schema(call: Call) -> Answer:
    """Replace a product by schema."""
    payload = call.object("schema_full_update_request")
    identity = as_integer(payload.get("aliexpress_product_id"), "aliexpress_product_id")
    answer = _result(call, lambda: call.world.shelf.update(call.seller_id, identity, payload).id)
    if call.world.quirks.update_id_on_top and "product_id" in answer["result"]:
        return {"product_id": answer["result"]["product_id"]}
    return answer


@operation("aliexpress.solution.product.post")
def post_plainly(call: Call) -> Answer:
    """Create a product the plain way."""
    payload = schema_payload(call.object("post_product_request"), call.world.catalogue)
    return _result(call, lambda: call.world.shelf.create(call.seller_id, payload, is_plain=True).id)


def _result(call: Call, verb: Callable[[], int]) -> Answer:
    try:
        _refuse_by_fault(call)
        return {"result": {"product_id": verb(), "success": True}}
    except Refusal as refusal:
        return {"result": _failure(refusal)}


def _refuse_by_fault(call: Call) -> None:
    if fault := call.strike("business_error"):
        raise Refusal(fault.code, fault.message)


def _failure(refusal: Refusal) -> dict[str, Any]:
    return {
        "success": False,
        "error_code": refusal.code,
        "error_message": refusal.message,
    }


@operation("aliexpress.solution.batch.product.price.update")
def update_prices(call: Call) -> Answer:
    """Set prices of up to 20 products at once."""
    return _batch(call, call.world.shelf.set_prices)


@operation("aliexpress.solution.batch.product.inventory.update")
def update_stock(call: Call) -> Answer:
    """Set stock of up to 20 products at once."""
    return _batch(call, call.world.shelf.set_stock)


def _batch(call: Call, verb: Callable[[str, int, dict[str, Any]], None]) -> Answer:
    updates = call.json("mutiple_product_update_list")
    updates = [updates] if isinstance(updates, dict) else updates
    if not isinstance(updates, list) or not 1 <= len(updates) <= BATCH_PRODUCTS_MAX:
        raise errors.invalid_parameter(f"1 to {BATCH_PRODUCTS_MAX} products")
    for update in updates:
        skus = update.get("multiple_sku_update_list") if isinstance(update, dict) else None
        if not isinstance(skus, list) or not 1 <= len(skus) <= BATCH_SKUS_MAX:
            raise errors.invalid_parameter(f"1 to {BATCH_SKUS_MAX} SKUs of a product")
    done: list[dict[str, Any]] = []
    failed: list[dict[str, Any]] = []
    for update in updates:
        identity = as_integer(update.get("product_id"), "product_id")
        try:
            _refuse_by_fault(call)
            verb(call.seller_id, identity, update)
        except Refusal as refusal:
            failed.append(
                {
                    "product_id": identity,
                    "error_code": refusal.code,
                    "error_message": refusal.message,
                }
            )
        else:
            done.append({"product_id": identity})
    return {
        "update_success": not failed,
        "update_error_code": failed[0]["error_code"] if failed else "",
        "update_error_message": failed[0]["error_message"] if failed else "",
        "update_successful_list": Listed("synchronize_product_response_dto", done),
        "update_failed_list": Listed("synchronize_product_response_dto", failed),
    }


@operation("aliexpress.solution.batch.product.delete")
def delete_products(call: Call) -> Answer:
    """Delete up to 100 products; the answer is empty when all are gone.

    What is not there (any more) is left out, so that a repeat does no harm.
    """
    identities = _identities(call.text("product_ids"), ",", DELETE_MAX)
    missing = []
    for identity in identities:
        try:
            call.world.shelf.delete(call.seller_id, identity)
        except Refusal:
            missing.append(identity)
    if missing and len(missing) == len(identities):
        raise errors.invalid_parameter("product does not exist: " + ",".join(map(str, missing)))
    return {}


@operation("aliexpress.postproduct.redefining.offlineaeproduct")
def take_off_sale(call: Call) -> Answer:
    """Take products off sale."""
    return _put_on_sale(call, is_on=False)


@operation("aliexpress.postproduct.redefining.onlineaeproduct")
def put_on_sale(call: Call) -> Answer:
    """Put products on sale."""
    return _put_on_sale(call, is_on=True)


def _put_on_sale(call: Call, *, is_on: bool) -> Answer:
    changed = 0
    failure: Refusal | None = None
    for identity in _identities(call.text("product_ids"), ";", ON_SALE_MAX):
        try:
            call.world.shelf.put_on_sale(call.seller_id, identity, is_on)
            changed += 1
        except Refusal as refusal:
            failure = refusal
    if failure is not None and not changed:
        return {"result": _failure(failure) | {"modify_count": 0}}
    return {"result": {"success": True, "modify_count": changed}}


def _identities(text: str, separator: str, most: int) -> list[int]:
    """Ids of a list in a text; a JSON list of them is taken too."""
    parts = text.strip().strip("[]").replace('"', "").split(separator)
    identities = [as_integer(part.strip(), "product_ids") for part in parts if part.strip()]
    if not 1 <= len(identities) <= most:
        raise errors.invalid_parameter(f"1 to {most} product ids")
    return identities


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
    shop = call.world.shops.of(call.seller_id)
    if query.get("sku_code"):
        return shop.with_sku(str(query["sku_code"]))
    if query.get("product_id"):
        identity = as_integer(query["product_id"], "product_id")
        found = call.world.shops.find(call.seller_id, identity)
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
    product = call.world.shops.find(call.seller_id, call.integer("product_id"))
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
    attributes = call.world.catalogue.attributes
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
        attribute = call.world.catalogue.attributes.get(name)
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


@operation("aliexpress.postproduct.redefining.setgroups")
def set_groups(call: Call) -> Answer:
    """Put a product into groups."""
    product = call.world.shops.find(call.seller_id, call.integer("product_id"))
    known = {identity for identity, _ in call.seller.groups}
    groups = _identities(call.text("group_ids"), ",", 10)
    if product is None or not set(groups) <= known:
        raise errors.invalid_parameter("unknown product or group")
    product.group_ids = groups
    return {"result": {"success": True}}


@operation("aliexpress.photobank.redefining.uploadimageforsdk")
def upload_picture(call: Call) -> Answer:
    """Take a picture into the photo bank."""
    content = call.files.get("image_bytes") or call.parameters.get("image_bytes", "").encode()
    if not content:
        raise errors.missing_parameter("image_bytes")
    world = call.world
    photo = world.photos.store(
        call.seller_id, world.next_id("photo"), call.text("file_name"), content
    )
    world.ledger.record("image.upload", call.seller_id, address=photo.address)
    return {
        "result": {
            "photobank_url": photo.address,
            "file_name": photo.file_name,
            "photobank_used_size_byte": photo.size_bytes,
            "success": True,
        }
    }
