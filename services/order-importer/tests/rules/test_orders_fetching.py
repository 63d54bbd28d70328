"""Pages that shift while they are read: a list that changes between its pages."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, cast

import pytest

from aliexpress.client import Client
from aliexpress.operation import AccessToken
from aliexpress.orders import Order, OrderPage
from order_importer.importing import fetch_orders
from order_importer.importing.fetch_orders import MAX_READINGS, PagesUnstable, read_orders

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
TOKEN = AccessToken("1", "canary")
PAGE = 3


def nothing(ids: list[str]) -> None:
    pass


class ShiftingList:
    """Orders of which every page is a view at its own moment; `changes` happen before a call."""

    def __init__(self, ids: list[str], changes: dict[int, Callable[[list[str]], None]]) -> None:
        self.ids = ids
        self.calls = 0
        self._changes = changes

    async def page(self, _client: Client, _token: AccessToken, *, page: int, **_: Any) -> OrderPage:
        self.calls += 1
        self._changes.get(self.calls, nothing)(self.ids)
        start = (page - 1) * PAGE
        rows = self.ids[start : start + PAGE]
        total_pages = -(-len(self.ids) // PAGE)
        return OrderPage(
            tuple(_order(row) for row in rows), (), page, PAGE, total_pages, len(self.ids)
        )


def _order(order_id: str) -> Order:
    fields: dict[str, Any] = dict.fromkeys(Order.__struct_fields__)
    return Order(**{**fields, "order_id": order_id, "status": "X", "lines": (), "raw": order_id})


async def read(shifting: ShiftingList, monkeypatch: pytest.MonkeyPatch) -> set[str]:
    monkeypatch.setattr(fetch_orders, "list_orders", shifting.page)
    seen: set[str] = set()
    async for page in read_orders(cast("Client", None), TOKEN, (NOW, NOW), ()):
        seen.update(order.order_id for order in page.orders)
    return seen


def leave(*gone: str) -> Callable[[list[str]], None]:
    def change(ids: list[str]) -> None:
        for each in gone:
            ids.remove(each)

    return change


def to_front(moved: str) -> Callable[[list[str]], None]:
    def change(ids: list[str]) -> None:
        ids.remove(moved)
        ids.insert(0, moved)

    return change


async def test_a_list_that_stands_still_is_read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    shifting = ShiftingList([f"o{n}" for n in range(8)], {})
    assert await read(shifting, monkeypatch) == {f"o{n}" for n in range(8)}
    assert shifting.calls == 3


@pytest.mark.parametrize(
    ("changes", "never_moved"),
    [
        # o1 leaves after the first page: o3 slips onto it, unseen by a single reading
        pytest.param({2: leave("o1")}, {"o3", "o7"}, id="one-leaves"),
        pytest.param({2: leave("o0", "o1")}, {"o3", "o4"}, id="two-leave"),
        # o7 changes and jumps to the front while the second page is read
        pytest.param({2: to_front("o7")}, {"o2", "o3", "o5", "o6"}, id="one-jumps"),
        # one leaves and another comes: the count is the same at both ends
        pytest.param(
            {2: leave("o1"), 3: lambda ids: ids.insert(0, "new")}, {"o3", "o5"}, id="swap"
        ),
    ],
)
async def test_what_did_not_move_is_never_missed(
    monkeypatch: pytest.MonkeyPatch,
    changes: dict[int, Callable[[list[str]], None]],
    never_moved: set[str],
) -> None:
    shifting = ShiftingList([f"o{n}" for n in range(8)], changes)

    seen = await read(shifting, monkeypatch)

    assert never_moved <= seen
    assert set(shifting.ids) - {"new"} <= seen


async def test_a_page_given_twice_is_read_again(monkeypatch: pytest.MonkeyPatch) -> None:
    shifting = ShiftingList([f"o{n}" for n in range(6)], {})
    real = shifting.page

    async def repeated(client: Client, token: AccessToken, *, page: int, **rest: Any) -> OrderPage:
        is_faulty = shifting.calls == 1
        return await real(client, token, page=1 if is_faulty else page, **rest)

    monkeypatch.setattr(shifting, "page", repeated)
    assert await read(shifting, monkeypatch) == {f"o{n}" for n in range(6)}


async def test_a_list_that_never_stands_still_is_an_outage(monkeypatch: pytest.MonkeyPatch) -> None:
    ids = [f"o{n}" for n in range(6)]
    arrivals = iter(range(1_000))
    restless = {call: (lambda ids: ids.insert(0, f"new{next(arrivals)}")) for call in range(2, 100)}
    with pytest.raises(PagesUnstable, match=str(MAX_READINGS)):
        await read(ShiftingList(ids, restless), monkeypatch)


async def test_an_empty_list_is_complete(monkeypatch: pytest.MonkeyPatch) -> None:
    assert await read(ShiftingList([], {}), monkeypatch) == set()
