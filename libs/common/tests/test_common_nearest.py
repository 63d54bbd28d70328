import pytest

from common.nearest import MOST_SHOWN, nearest_names, nearest_remedy


@pytest.mark.parametrize(
    ("name", "known", "nearest"),
    [
        ("SKU-10", ["SKU-01", "SKU-100", "COAT"], ["SKU-100", "SKU-01"]),
        ("sku-1", ["SKU-1"], ["SKU-1"]),
        ("zzz", ["SKU-1", "SKU-2"], []),
        ("", ["SKU-1"], []),
        ("SKU-1", [], []),
    ],
)
def test_the_nearest_come_first_whatever_their_capitals(
    name: str, known: list[str], nearest: list[str]
) -> None:
    assert nearest_names(name, known) == nearest


def test_few_are_named_and_each_in_the_remedy() -> None:
    near = nearest_names("SKU-1", [f"SKU-1{n}" for n in range(50)])
    assert len(near) == MOST_SHOWN
    assert all(name in nearest_remedy(near) for name in near)
    assert "none" in nearest_remedy([])
