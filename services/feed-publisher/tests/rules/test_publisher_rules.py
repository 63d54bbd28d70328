"""The batches, the causes, the download."""

from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from feed_publisher.listings.causes import KNOWN, explain, refusal
from feed_publisher.listings.listing import Refused
from feed_publisher.planning.batches import MAX_PRODUCTS, MAX_SKUS, offer_batches
from feed_publisher.runs.outcome import counts_of, state_of
from feed_publisher.sending.submit_jobs import content_id, item_no_of


@dataclass(frozen=True)
class Item:
    marketplace_product_id: str | None
    sku_codes: list[str]


items = st.builds(
    Item,
    st.integers(0, 60).map(str),
    st.integers(1, MAX_SKUS).map(lambda n: [str(i) for i in range(n)]),
)


@given(st.lists(items, max_size=100))
def test_batches_keep_the_limits_and_lose_nothing(given_items: list[Item]) -> None:
    batches = list(offer_batches(given_items))
    assert [item for batch in batches for item in batch] == given_items
    for batch in batches:
        assert 1 <= len(batch) <= MAX_PRODUCTS
        assert sum(len(item.sku_codes) for item in batch) <= MAX_SKUS
        assert len({item.marketplace_product_id for item in batch}) == len(batch)


@pytest.mark.parametrize(
    ("code", "message", "name"),
    [
        ("F00-00-10007-007", "duplicate sku_code, please check your input", "duplicate-sku"),
        ("F00-00-10007-009", "Field:sku_code is empty, please check your input", "empty-sku"),
        ("F00-00-10007-015", ("The sku_attribute_name you input does not exist under this category,"
         " and this category does not support user-defined sku_attribute_name."),
         "unknown-sku-attribute"),
        ("F00-00-10020-004", "SellerId=12 not exists", "account-gone"),
        ("15", "isv.permission-api-package-limit", "app-refused"),
        ("ISV.PERMISSION-UNHEARD", "no", "app-refused"),
        ("AppWhiteIpLimit", "no", "app-refused"),
        ("isv.insufficient-isv-permissions", "no", "app-refused"),
        ("F00-00-10020-004", "040003:productUnit_requiredValidator@post_tip", "field"),
        ("F00-00-10020-004", "GPF.CHK_CATEGORY_ID_NOT_LEAF_CATEGORY", "not-a-leaf"),
        ("F00-00-10020-004", "系统错误,请稍后重试", "internal"),
        ("F00-00-10020-004", ("000003:Your operation rights have been suspended. Please contact"
         " customer service"), "suspended"),
        ("F00-00-10020-004", "150008:You've reached the maximum number of products",
         "shop-full"),
        ("S00-10-10000-001", "7150008:150008:You've reached the maximum number of products",
         "shop-full"),
        ("S00-10-10000-001", ("7090001:Title:090001:Sorry, the subject information you filled in is"
         " not in English or security information."), "title-text"),
        ("F00-00-10020-004", ("None of your image url in main_image_urls_list existed in the"
         " seller's server, please check."), "no-image"),
        ("16009999", "System exception", "internal"),
    ],
)  # fmt: skip
def test_every_documented_code_is_explained(code: str, message: str, name: str) -> None:
    known = next(cause for cause in KNOWN if cause.name == name)
    cause = explain(refusal(code, message))
    assert (cause.code, cause.message) == (code, message)
    assert cause.explanation.split("{")[0].startswith(known.explanation.split("{")[0])
    assert "{" not in cause.explanation + cause.remedy
    assert refusal(code, message).is_transient is known.is_transient


def test_a_refused_field_is_named_whole() -> None:
    message = "040003:shipping_template_id_optionsValidator@post_tip"
    cause = explain(refusal("F00-00-10020-004", message))
    assert "schema: shipping_template_id (options)." in cause.explanation


def test_an_unknown_code_keeps_its_own_words() -> None:
    cause = explain(Refused("Z-1", "something new"))
    assert (cause.code, cause.message) == ("Z-1", "something new")
    assert cause.explanation
    assert cause.remedy


@pytest.mark.parametrize(
    ("counts", "state"),
    [
        ({}, "completed"),
        ({("create", "accepted"): 3}, "completed"),
        ({("create", "accepted"): 3, ("price", "rejected"): 1}, "completed_with_errors"),
        ({("delete", "withheld"): 1, ("price", "rejected"): 1}, "withheld"),
        ({("stock", "deferred"): 2}, "completed_with_errors"),
        ({("update", "in_job"): 1, ("create", "accepted"): 3}, "completed_with_errors"),
        ({("price", "superseded"): 2}, "completed"),
    ],
)
def test_how_a_run_ends(counts: dict[tuple[str, str], int], state: str) -> None:
    assert state_of(counts) == state
    assert counts_of(counts)["items"] == sum(counts.values())


@pytest.mark.parametrize(
    ("name", "number"),
    [("r1-5", 5), ("r2-5", None), ("r1-x", None), ("nothing", None), ("r1-", None), ("r1-٣", None)],
)
def test_a_result_is_ours_only_by_its_whole_name(name: str, number: int | None) -> None:
    assert item_no_of("r1", name) == number
    assert item_no_of("r1", content_id("r1", 7)) == 7
