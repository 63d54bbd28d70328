"""How a tree is put together from its branches, and how calls back off."""

from datetime import timedelta

import pytest

from catalog_service.categories.branches import assemble
from catalog_service.categories.shop_turns import LONGEST_PAUSE, ShopTurns, pause_after
from catalog_service.categories.tree import TreeNode


def branch(parent: str, *names: str) -> list[TreeNode]:
    """Children by name; one in capitals has children of its own."""
    return [TreeNode(name, parent, name, not name.isupper()) for name in names]


@pytest.mark.parametrize(
    ("branches", "tree"),
    [
        ({}, None),
        ({"0": None}, None),
        ({"0": []}, ""),
        ({"0": branch("0", "a", "b")}, "ab"),
        ({"0": branch("0", "A", "b")}, None),
        ({"0": branch("0", "A", "b"), "A": None}, None),
        ({"0": branch("0", "A", "b"), "A": branch("A", "c")}, "Abc"),
        ({"0": branch("0", "a"), "LEFT": None}, "a"),
        ({"0": branch("0", "A"), "A": branch("A", "A", "c")}, "Ac"),
        ({"0": branch("0", "A", "B"), "A": branch("A", "B"), "B": branch("B", "A", "c")}, "ABc"),
    ],
)
def test_a_tree_is_whole_once_all_its_branches_are_there(
    branches: dict[str, list[TreeNode] | None], tree: str | None
) -> None:
    found = assemble(branches)
    assert (None if found is None else "".join(node.name for node in found)) == tree


@pytest.mark.parametrize(
    ("failures", "seconds"), [(0, 5), (1, 5), (2, 10), (3, 20), (10, 2560), (11, 3600)]
)
def test_calls_wait_twice_as_long_after_each_failure(failures: int, seconds: int) -> None:
    assert pause_after(failures) == timedelta(seconds=seconds)
    assert pause_after(10**9) == LONGEST_PAUSE


async def test_the_work_of_a_shop_that_fails_is_its_own() -> None:
    async def fails() -> bool:
        raise RuntimeError("hostile")

    async def works() -> bool:
        return True

    turns = ShopTurns()
    assert await turns.run({("m", "s"): fails, ("n", "s"): works})
    assert not await turns.run({("m", "s"): fails})
    assert not turns.busy
