"""Prices and stock of live products, at once (the recommended way)."""

from collections.abc import Sequence

import msgspec

from aliexpress.client import Client, require_at_most
from aliexpress.operation import AccessToken, Operation
from aliexpress.wire import Fields, Refused, Unreadable, encode, int_or_text

UPDATE_PRICES = Operation("aliexpress.solution.batch.product.price.update", is_write=True)
UPDATE_STOCK = Operation("aliexpress.solution.batch.product.inventory.update", is_write=True)

MAX_BATCH_PRODUCTS = 20
MAX_BATCH_SKUS = 200  # per product


class SkuStock(msgspec.Struct, frozen=True):
    """How many pieces of a SKU can be sold (0 to 999999)."""

    sku_code: str
    inventory: int


class ProductStock(msgspec.Struct, frozen=True):
    """New stock of a product's SKUs; unnamed SKUs stay as they are."""

    product_id: str
    skus: tuple[SkuStock, ...]


class SkuPrice(msgspec.Struct, frozen=True):
    """A price and, below it, a discounted price, as decimal strings in the seller's currency.

    A missing `discount_price` **erases** the discount that is there.
    """

    sku_code: str
    price: str
    discount_price: str | None = None


class CountryPrices(msgspec.Struct, frozen=True):
    """Absolute prices for one country (ISO 3166), each at least 70 % of the SKU's price."""

    country: str
    skus: tuple[SkuPrice, ...]


class ProductPrices(msgspec.Struct, frozen=True):
    """New prices of a product's SKUs; unnamed SKUs stay as they are."""

    product_id: str
    skus: tuple[SkuPrice, ...]
    countries: tuple[CountryPrices, ...] = ()


class ProductFailure(msgspec.Struct, frozen=True):
    """A product none of whose SKUs was updated; `code` and `message` as received."""

    product_id: str
    code: str | None
    message: str | None


class BatchOutcome(msgspec.Struct, frozen=True):
    """What became of a batch, by product. `undecided` ones the answer does not speak of."""

    succeeded: tuple[str, ...]
    failed: tuple[ProductFailure, ...]
    undecided: tuple[str, ...] = ()


async def update_stock(
    client: Client, token: AccessToken, products: Sequence[ProductStock]
) -> BatchOutcome:
    """Set stock. Idempotent.

    Source: aliexpress.solution.batch.product.inventory.update. Limits: 20 products, 200 SKUs each.
    Errors: per product in the outcome; `CallerFault`, `OutcomeUnknown` for the whole call.
    """
    _check_size(UPDATE_STOCK, [(product.product_id, len(product.skus)) for product in products])
    updates: list[dict[str, object]] = [
        {
            "product_id": int_or_text(product.product_id),
            "multiple_sku_update_list": [
                {"sku_code": sku.sku_code, "inventory": sku.inventory} for sku in product.skus
            ],
        }
        for product in products
    ]
    return await _update(client, token, UPDATE_STOCK, updates, [p.product_id for p in products])


async def update_prices(
    client: Client, token: AccessToken, products: Sequence[ProductPrices]
) -> BatchOutcome:
    """Set prices, always together with their discounts. Idempotent.

    Source: aliexpress.solution.batch.product.price.update. Limits and errors as `update_stock`.
    """
    _check_size(UPDATE_PRICES, [(product.product_id, len(product.skus)) for product in products])
    updates = [_price_update(product) for product in products]
    return await _update(client, token, UPDATE_PRICES, updates, [p.product_id for p in products])


def country_on_the_wire(country: str) -> str:
    """ISO 3166 as AliExpress writes it: Great Britain is UK."""
    return "UK" if country == "GB" else country


def _check_size(operation: Operation, sizes: Sequence[tuple[str, int]]) -> None:
    require_at_most(operation, len(sizes), MAX_BATCH_PRODUCTS, "products")
    for product_id, skus in sizes:
        require_at_most(operation, skus, MAX_BATCH_SKUS, f"SKUs of product {product_id}")


def _price_update(product: ProductPrices) -> dict[str, object]:
    update: dict[str, object] = {
        "product_id": int_or_text(product.product_id),
        "multiple_sku_update_list": [_sku_price(sku) for sku in product.skus],
    }
    if product.countries:
        update["multi_country_price_configuration"] = {
            "price_type": "absolute",
            "country_price_list": [
                {
                    "ship_to_country": country_on_the_wire(prices.country),
                    "sku_price_by_country_list": [_sku_price(sku) for sku in prices.skus],
                }
                for prices in product.countries
            ],
        }
    return update


def _sku_price(sku: SkuPrice) -> dict[str, str]:
    price = {"sku_code": sku.sku_code, "price": sku.price}
    return price | ({"discount_price": sku.discount_price} if sku.discount_price else {})


async def _update(
    client: Client,
    token: AccessToken,
    operation: Operation,
    updates: list[dict[str, object]],
    asked: list[str],
) -> BatchOutcome:
    # The misspelt name is AliExpress's.
    parameters = {"mutiple_product_update_list": encode(updates)}
    return await client.call(operation, parameters, token, lambda answer: _outcome(answer, asked))


def _outcome(answer: Fields, asked: list[str]) -> BatchOutcome:
    """Failures win over successes; what neither list names is decided by `update_success`."""
    result = answer.result()
    failed = result.read_all("update_failed_list", "synchronize_product_response_dto", _failure)
    listed = result.read_all(
        "update_successful_list",
        "synchronize_product_response_dto",
        lambda row: row.id("product_id"),
    )
    is_success = result.find_flag("update_success")
    if not failed and not listed and is_success is None:
        raise Unreadable(result.path, "neither success nor failure is stated")
    if not failed and not listed and not is_success:
        code = result.find_text("update_error_code", "error_code") or ""
        message = result.find_text("update_error_message", "error_message")
        raise Refused(code, message or "no product was updated")
    failed_ids = {failure.product_id for failure in failed}
    others = [product_id for product_id in asked if product_id not in failed_ids]
    succeeded = [product_id for product_id in others if is_success or product_id in listed]
    return BatchOutcome(
        succeeded=tuple(succeeded),
        failed=tuple(failed),
        undecided=tuple(product_id for product_id in others if product_id not in succeeded),
    )


def _failure(row: Fields) -> ProductFailure:
    return ProductFailure(
        product_id=row.id("product_id"),
        code=row.find_text("error_code"),
        message=row.find_text("error_message"),
    )
