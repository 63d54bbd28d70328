"""Methods that read products: the list and one in full."""

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime, timedelta
from typing import Any

from sandbox import errors
from sandbox.catalogue import Attribute
from sandbox.clock import from_pacific, pacific
from sandbox.methods.registry import Answer, Call, as_integer, as_list, operation
from sandbox.products.rules import dictionaries
from sandbox.products.service import STATUSES
from sandbox.products.shops import Product, Sku, money
from sandbox.wire import Listed, json_text, known

PAGE_MAX = 99
ON_SALE_FOR = timedelta(days=180)


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
    shown = found[::-1][(page - 1) * size : page * size]
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
    listed = as_list(query.get("excepted_product_ids"), "excepted_product_ids")
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
    return known(
        product_id=product.id,
        subject=product.title,
        product_min_price=f"{min(prices):.2f}",
        product_max_price=f"{max(prices):.2f}",
        currency_code=call.seller.currency,
        gmt_create=pacific(product.created_at),
        gmt_modified=pacific(product.modified_at),
        image_u_r_ls=";".join(product.images),
        owner_member_id=call.seller.login_id,
        owner_member_seq=call.seller.member_number,
        src="isv",
        ws_display=product.offline_reason or "expire_offline",
        ws_offline_date=pacific(_offline_at(product)),
        freight_template_id=int(product.content["shipping_template_id"]),
        group_id=product.group_ids[0] if product.group_ids else None,
    )


def _offline_at(product: Product) -> datetime:
    """When a product leaves the sale by itself."""
    return product.modified_at + ON_SALE_FOR


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
    return {"result": ProductWriter(product, call).write()}


class ProductWriter:
    """Writes one product in full."""

    def __init__(self, product: Product, call: Call) -> None:
        self._product = product
        self._seller = call.seller
        self._attributes = call.state.catalogue.attributes
        self._has_quoted_ids = call.state.quirks.quoted_sku_ids

    def write(self) -> dict[str, Any]:
        """`result` of the answer."""
        product, content, seller = self._product, self._product.content, self._seller
        chart = content.get("size_chart_id")
        descriptions = content["description_multi_language_list"]
        return known(
            product_id=product.id,
            product_status_type=product.status,
            category_id=product.category_id,
            subject=product.title,
            detail=_html(descriptions[0]),
            currency_code=seller.currency,
            product_price=f"{min(sku.selling_price for sku in product.skus.values()):.2f}",
            product_unit=int(content["product_units_type"]),
            reduce_strategy=content["inventory_deduction_strategy"],
            delivery_time=content["shipping_preparation_time"],
            freight_template_id=int(content["shipping_template_id"]),
            promise_template_id=int(content["service_template_id"]),
            sizechart_id=int(chart) if chart else None,
            group_id=product.group_ids[0] if product.group_ids else None,
            group_ids=Listed("number", list(product.group_ids)),
            gross_weight=str(content["package_weight"]),
            package_length=content["package_length"],
            package_width=content["package_width"],
            package_height=content["package_height"],
            package_type=False,
            is_pack_sell=False,
            lot_num=1,
            image_u_r_ls=";".join(product.images),
            owner_member_id=seller.login_id,
            owner_member_seq=seller.member_number,
            gmt_create=pacific(product.created_at),
            gmt_modified=pacific(product.modified_at),
            ws_offline_date=pacific(_offline_at(product)),
            aeop_ae_product_s_k_us=Listed(
                "global_aeop_ae_product_sku", [self._sku(sku) for sku in product.skus.values()]
            ),
            aeop_ae_product_propertys=Listed(
                "global_aeop_ae_product_property", list(self._properties())
            ),
            multi_language_subject_list=Listed(
                "global_subject",
                [
                    {"locale": entry["locale"], "subject": entry["title"]}
                    for entry in content["title_multi_language_list"]
                ],
            ),
            multi_language_description_list=Listed(
                "global_description", [_description(entry) for entry in descriptions]
            ),
            multi_country_price_configuration=_country_prices(product.country_prices),
        )

    def _sku(self, sku: Sku) -> dict[str, Any]:
        return known(
            id=self._sku_id(sku),
            sku_code=sku.code,
            sku_price=sku.price,
            sku_discount_price=sku.discount_price,
            ipm_sku_stock=sku.inventory,
            sku_stock=sku.inventory > 0,
            currency_code=self._seller.currency,
            ean_code=sku.ean_code or None,
            aeop_s_k_u_property_list=Listed(
                "global_aeop_sku_property",
                [
                    known(
                        sku_property_id=self._attributes[name].id,
                        property_value_id=as_integer(value["value"], "value"),
                        property_value_definition_name=value.get("alias"),
                        sku_image=value.get("sku_image_url"),
                    )
                    for name, value in sku.attributes.items()
                ],
            ),
        )

    def _sku_id(self, sku: Sku) -> str:
        """Attribute ids and value ids; an own text makes a value another."""
        if not sku.attributes:
            return "<none>"
        identity = ";".join(
            f"{self._attributes[name].id}:{value['value']}"
            + (f"#{value['alias']}" if value.get("alias") else "")
            for name, value in sku.attributes.items()
        )
        return f'"{identity}"' if self._has_quoted_ids else identity

    def _properties(self) -> Iterator[dict[str, Any]]:
        content = self._product.content
        for name, entry in (content.get("category_attributes") or {}).items():
            attribute = self._attributes.get(name)
            values = entry["value"] if isinstance(entry["value"], list) else [entry["value"]]
            for value in values:
                yield _property(name, attribute, str(value), entry.get("customValue"))
        for pair in content.get("user_defined_attribute_list") or ():
            yield {"attr_name": pair["attribute_name"], "attr_value": pair["attribute_value"]}


def _property(
    name: str, attribute: Attribute | None, value: str, custom: str | None
) -> dict[str, Any]:
    is_choice = attribute is not None and attribute.kind != "text" and value.isdecimal()
    shown = attribute.value_named(value) if attribute and is_choice else value
    return known(
        attr_name_id=attribute.id if attribute else None,
        attr_name=name,
        attr_value_id=int(value) if is_choice else None,
        attr_value=custom or shown,
    )


def _description(entry: dict[str, Any]) -> dict[str, Any]:
    detail = json_text({"version": "2.0.0", "moduleList": entry["module_list"]})
    return {"locale": entry["locale"], "web_detail": detail, "mobile_detail": detail}


def _html(entry: dict[str, Any]) -> str:
    return "".join(module["html"]["content"] for module in entry["module_list"])


def _country_prices(configuration: dict[str, Any] | None) -> dict[str, Any] | None:
    if not configuration:
        return None
    countries = [
        {
            "ship_to_country": country["ship_to_country"],
            "sku_price_by_country_list": Listed(
                "single_sku_price_by_country_dto",
                [
                    known(
                        sku_code=str(entry["sku_code"]),
                        price=money(entry["price"]),
                        discount_price=money(entry.get("discount_price")),
                    )
                    for entry in dictionaries(country.get("sku_price_by_country_list"))
                ],
            ),
        }
        for country in dictionaries(configuration.get("country_price_list"))
    ]
    return {
        "price_type": configuration["price_type"],
        "country_price_list": Listed("single_country_price_dto", countries),
    }
