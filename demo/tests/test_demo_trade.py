"""What the demonstration's buyers order."""

from collections import Counter
from random import Random

import httpx2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from channel_cli.session import Unreachable
from channel_demo.sandbox import SandboxControl, SandboxRefused
from channel_demo.trade import MOST_LINES, MOST_PIECES, fill_baskets


@pytest.mark.parametrize(
    ("stock", "orders"),
    [
        pytest.param({}, 0, id="nothing-online"),
        pytest.param({"a": 0, "b": 0}, 0, id="all-sold-out"),
        pytest.param({"a": 1, "b": 0}, 1, id="one-piece"),
        pytest.param({"a": -1}, 0, id="less-than-nothing"),
    ],
)
def test_there_are_as_many_orders_as_there_is_stock_for(stock: dict[str, int], orders: int) -> None:
    assert len(list(fill_baskets(stock, Random(1)))) == orders


@given(st.dictionaries(st.text(min_size=1), st.integers(0, 9), max_size=30), st.integers(0, 10_000))
def test_buyers_order_all_there_is_and_no_more(stock: dict[str, int], seed: int) -> None:
    sold: Counter[str] = Counter()
    for basket in fill_baskets(stock, Random(seed)):
        assert 1 <= len(basket) <= MOST_LINES
        assert all(1 <= pieces <= MOST_PIECES for pieces in basket.values())
        sold.update(basket)
        assert all(sold[code] <= stock[code] for code in basket)
    assert sold == Counter({code: pieces for code, pieces in stock.items() if pieces})


def control_on(answer: httpx2.Response | None) -> SandboxControl:
    def answering(_request: httpx2.Request) -> httpx2.Response:
        if answer is None:
            raise httpx2.ConnectError("refused")
        return answer

    transport = httpx2.MockTransport(answering)
    return SandboxControl(httpx2.AsyncClient(transport=transport, base_url="http://sandbox"), "1")


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (httpx2.Response(409, json={"error": "no live offer has stock"}), "409.*has stock"),
        (httpx2.Response(500, text="<html>"), "500.*does not say why"),
    ],
)
async def test_what_the_sandbox_refuses_is_a_sentence(answer: httpx2.Response, says: str) -> None:
    with pytest.raises(SandboxRefused, match=says):
        await control_on(answer).place_order([("a", 1)], seed=1, status="RISK_CONTROL")


async def test_a_silent_sandbox_is_named_with_its_address() -> None:
    with pytest.raises(Unreachable, match="sandbox does not answer at http://sandbox"):
        await control_on(None).products()
