"""Methods that change products."""

from collections.abc import Callable
from typing import Any

from sandbox import errors
from sandbox.clock import pacific
from sandbox.errors import Refusal
from sandbox.methods.registry import Answer, Call, as_integer, operation
from sandbox.pictures import measure
from sandbox.products import codes
from sandbox.products.unschemed import edited_payload, posted_payload
from sandbox.wire import Listed, known

BATCH_PRODUCTS_MAX = 20
BATCH_SKUS_MAX = 200
DELETE_MAX = 100
ON_SALE_MAX = 50
GROUPS_MAX = 10
MEGABYTE = 1024 * 1024


@operation("aliexpress.solution.schema.product.instance.post")
def post_by_schema(call: Call) -> Answer:
    """Create a product by schema."""
    payload = call.object("product_instance_request")
    return _result(call, lambda: call.state.products.create(call.seller_id, payload).id)


@operation("aliexpress.solution.schema.product.full.update")
def update_by_schema(call: Call) -> Answer:
    """Replace a product by schema."""
    payload = call.object("schema_full_update_request")
    identity = as_integer(payload.get("aliexpress_product_id"), "aliexpress_product_id")
    answer = _result(call, lambda: call.state.products.update(call.seller_id, identity, payload).id)
    is_on_top = call.state.quirks.update_id_on_top and "product_id" in answer["result"]
    return answer["result"] if is_on_top else answer


@operation("aliexpress.solution.product.post")
def post_unschemed(call: Call) -> Answer:
    """Create a product without a schema."""
    payload = posted_payload(call.object("post_product_request"), call.state.catalogue)
    return _result(
        call, lambda: call.state.products.create(call.seller_id, payload, is_unschemed=True).id
    )


@operation("aliexpress.solution.product.edit")
def edit_unschemed(call: Call) -> Answer:
    """Change the fields of a product that are sent; its SKUs, if sent, are all replaced."""
    posted = call.object("edit_product_request")
    identity = as_integer(posted.get("product_id"), "product_id")
    catalogue = call.state.catalogue

    def edit() -> int:
        product = call.state.products.editable(call.seller_id, identity)
        payload = edited_payload(posted, product, catalogue)
        return call.state.products.update(call.seller_id, identity, payload).id

    return _result(call, edit)


def _result(call: Call, verb: Callable[[], int]) -> Answer:
    try:
        _refuse_by_fault(call)
        return {"result": {"product_id": verb()}}
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
    return _batch(call, call.state.products.set_prices)


@operation("aliexpress.solution.batch.product.inventory.update")
def update_stock(call: Call) -> Answer:
    """Set stock of up to 20 products at once."""
    return _batch(call, call.state.products.set_stock)


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
    identities = _identities(call, "product_ids", DELETE_MAX)
    missing = []
    for identity in identities:
        try:
            call.state.products.delete(call.seller_id, identity)
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
    failures: list[dict[str, Any]] = []
    for identity in _identities(call, "product_ids", ON_SALE_MAX):
        try:
            call.state.products.put_on_sale(call.seller_id, identity, is_on)
            changed += 1
        except Refusal as refusal:
            failures.append(
                {
                    "error_code": refusal.code,
                    "error_message": refusal.message,
                    "product_ids": Listed("number", [identity]),
                }
            )
    result: dict[str, Any] = {"success": changed > 0, "modify_count": changed}
    if failures:
        result["error_details"] = Listed("error_detail", failures)
        result["error_message"] = failures[-1]["error_message"]
    return {"result": result}


def _identities(call: Call, name: str, most: int) -> list[int]:
    identities = [as_integer(one, name) for one in call.listed(name)]
    if not 1 <= len(identities) <= most:
        raise errors.invalid_parameter(f"1 to {most} ids in {name}")
    return identities


@operation("aliexpress.postproduct.redefining.setgroups")
def set_groups(call: Call) -> Answer:
    """Put a product into groups."""
    product = call.state.shops.find(call.seller_id, call.integer("product_id"))
    known = {identity for identity, _ in call.seller.all_groups}
    groups = _identities(call, "group_ids", GROUPS_MAX)
    if product is None or not set(groups) <= known:
        raise errors.invalid_parameter("unknown product or group")
    product.group_ids = groups
    now = pacific(call.state.clock.now())
    return {"result": {"success": True, "target_list": Listed("number", groups), "time_stamp": now}}


@operation("aliexpress.photobank.redefining.uploadimageforsdk")
def upload_picture(call: Call) -> Answer:
    """Take a picture into the photo bank."""
    content = call.files.get("image_bytes") or call.parameters.get("image_bytes", "").encode()
    if not content:
        raise errors.missing_parameter("image_bytes")
    state = call.state
    room = state.settings.photo_bank_megabytes * MEGABYTE - state.photos.used_bytes(call.seller_id)
    if len(content) > room or state.quirks.full_photo_bank:
        state.ledger.record("image.upload", call.seller_id, refused=codes.PHOTO_BANK_FULL)
        code, message = codes.PHOTO_BANK_FULL
        return {"result": known(is_success=False, error_code=code, error_message=message)}
    photo = state.photos.store(
        call.seller_id, state.next_id("photo"), call.text("file_name"), content
    )
    state.ledger.record("image.upload", call.seller_id, address=photo.address)
    size = measure(content)
    return {
        "result": known(
            is_success=True,
            status="SUCCESS",
            photobank_url=photo.address,
            file_name=photo.file_name,
            photobank_used_size=f"{state.photos.used_bytes(call.seller_id) / MEGABYTE:.2f}",
            photobank_total_size=f"{state.settings.photo_bank_megabytes:.2f}",
            width=size[0] if size else None,
            height=size[1] if size else None,
        )
    }
