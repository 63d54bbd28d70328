"""AliExpress refuses our app: nobody's code is wrong and no connection ends; later all works."""

import pytest
from pydantic import SecretStr

from common.contracts.shop import ShopState
from stack.sandbox import Sandbox
from stack.testing import NewDatabase

from ..auth_harness import Seller, migrate, running_auth
from .test_auth_connecting import Selling, connected

CODES = ["11", "28", "AppWhiteIpLimit"]


async def refuse(seller: Seller, code: str) -> None:
    fault = {"kind": "error", "code": code, "message": "no"}
    (await seller.http.post("/control/faults", json=fault)).raise_for_status()


async def accept(seller: Seller) -> None:
    (await seller.http.delete("/control/faults")).raise_for_status()


def assert_later(status: int, page: str, code: str) -> None:
    assert status == 503
    assert f"AliExpress refuses our app ({code})" in page
    assert "operator" in page
    assert "later" in page
    assert "code is valid once" not in page


@pytest.mark.parametrize("code", CODES)
async def test_whoever_connects_is_asked_to_come_back_later(selling: Selling, code: str) -> None:
    auth, seller = selling
    await auth.register()
    state = await auth.start()
    await refuse(seller, code)
    page = await auth.callback(state, await seller.code())
    assert_later(page.status_code, page.text, code)
    assert (await auth.row())["connection"] == "pending"

    await accept(seller)
    await connected(auth, seller)


async def test_a_wrong_secret_is_a_refusal_of_our_app(
    database: NewDatabase, sandbox: Sandbox
) -> None:
    async for auth in running_auth(
        await database(migrate), sandbox.url, app_secret=SecretStr("reset meanwhile")
    ):
        seller = Seller(sandbox, auth)
        await auth.register()
        page = await auth.callback(await auth.start(), await seller.code())
        await seller.http.aclose()
        assert_later(page.status_code, page.text, "IncompleteSignature")


async def test_a_renewal_and_a_report_meanwhile_end_no_connection(selling: Selling) -> None:
    auth, seller = selling
    await auth.register()
    await connected(auth, seller)
    state = await auth.start()
    await refuse(seller, "12")
    report = await auth.http.post(
        "/internal/v1/shops/shein/main/token/dead", json={"generation": 1}, headers=auth.service
    )
    assert report.status_code == 503
    assert (await auth.callback(state, await seller.code())).status_code == 503
    row = await auth.row()
    assert (row["connection"], row["generation"]) == ("connected", 1)
    assert [s.connection for s in await auth.events(ShopState)] == ["pending", "connected"]
    given = await auth.http.get("/internal/v1/shops/shein/main/token", headers=auth.service)
    assert given.status_code == 200

    await accept(seller)
    await connected(auth, seller)
    assert (await auth.row())["generation"] == 2
