"""Products: schema, creation and update by schema, reading, sale and deletion."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Literal

import msgspec

from aliexpress.client import Client, require_at_most
from aliexpress.offers import CountryPrices, SkuPrice
from aliexpress.operation import AccessToken, Operation
from aliexpress.wire import Fields, Refused, Unreadable, decode, encode, int_or_text, to_pacific

PRODUCT_SCHEMA = Operation("aliexpress.solution.product.schema.get")
POST_PRODUCT = Operation("aliexpress.solution.schema.product.instance.post", is_write=True)
UPDATE_PRODUCT = Operation("aliexpress.solution.schema.product.full.update", is_write=True)
PRODUCT_INFO = Operation("aliexpress.solution.product.info.get")
PRODUCT_LIST = Operation("aliexpress.solution.product.list.get")
DELETE_PRODUCTS = Operation("aliexpress.solution.batch.product.delete", is_write=True)
TAKE_OFF_SALE = Operation("aliexpress.postproduct.redefining.offlineaeproduct", is_write=True)
PUT_ON_SALE = Operation("aliexpress.postproduct.redefining.onlineaeproduct", is_write=True)

MAX_DELETED_PRODUCTS = 100
MAX_SALE_PRODUCTS = 50
MAX_PRODUCT_PAGE = 99
PRODUCT_PAGE_SIZE = 50

_EMPTY_ANSWER = frozenset(
    {"request_id", "code", "result", "error_code", "error_message", "modify_count"}
)

ProductStatus = Literal["onSelling", "offline", "auditing", "editingRequired"]
PRODUCT_STATUSES: tuple[ProductStatus, ...] = (
    "onSelling",
    "offline",
    "auditing",
    "editingRequired",
)


class ProductSku(msgspec.Struct, frozen=True):
    """A SKU as it stands on AliExpress; prices are decimal strings in `currency`."""

    sku_code: str | None
    sku_id: str | None
    price: str | None
    discount_price: str | None
    inventory: int | None
    currency: str | None
    barcode: str | None
    properties: tuple["SkuProperty", ...]


class SkuProperty(msgspec.Struct, frozen=True):
    """An attribute value that makes the SKU."""

    attribute_id: str | None
    value_id: str | None
    custom_name: str | None
    image_url: str | None


class ProductAttribute(msgspec.Struct, frozen=True):
    """An attribute of the product, by id where it is known, else by name."""

    attribute_id: str | None
    name: str | None
    value_id: str | None
    value: str | None


class Product(msgspec.Struct, frozen=True):
    """A product as it stands. Weight in kg (decimal string), sizes in cm, times UTC.

    `titles` and `descriptions` are by locale; a description is HTML or its JSON. A country of
    `country_prices` is as AliExpress writes it. `raw` is the answer as JSON text.
    """

    product_id: str
    status: str | None
    category_id: str | None
    titles: dict[str, str]
    descriptions: dict[str, str]
    image_urls: tuple[str, ...]
    skus: tuple[ProductSku, ...]
    attributes: tuple[ProductAttribute, ...]
    group_ids: tuple[str, ...]
    unit_id: str | None
    deduction_strategy: str | None
    preparation_days: int | None
    freight_template_id: str | None
    promise_template_id: str | None
    size_chart_id: str | None
    weight_kg: str | None
    length_cm: int | None
    width_cm: int | None
    height_cm: int | None
    created_at: datetime | None
    modified_at: datetime | None
    offline_at: datetime | None
    country_prices: tuple[CountryPrices, ...]
    raw: str


class ListedProduct(msgspec.Struct, frozen=True):
    """A row of the product list. `offline_reason` is expire_offline, user_offline, ..."""

    product_id: str
    title: str | None
    status: str | None
    offline_reason: str | None
    freight_template_id: str | None
    currency: str | None
    min_price: str | None
    max_price: str | None
    created_at: datetime | None
    modified_at: datetime | None


class ProductPage(msgspec.Struct, frozen=True):
    """A page of the product list."""

    products: tuple[ListedProduct, ...]
    page: int
    page_size: int
    total_pages: int | None
    total_count: int | None

    @property
    def has_more(self) -> bool:
        """Whether a further page is to be read."""
        if self.total_pages is not None:
            return self.page < self.total_pages
        return len(self.products) >= self.page_size


async def load_product_schema(client: Client, token: AccessToken, category_id: str) -> str:
    """The JSON Schema of a leaf category for this seller, as JSON text.

    It lists the seller's own templates, groups, size charts and brands, and changes over time; an
    empty `oneOf` means that there is nothing to choose. Source:
    aliexpress.solution.product.schema.get. Limits: 200/s per app, 25/s per seller. Errors:
    `CallerFault` (no leaf category, account suspended).
    """
    return await client.call(
        PRODUCT_SCHEMA, {"aliexpress_category_id": category_id}, token, _schema
    )


async def post_product(client: Client, token: AccessToken, instance: Mapping[str, object]) -> str:
    """Create a product from a schema payload at once; returns its id. It is then being audited.

    Source: aliexpress.solution.schema.product.instance.post. Limits: 200/s per app, 25/s per
    seller, 100,000 published products. Errors: `BusinessError` (the payload), `OutcomeUnknown`
    (look for its SKU codes before creating it again).
    """
    parameters = {"product_instance_request": encode(instance), **client.developer_features()}
    return await client.call(POST_PRODUCT, parameters, token, _product_id)


async def update_product(
    client: Client, token: AccessToken, product_id: str, instance: Mapping[str, object]
) -> str:
    """Replace a product's content by a schema payload; returns its id. Idempotent.

    Source: aliexpress.solution.schema.product.full.update. Limits as `post_product`. Errors:
    `BusinessError` (the payload, or the product is being audited), `OutcomeUnknown`.
    """
    content = {**instance, "aliexpress_product_id": int_or_text(product_id)}
    parameters = {"schema_full_update_request": encode(content), **client.developer_features()}
    return await client.call(UPDATE_PRODUCT, parameters, token, _product_id)


async def load_product(client: Client, token: AccessToken, product_id: str) -> Product:
    """A product as it stands.

    Source: aliexpress.solution.product.info.get. Limits: 80/s and 4,800/min per app. Errors:
    `CallerFault` (unknown or another seller's product).
    """
    return await client.call(
        PRODUCT_INFO, {"product_id": product_id}, token, lambda answer: _product(answer, product_id)
    )


async def list_products(
    client: Client,
    token: AccessToken,
    status: ProductStatus,
    *,
    page: int = 1,
    page_size: int = PRODUCT_PAGE_SIZE,
    sku_code: str | None = None,
    product_id: str | None = None,
    modified_from: datetime | None = None,
    modified_to: datetime | None = None,
) -> ProductPage:
    """A page of the seller's products of one status, found by SKU code, id or modification time.

    Source: aliexpress.solution.product.list.get. Limits: `page_size` below 100. The list shifts
    while products change. Errors: `CallerFault`.
    """
    require_at_most(PRODUCT_LIST, page_size, MAX_PRODUCT_PAGE, "products a page")
    query: dict[str, object] = {
        "product_status_type": status,
        "current_page": page,
        "page_size": page_size,
    }
    if sku_code is not None:
        query["sku_code"] = sku_code
    if product_id is not None:
        query["product_id"] = int_or_text(product_id)
    if modified_from is not None:
        query["gmt_modified_start"] = to_pacific(modified_from)
    if modified_to is not None:
        query["gmt_modified_end"] = to_pacific(modified_to)
    return await client.call(
        PRODUCT_LIST,
        {"aeop_a_e_product_list_query": encode(query)},
        token,
        lambda answer: _product_page(answer, page, page_size),
    )


async def delete_products(client: Client, token: AccessToken, product_ids: Sequence[str]) -> None:
    """Delete products for good.

    Source: aliexpress.solution.batch.product.delete; success is an empty answer, so confirm by
    reading where it matters. Limits: 100 products. Errors: `CallerFault`, `OutcomeUnknown`.
    """
    require_at_most(DELETE_PRODUCTS, len(product_ids), MAX_DELETED_PRODUCTS, "products")
    await client.call(DELETE_PRODUCTS, {"product_ids": ",".join(product_ids)}, token, _done)


async def take_off_sale(client: Client, token: AccessToken, product_ids: Sequence[str]) -> None:
    """Stop selling products without deleting them. At most 50. Idempotent.

    Source: aliexpress.postproduct.redefining.offlineaeproduct. Errors: `CallerFault`,
    `OutcomeUnknown`.
    """
    await _change_sale(client, token, TAKE_OFF_SALE, product_ids)


async def put_on_sale(client: Client, token: AccessToken, product_ids: Sequence[str]) -> None:
    """Sell products again. At most 50. Idempotent.

    Source: aliexpress.postproduct.redefining.onlineaeproduct. Errors as `take_off_sale`.
    """
    await _change_sale(client, token, PUT_ON_SALE, product_ids)


async def _change_sale(
    client: Client, token: AccessToken, operation: Operation, product_ids: Sequence[str]
) -> None:
    require_at_most(operation, len(product_ids), MAX_SALE_PRODUCTS, "products")
    await client.call(operation, {"product_ids": ";".join(product_ids)}, token, _done)


def _done(answer: Fields) -> None:
    """Success is an empty answer or one that says so; anything else is not an answer to this."""
    result = answer.result()
    _refuse_with_details(result)
    result.refuse_unless_successful("modify_count")
    if result.find_flag("success", "result_success", "is_success") is None:
        unexpected = result.value.keys() - _EMPTY_ANSWER
        if unexpected:
            raise Unreadable(result.path, f"an empty answer is expected, not {sorted(unexpected)}")


def _refuse_with_details(result: Fields) -> None:
    """A change of sale that failed says why per product only; the first reason stands for all."""
    if result.find_flag("success") is False:
        for detail in result.objects("error_details", "error_detail"):
            message = detail.find_text("error_message") or result.find_text("error_message")
            raise Refused(detail.find_text("error_code") or "", message or "no reason given")


def _schema(answer: Fields) -> str:
    result = answer.result()
    result.refuse_unless_successful("schema")
    schema = result.value.get("schema")
    if isinstance(schema, str) and isinstance(decode(schema), dict):
        return schema
    if isinstance(schema, dict):
        return encode(schema)
    raise Unreadable(f"{result.path}.schema", "a JSON Schema is expected")


def _product_id(answer: Fields) -> str:
    result = answer.result()
    result.refuse_unless_successful("product_id")
    product_id = result.find_id("product_id") or answer.find_id("product_id")
    if product_id is None:
        raise Unreadable(f"{result.path}.product_id", "an id is expected")
    return product_id


def _product(answer: Fields, product_id: str) -> Product:
    row = answer.result()
    row.refuse_unless_successful("product_id", "aeop_ae_product_s_k_us")
    answered = row.id("product_id")
    if answered != product_id:
        raise Unreadable(f"{row.path}.product_id", f"{product_id} was asked for, not {answered}")
    return Product(
        product_id=answered,
        status=row.find_text("product_status_type"),
        category_id=row.find_id("category_id"),
        titles=_by_locale(row, "multi_language_subject_list", "global_subject", "subject"),
        descriptions=_by_locale(
            row, "multi_language_description_list", "global_description", "web_detail"
        ),
        image_urls=tuple(_separated(row.find_text("image_u_r_ls"), ";")),
        skus=tuple(
            row.read_all("aeop_ae_product_s_k_us", "global_aeop_ae_product_sku", _product_sku)
        ),
        attributes=tuple(
            row.read_all(
                "aeop_ae_product_propertys", "global_aeop_ae_product_property", _product_attribute
            )
        ),
        group_ids=tuple(row.texts("group_ids", "number")),
        unit_id=row.find_id("product_unit"),
        deduction_strategy=row.find_text("reduce_strategy"),
        preparation_days=row.find_integer("delivery_time"),
        freight_template_id=row.find_id("freight_template_id"),
        promise_template_id=row.find_id("promise_template_id"),
        size_chart_id=row.find_id("sizechart_id"),
        weight_kg=row.find_amount("gross_weight"),
        length_cm=row.find_integer("package_length"),
        width_cm=row.find_integer("package_width"),
        height_cm=row.find_integer("package_height"),
        created_at=row.find_time("gmt_create"),
        modified_at=row.find_time("gmt_modified"),
        offline_at=row.find_time("ws_offline_date"),
        country_prices=_country_prices(row),
        raw=row.raw_json(),
    )


def _country_prices(row: Fields) -> tuple[CountryPrices, ...]:
    configuration = row.find_fields("multi_country_price_configuration")
    if configuration is None:
        return ()
    countries = []
    for entry in configuration.objects("country_price_list", "single_country_price_dto"):
        country = entry.find_text("ship_to_country")
        skus = [
            SkuPrice(code, price, sku.find_amount("discount_price"))
            for sku in entry.objects("sku_price_by_country_list", "single_sku_price_by_country_dto")
            if (code := sku.find_text("sku_code")) and (price := sku.find_amount("price"))
        ]
        if country is not None and skus:
            countries.append(CountryPrices(country, tuple(skus)))
    return tuple(countries)


def _by_locale(row: Fields, name: str, element: str, text: str) -> dict[str, str]:
    found = {}
    for item in row.objects(name, element):
        locale, words = item.find_text("locale", "language"), item.find_text(text)
        if locale is not None and words is not None:
            found[locale] = words
    if not found and name == "multi_language_subject_list":
        title, main = row.find_text("subject"), row.find_text("locale", "language")
        return {main or "": title} if title is not None else {}
    return found


def _product_sku(row: Fields) -> ProductSku:
    return ProductSku(
        sku_code=row.find_text("sku_code"),
        sku_id=(row.find_id("id") or "").strip('"') or None,
        price=row.find_amount("sku_price"),
        discount_price=row.find_amount("sku_discount_price"),
        inventory=row.find_integer("ipm_sku_stock", "sku_available_stock"),
        currency=row.find_text("currency_code"),
        barcode=row.find_text("barcode", "ean_code"),
        properties=tuple(
            SkuProperty(
                attribute_id=item.find_id("sku_property_id"),
                value_id=item.find_id("property_value_id"),
                custom_name=item.find_text("property_value_definition_name"),
                image_url=item.find_text("sku_image"),
            )
            for item in row.objects("aeop_s_k_u_property_list", "global_aeop_sku_property")
        ),
    )


def _product_attribute(row: Fields) -> ProductAttribute:
    return ProductAttribute(
        attribute_id=row.find_id("attr_name_id"),
        name=row.find_text("attr_name"),
        value_id=row.find_id("attr_value_id"),
        value=row.find_text("attr_value"),
    )


def _separated(text: str | None, separator: str) -> list[str]:
    return [part.strip() for part in (text or "").split(separator) if part.strip()]


def _product_page(answer: Fields, page: int, page_size: int) -> ProductPage:
    result = answer.result()
    result.refuse_unless_successful("aeop_a_e_product_display_d_t_o_list", "product_count")
    result.require_any("aeop_a_e_product_display_d_t_o_list", "product_count", "success")
    products = result.read_all(
        "aeop_a_e_product_display_d_t_o_list", "item_display_dto", _listed_product
    )
    total_count = result.find_integer("product_count")
    if not products and page == 1 and total_count:
        raise Unreadable(result.path, f"{total_count} products are counted, none is listed")
    return ProductPage(
        products=tuple(products),
        page=page,
        page_size=page_size,
        total_pages=result.find_integer("total_page"),
        total_count=total_count,
    )


def _listed_product(row: Fields) -> ListedProduct:
    return ListedProduct(
        product_id=row.id("product_id"),
        title=row.find_text("subject"),
        status=row.find_text("product_status_type"),
        offline_reason=row.find_text("ws_display"),
        freight_template_id=row.find_id("freight_template_id"),
        currency=row.find_text("currency_code"),
        min_price=row.find_amount("product_min_price"),
        max_price=row.find_amount("product_max_price"),
        created_at=row.find_time("gmt_create"),
        modified_at=row.find_time("gmt_modified"),
    )
