"""Tests of a folder share a system: they run one after the other, and it ends with the last."""

from pathlib import Path

import pytest

HERE = Path(__file__).parent


@pytest.hookimpl(tryfirst=True)  # before xdist reads the groups
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Keep each folder's tests together, on one of xdist's workers."""
    first: dict[Path, int] = {}
    for number, item in enumerate(items):
        folder = item.path.parent
        if folder.is_relative_to(HERE):
            first.setdefault(folder, number)
            item.add_marker(pytest.mark.xdist_group(folder.name))
    places = {id(item): first.get(item.path.parent, number) for number, item in enumerate(items)}
    items.sort(key=lambda item: places[id(item)])
