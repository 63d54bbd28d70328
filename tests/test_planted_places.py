"""The planted mistakes still find their places in the code."""

import pytest
from planted import CHECKOUT, PLANTS, Plant


@pytest.mark.parametrize("mistake", PLANTS, ids=lambda mistake: mistake.name)
def test_the_place_of_a_planted_mistake_is_there_once(mistake: Plant) -> None:
    assert (CHECKOUT / mistake.file).read_text().count(mistake.before) == 1
    assert (CHECKOUT / mistake.test.split()[0]).exists()
