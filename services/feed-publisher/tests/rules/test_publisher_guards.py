"""What the guard counts and when it withholds (M7.4)."""

from decimal import Decimal

import pytest

from common.contracts.product import Part, ProductNormalized, SkuStock
from feed_publisher.desired.states import Kind
from feed_publisher.listings.listing import AcceptedSku, AcceptedState, Listing
from feed_publisher.planning.guards import (
    Touched,
    counted,
    exceeds_share,
    stems_from_other_configuration,
    still_removed,
)
from feed_publisher.planning.plan import plan_offers, plan_product
from feed_publisher.runs.items.extent import Extent

FIFTH = Decimal("0.20")


@pytest.mark.parametrize(
    ("new", "passed", "of", "is_held"),
    [
        pytest.param((2, 2), (0, 0), (10, 10), False, id="two-of-ten"),
        pytest.param((3, 3), (0, 0), (10, 100), True, id="three-products-of-ten"),
        pytest.param((20, 20), (0, 0), (100, 100), False, id="exactly-the-share"),
        pytest.param((5, 5), (16, 16), (100, 1_000), True, id="the-day-counts"),
        pytest.param((0, 0), (50, 50), (100, 100), False, id="nothing-new"),
        pytest.param((0, 59), (0, 0), (25, 100), True, id="SKUs-without-a-whole-product"),
        pytest.param((0, 5), (0, 16), (25, 100), True, id="SKUs-over-the-day"),
        pytest.param((6, 6), (0, 0), (25, 100), True, id="products-of-few-SKUs"),
    ],
)
def test_either_share_withholds(
    new: tuple[int, int], passed: tuple[int, int], of: tuple[int, int], is_held: bool
) -> None:
    touched = Touched(Extent(*new), Extent(*passed))
    assert exceeds_share(touched, Extent(*of), FIFTH) is is_held


@pytest.mark.parametrize(
    ("before", "now", "of"),
    [
        ((0, 0), (0, 0), (10, 10)),
        ((5, 50), (500, 900), (10, 50)),
        ((0, 0), (500, 900), (500, 900)),
        ((100, 400), (5, 5), (100, 400)),
    ],
)
def test_what_the_shares_are_taken_of(
    before: tuple[int, int], now: tuple[int, int], of: tuple[int, int]
) -> None:
    assert counted(Extent(*before), Extent(*now)) == Extent(*of)


@pytest.mark.parametrize(
    ("desired", "accepted", "is_other"), [(2, 1, True), (1, 1, False), (2, 0, False), (0, 1, False)]
)
def test_content_stems_from_another_configuration_when_both_are_known(
    desired: int, accepted: int, is_other: bool
) -> None:
    state = _present({"a": 1}, configuration_version=desired)
    known = AcceptedState(configuration_version=accepted)
    assert stems_from_other_configuration(state, known) is is_other


def _present(stock: dict[str, int], *, configuration_version: int = 0) -> ProductNormalized:
    return ProductNormalized(
        merchant_id="m",
        feed_id="f",
        family_id="coat",
        revision=7,
        shop_id="s",
        presence="present",
        configuration_version=configuration_version,
        sku_codes=list(stock),
        offers_part=Part(is_valid=True, hash="o"),
        stock_part=Part(is_valid=True, hash="s"),
        stock=[SkuStock(code, inventory) for code, inventory in stock.items()],
    )


def _absent(reason: str) -> ProductNormalized:
    return ProductNormalized(
        merchant_id="m",
        feed_id="f",
        family_id="coat",
        revision=7,
        shop_id="s",
        presence="absent",
        absent_reason=reason,  # type: ignore[arg-type]
    )


def _online(**stock: int | None) -> Listing:
    return Listing(
        feed_id="f",
        family_id="coat",
        shop_id="s",
        status="live",
        marketplace_product_id="99",
        accepted=AcceptedState(
            skus={code: AcceptedSku(price="9.00", inventory=n) for code, n in stock.items()}
        ),
    )


@pytest.mark.parametrize(
    ("kind", "state", "listing", "removed"),
    [
        pytest.param("offer", _present({"a": 1}), _online(a=1, b=2), ["b"], id="dropped"),
        pytest.param("offer", _present({"a": 0, "b": 2}), _online(a=1, b=2), ["a"], id="sold-out"),
        pytest.param("offer", _present({"a": 0}), _online(a=0), [], id="zero-already"),
        pytest.param("offer", _present({"a": 0}), _online(a=None), ["a"], id="stock-not-known"),
        pytest.param("offer", _absent("deleted"), _online(a=1, b=0), ["a"], id="absent-offers"),
        pytest.param("offer", _absent("feed_removed"), _online(a=1), [], id="feed-removed"),
        pytest.param("product", _absent("deleted"), _online(a=1, b=0), ["", "a", "b"], id="absent"),
        pytest.param("product", _absent("feed_removed"), _online(a=1), [], id="feed-deleted"),
        pytest.param("product", _present({"a": 0}), _online(a=1, b=1), ["b"], id="sku-deleted"),
    ],
)
def test_what_is_still_to_be_removed_is_what_a_plan_removes(
    kind: Kind, state: ProductNormalized, listing: Listing, removed: list[str]
) -> None:
    assert sorted(still_removed(kind, state, listing)) == removed
    if kind == "offer" or state.presence == "absent":
        plan = plan_offers(state, listing) if kind == "offer" else plan_product(state, listing, {})
        planned = [code for item in plan.items for code in item.removed_skus]
        assert sorted(planned) == [code for code in removed if code]


def test_zeroings_are_items_of_their_own_so_that_nothing_else_waits_with_them() -> None:
    plan = plan_offers(_present({"a": 0, "b": 7}), _online(a=1, b=2))
    zeroing, other = plan.items
    assert (zeroing.sku_codes, zeroing.is_removal, zeroing.removes_product) == (("a",), True, False)
    assert (other.sku_codes, other.is_removal) == (("b",), False)
