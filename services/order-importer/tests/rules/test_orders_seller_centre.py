"""Which parcels of an order were made in AliExpress's seller centre, and what became of them."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from aliexpress.orders import Parcel as ReadParcel
from common.contracts.order import Parcel
from order_importer.seller_centre.parcels import ParcelChanges, compare_parcels, shipment_id_of

ORDER = ("shein", "main", "8150")
AT = datetime(2026, 11, 24, 12, tzinfo=UTC)
LATER = AT + timedelta(hours=1)


def read(number: str, carrier: str = "EMS") -> ReadParcel:
    return ReadParcel(number, carrier, AT, "default")


def stored(number: str, **changes: Any) -> Parcel:
    parcel = Parcel(
        shipment_id=shipment_id_of(ORDER, number),
        carrier="EMS",
        tracking_number=number,
        line_ids=[],
        state="confirmed",
        shipped_at=AT,
        origin="marketplace",
    )
    return replace(parcel, **changes)


def compare(known: list[Parcel], there: list[ReadParcel], *own: str) -> ParcelChanges:
    return compare_parcels(ORDER, known, there, own, LATER)


@pytest.mark.parametrize(
    ("known", "there", "own", "appeared", "changed"),
    [
        pytest.param([], [], [], [], [], id="none"),
        pytest.param([], [read("LA1")], [], [stored("LA1")], [], id="appears"),
        pytest.param([stored("LA1")], [read("LA1")], [], [], [], id="as-before"),
        pytest.param([], [read("LA1")], ["LA1"], [], [], id="ours"),
        pytest.param([], [read("LA-1 ")], ["la 1"], [], [], id="ours-otherwise-written"),
        pytest.param(
            [], [read("LA1"), read("LA1", "CPAM")], [], [stored("LA1")], [], id="twice-in-an-answer"
        ),
        pytest.param([stored("LA1")], [], [], [], [stored("LA1", gone_at=LATER)], id="is-gone"),
        pytest.param([stored("LA1", gone_at=AT)], [], [], [], [], id="gone-before"),
        pytest.param(
            [stored("LA1", gone_at=AT)], [read("LA1")], [], [], [stored("LA1")], id="came-back"
        ),
        pytest.param(
            [stored("LA1")],
            [read("LA1", "CPAM")],
            [],
            [],
            [stored("LA1", carrier="CPAM")],
            id="another-carrier",
        ),
        pytest.param(
            [stored("LA1")],
            [read("LA2")],
            [],
            [stored("LA2")],
            [stored("LA1", gone_at=LATER)],
            id="another-number",
        ),
        pytest.param(
            [stored("LA1")],
            [read("LA1")],
            ["LA1"],
            [],
            [stored("LA1", gone_at=LATER)],
            id="now-ours",
        ),
        pytest.param([], [read("--")], ["—"], [stored("--")], [], id="numbers-of-dashes-alone"),
    ],
)
def test_what_changes(
    known: list[Parcel],
    there: list[ReadParcel],
    own: list[str],
    appeared: list[Parcel],
    changed: list[Parcel],
) -> None:
    found = compare(known, there, *own)
    assert (found.appeared, found.changed) == (appeared, changed)


def test_the_id_is_of_the_order_and_the_number_however_it_is_written() -> None:
    assert shipment_id_of(ORDER, "LA 1-cn") == shipment_id_of(ORDER, "la1CN")
    others = [shipment_id_of(ORDER, "LA2"), shipment_id_of(("shein", "main", "8151"), "LA1CN")]
    assert len({shipment_id_of(ORDER, "LA1CN"), *others}) == 3


numbers = st.lists(st.sampled_from(["LA1", "LA2", "la 3", "LA3"]), max_size=4)


@given(st.lists(st.tuples(numbers, numbers), max_size=5))
def test_whatever_comes_and_goes_each_parcel_appears_once(
    readings: list[tuple[list[str], list[str]]],
) -> None:
    rows: dict[str, Parcel] = {}
    seen: list[str] = []
    for there, own in readings:
        parcels = [read(number) for number in there]
        found = compare(list(rows.values()), parcels, *own)
        seen += [parcel.shipment_id for parcel in found.appeared]
        rows |= {parcel.shipment_id: parcel for parcel in found.all}
        again = compare(list(rows.values()), parcels, *own)
        assert again.all == []
        current = {shipment_id_of(ORDER, number) for number in there}
        current -= {shipment_id_of(ORDER, number) for number in own}
        assert {key for key, row in rows.items() if row.gone_at is None} == current
    assert len(seen) == len(set(seen)) == len(rows)
