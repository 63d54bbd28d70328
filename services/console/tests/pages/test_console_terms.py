"""The terms of a feed as a form: what no product could have is refused before it is saved."""

import pytest

from ..promised_services import made
from .conftest import Opened
from .test_console_forms import changing, csrf


@pytest.mark.parametrize(
    ("typed", "is_taken"),
    [
        ({"package_weight": "0.4"}, True),
        ({"package_weight": "400 g"}, True),
        ({"package_weight": "0,4", "units_decimal": ","}, True),
        ({"package_weight": "0,4"}, False),
        ({"package_weight": "abc"}, False),
        ({"package_weight": "0.0"}, False),
        ({"package_length": "-3"}, False),
        ({"shipping_preparation_time": "7"}, True),
        ({"shipping_preparation_time": "0"}, False),
        ({"shipping_preparation_time": "61"}, False),
        ({"shipping_preparation_time": "3.5"}, False),
        ({"shipping_preparation_time": "-1"}, False),
    ],
)
async def test_terms_that_no_product_could_have_are_refused_at_their_field(
    opened: Opened, typed: dict[str, str], is_taken: bool
) -> None:
    opened.services.instead["GET /feeds/f"] = made(
        "catalog-service", {"$ref": "#/components/schemas/FeedDetails"}
    ) | {"configuration": {"shop": "main"}}
    form = {"csrf": await csrf(opened), "version": "3", **typed}
    answer = await opened.http.post("/feeds/f/settings", data=form)
    assert answer.status_code == (303 if is_taken else 422)
    assert bool(changing(opened)) == is_taken
    if not is_taken:
        [name] = typed
        assert f'aria-describedby="w-{name}"' in answer.text
        assert f'value="{typed[name]}"' in answer.text
