"""What two lists of a shop's orders do not agree on."""

from collections.abc import Collection

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.contracts.money import Money
from order_importer.auditing.compare import Seen, compare

ORDERS = st.dictionaries(
    st.sampled_from("123456789"),
    st.builds(Seen, st.sampled_from(["FINISH", "IN_CANCEL"]), st.just(Money("1.00", "USD"))),
)


@pytest.mark.parametrize(
    ("ours", "theirs", "kinds"),
    [
        (Seen("FINISH", Money("1.00", "USD")), Seen("FINISH", Money("1.0", "USD")), []),
        (Seen("FINISH", Money("1.00", "USD")), Seen("FINISH", Money("1.01", "USD")), ["total"]),
        (Seen("FINISH", Money("1.00", "USD")), Seen("FINISH", Money("0.92", "EUR")), []),
        (Seen("FINISH", Money("1.00", "USD")), Seen("FINISH", None), []),
        (Seen("IN_CANCEL", None), Seen("FINISH", None), ["status"]),
        (
            Seen("IN_CANCEL", Money("1.00", "USD")),
            Seen("FINISH", Money("2.00", "USD")),
            ["status", "total"],
        ),
        (None, Seen("FINISH", None), ["missing-here"]),
        (Seen("FINISH", None), None, ["missing-there"]),
    ],
)
def test_each_difference_of_an_order_is_named(
    ours: Seen | None, theirs: Seen | None, kinds: list[str]
) -> None:
    here = {} if ours is None else {"1": ours}
    there = {} if theirs is None else {"1": theirs}
    assert [one.kind for one in compare(here, there, ())] == kinds
    assert compare(here, there, {"1"}) == []


@given(ORDERS, ORDERS, st.sets(st.sampled_from("123456789")))
def test_nothing_differs_exactly_where_both_are_the_same(
    ours: dict[str, Seen], theirs: dict[str, Seen], pending: Collection[str]
) -> None:
    differing = {one.order_id for one in compare(ours, theirs, pending)}
    for order_id in ours.keys() | theirs.keys():
        is_same = order_id in pending or ours.get(order_id) == theirs.get(order_id)
        assert (order_id in differing) != is_same
