"""What desired states say: which of several is the truth, and which SKUs it wants. Pure."""

from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar

from common.contracts.product import ProductNormalized

K = TypeVar("K", bound="tuple[str, ...]")
R = TypeVar("R")


def newest(states: Iterable[R], key: Callable[[R], K], revision: Callable[[R], int]) -> Sequence[R]:
    """The state of the highest revision per key, in key order (the order rows are locked in)."""
    best: dict[K, R] = {}
    for state in states:
        place = key(state)
        held = best.get(place)
        if held is None or revision(state) > revision(held):
            best[place] = state
    return [best[place] for place in sorted(best)]


def desired_skus(desired: ProductNormalized) -> list[str]:
    """The SKU codes that should be online, none when the product should not be."""
    if desired.presence == "absent":
        return []
    named = desired.sku_codes or [offer.sku_code for offer in desired.offers or ()]
    return list(dict.fromkeys(named))
