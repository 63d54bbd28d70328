"""Groups items under the API's limits. Pure."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Protocol, TypeVar

MAX_PRODUCTS = 20
"""Products in one price or stock call."""
MAX_SKUS = 200
"""SKUs in one price or stock call; documented per product, kept for the whole call."""
MAX_JOB_ITEMS = 300
"""Items in one feed job, since 2022-06-23."""
MAX_DELETIONS = 100
"""Product ids in one deletion call."""


class Batchable(Protocol):
    """What a batch call speaks of: a product and some of its SKUs."""

    @property
    def marketplace_product_id(self) -> str | None:
        """The product; a batch names each once."""

    @property
    def sku_codes(self) -> Sequence[str]:
        """Its SKUs."""


B = TypeVar("B", bound=Batchable)


def offer_batches(items: Iterable[B]) -> Iterator[list[B]]:
    """Batches for the price or stock call, in the given order, each product once per batch."""
    batch: list[B] = []
    products: set[str | None] = set()
    skus = 0
    for item in items:
        is_full = len(batch) == MAX_PRODUCTS or skus + len(item.sku_codes) > MAX_SKUS
        if batch and (is_full or item.marketplace_product_id in products):
            yield batch
            batch, products, skus = [], set(), 0
        batch.append(item)
        products.add(item.marketplace_product_id)
        skus += len(item.sku_codes)
    if batch:
        yield batch
