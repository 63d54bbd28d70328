"""AliExpress masks a buyer's address; the merchant's people still know where the parcel goes."""

from collections.abc import AsyncIterator

import pytest

from channel_demo import trade

from ..sample import Sold


@pytest.fixture
async def masked(sold: Sold) -> AsyncIterator[None]:
    """AliExpress gives addresses in clear to those alone who ask for each."""
    http = sold.session.sandbox.http
    (await http.post("/control/quirks", json={"masked_addresses": True})).raise_for_status()
    yield
    (await http.post("/control/quirks", json={"masked_addresses": False})).raise_for_status()


@pytest.mark.usefixtures("masked")
async def test_an_order_says_in_clear_where_it_goes(sold: Sold) -> None:
    session = sold.session
    placed = await session.sandbox.place_order(
        [(sold.shop[-1].skus[0].sku_code, 1)], seed=970, status=trade.WAITS_FOR_SELLER
    )
    await trade.import_orders(session)
    order = await session.channel.order(session.merchant, session.shop, placed.order_id)
    address = order["address"]
    assert all(address[part] for part in ("contact_name", "street", "city", "country"))
    assert "*" not in str(address)
    assert "aliexpress.trade.seller.order.decrypt" in await session.sandbox.calls()
