"""What is known in clear of a buyer is never overwritten with stars (M8.3)."""

from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from msgspec.structs import asdict, replace

from common.contracts.order import Address, Order, Passport
from order_importer.importing.masking import (
    PARTS,
    fits,
    is_masked,
    keep_clear_address,
    keep_clear_buyer,
    marked,
)

from .test_orders_whole import an_order

HOME = Address(
    contact_name="Ada Lindqvist",
    country="ES",
    province="Madrid",
    city="Madrid",
    postal_code="28014",
    street="Calle de Alcala 45, 3B",
    phone="+34 612345678",
)

texts = st.text(st.characters(exclude_characters="*", codec="utf-8"), min_size=1, max_size=12)
addresses = st.builds(Address, **{part: st.none() | texts for part in PARTS})


@st.composite
def masks(draw: st.DrawFn, text: str) -> str:
    """The text with some of it as stars, as long as what they hide or not."""
    start = draw(st.integers(0, len(text)))
    end = draw(st.integers(start, len(text)))
    stars = "*" * draw(st.integers(1, 6))
    return text[:start] + stars + text[end:]


@st.composite
def masked(draw: st.DrawFn, address: Address) -> Address:
    """The address with at least one part masked, and maybe parts left out beside it."""
    given_parts = [part for part in PARTS if getattr(address, part) is not None]
    assume(given_parts)
    hidden = draw(st.sets(st.sampled_from(given_parts), min_size=1))
    shown = {part: draw(masks(getattr(address, part))) for part in hidden}
    left_out = draw(st.sets(st.sampled_from(PARTS))) - hidden
    return marked(replace(address, **shown, **dict.fromkeys(left_out)))


@given(st.data(), addresses)
def test_a_mask_of_the_same_address_changes_nothing(data: st.DataObject, known: Address) -> None:
    read = data.draw(masked(known))
    assert read.is_masked
    assert keep_clear_address(known, read) == known


@given(st.data(), addresses, addresses)
def test_no_star_ever_replaces_a_clear_part(
    data: st.DataObject, known: Address, other: Address
) -> None:
    read = data.draw(masked(other))
    kept = keep_clear_address(known, read)
    assert kept is not None
    for part in PARTS:
        if getattr(known, part) is not None:
            assert not is_masked(getattr(kept, part)), part
    again = keep_clear_address(kept, read)
    assert again == kept, "the same reading again changes nothing"


@given(st.data(), addresses, addresses)
def test_a_reading_in_clear_wins(data: st.DataObject, known: Address, read: Address) -> None:
    assert keep_clear_address(known, read) == read
    assert keep_clear_address(data.draw(masked(known)), read) == read
    assert keep_clear_address(None, read) == read


@given(st.data(), texts)
def test_every_mask_fits_its_text(data: st.DataObject, text: str) -> None:
    assert fits(data.draw(masks(text)), text)


@pytest.mark.parametrize(
    ("mask", "text", "is_fitting"),
    [
        ("Ada*********", "Ada Lindqvist", True),
        ("A**t", "Ada Lindqvist", True),
        ("*", "anything", True),
        ("Cal***", "12 rue des Ecoles", False),
        ("+34 612******", "+34 612345678", True),
        ("+34 699******", "+34 612345678", False),
        ("ab*ba", "aba", False),
        ("a*b*c", "a1c2b", False),
        ("28014", "28014", True),
    ],
)
def test_which_masks_fit(mask: str, text: str, is_fitting: bool) -> None:
    assert fits(mask, text) is is_fitting


def test_a_mask_of_hostile_length_is_compared_at_once() -> None:
    assert not fits("a*" * 5_000 + "b", "a" * 100_000)


@pytest.mark.parametrize(
    "change",
    [
        pytest.param({"street": "12 *** ****** *****"}, id="masked-street-of-another"),
        pytest.param({"contact_name": "Bru********"}, id="masked-name-of-another"),
        pytest.param({"phone": "+33 699******"}, id="masked-phone-of-another"),
        pytest.param({"street": "Cal**************", "city": "Lyon"}, id="another-city-in-clear"),
        pytest.param({"street": "Cal**************", "street_2": "B. 2"}, id="a-further-line"),
    ],
)
def test_a_masked_change_keeps_the_known_address_whole_and_marks_it(
    change: dict[str, Any],
) -> None:
    read = marked(replace(HOME, **change))
    kept = keep_clear_address(HOME, read)
    assert kept == replace(HOME, is_outdated=True)
    as_before = marked(replace(HOME, street="Cal**************"))
    assert keep_clear_address(kept, as_before) == HOME, "the buyer changed it back"


def test_what_was_never_known_in_clear_is_as_read() -> None:
    before = marked(replace(HOME, street="Cal*", phone="+34 6*"))
    read = marked(replace(HOME, contact_name="Ada*", street="Cal**", phone="+34 61*"))
    kept = keep_clear_address(before, read)
    assert kept == marked(replace(read, contact_name=HOME.contact_name))
    assert kept is not None
    assert kept.is_masked


def of_buyer(**facts: Any) -> Order:
    return an_order("1.00", ["1.00"], address=HOME, **facts)


def test_tax_number_and_passport_stay_in_clear() -> None:
    passport = Passport(number="X123", first_name="Ada", last_name="Lindqvist")
    known = of_buyer(tax_number="12345", passport=passport)
    stars = Passport(number="X***", first_name="A**", last_name="L***")
    masked_reading = of_buyer(tax_number="12***", passport=stars)
    assert keep_clear_buyer(known, masked_reading) == known
    assert keep_clear_buyer(known, of_buyer()) == known, "what is not read is not taken away"
    assert keep_clear_buyer(masked_reading, known) == known
    changed = of_buyer(tax_number="777", passport=replace(passport, number="Y1"))
    assert keep_clear_buyer(known, changed) == changed
    assert asdict(keep_clear_buyer(of_buyer(), masked_reading))["tax_number"] == "12***"
