"""A change that was overtaken is made on the newest version, and never undoes what others saved."""

from typing import Any

import pytest

from console.pages.feeds.rebasing import rebased

BASE: dict[str, Any] = {
    "currency": "EUR",
    "countries": ["ES"],
    "attributes": {"price": {"field": "Price"}, "package_weight": {"constant": 1}},
    "exclude": {"any": [{"field": "a", "empty": True}]},
}


def having(**differs: Any) -> dict[str, Any]:
    return {**BASE, **differs}


def attributes(**differs: Any) -> dict[str, Any]:
    return having(attributes={**BASE["attributes"], **differs})


@pytest.mark.parametrize(
    ("mine", "newest", "made"),
    [
        (BASE, BASE, BASE),
        (having(countries=["FR"]), BASE, having(countries=["FR"])),
        (BASE, having(countries=["FR"]), having(countries=["FR"])),
        (having(countries=["FR"]), having(countries=["FR"]), having(countries=["FR"])),
        (
            attributes(package_weight={"constant": 2}),
            attributes(price={"field": "Net"}),
            attributes(package_weight={"constant": 2}, price={"field": "Net"}),
        ),
        (
            having(attributes={"price": {"field": "Price"}}),
            having(units={"weight": "g"}),
            having(attributes={"price": {"field": "Price"}}, units={"weight": "g"}),
        ),
    ],
)
def test_what_each_changed_is_there(
    mine: dict[str, Any], newest: dict[str, Any], made: dict[str, Any]
) -> None:
    assert rebased(BASE, mine, newest) == (made, [])


@pytest.mark.parametrize(
    ("mine", "newest", "clash"),
    [
        (having(countries=["FR"]), having(countries=["IT"]), "countries"),
        (
            attributes(price={"field": "Price", "default": "1"}),
            attributes(price={"constant": 3}),
            "attributes.price",
        ),
        (
            having(attributes={"price": {"field": "Price"}}),
            attributes(package_weight={"constant": 2}),
            "attributes.package_weight",
        ),
        (having(exclude={"any": []}), having(exclude={"field": "b", "empty": True}), "exclude"),
    ],
)
def test_what_both_changed_is_named_and_stays_as_it_was_saved(
    mine: dict[str, Any], newest: dict[str, Any], clash: str
) -> None:
    assert rebased(BASE, mine, newest) == (newest, [clash])
