"""Why a SKU is as it is, from what is desired to what AliExpress shows; bodies as they are sent."""

from typing import Any

import msgspec

from common.contracts.product import Part, ProductNormalized
from common.errors import Issue
from stack.testing import eventually

from ..publisher_auth import MERCHANT, SELLER, bearer
from ..publisher_harness import FEED, Harness, Sku

TITLE = Issue("M3.6", "title_multi_language_list", "the title is missing", "Fill it.")


async def why(harness: Harness, sku: str, **query: Any) -> dict[str, Any]:
    return dict(await harness.call("GET", f"/feeds/{FEED}/skus/{sku}", **query))


async def body_of(harness: Harness, family: str) -> dict[str, Any]:
    return dict(await harness.call("GET", f"/feeds/{FEED}/bodies/{family}"))


def steps(view: dict[str, Any]) -> dict[str, tuple[str, list[str], list[str]]]:
    return {
        step["kind"]: (
            step["verdict"],
            [action["action"] for action in step["actions"]],
            [cause["code"] for cause in step["causes"]],
        )
        for step in view["next_steps"]
    }


async def received(harness: Harness, operation_type: str) -> list[Any]:
    answer = await harness.market.get(
        "/control/received", params={"seller": SELLER, "operation_type": operation_type}
    )
    lines = [msgspec.json.decode(line) for line in answer.text.splitlines()]
    return [msgspec.json.decode(line["content"]) for line in lines]


async def test_a_skus_way_from_its_creation_to_its_end(harness: Harness) -> None:
    await harness.take(harness.product("coat", Sku("C-1", "20.00"), Sku("C-2", "21.00")))
    planned = await why(harness, "C-1", family_id="coat")
    assert (planned["family_id"], planned["holder"], planned["shown"]) == ("coat", None, None)
    assert planned["desired"]["price"] == "20.00"
    assert steps(planned) == {
        "product": ("planned", ["create"], []),
        "offer": ("not-online", [], []),
    }
    assert (planned["open_item"], planned["last_outcome"]) == (None, None)

    run_id = await harness.ask("product")
    await harness.wait(run_id, "awaiting_confirmation")
    waiting = await why(harness, "C-1")
    assert (waiting["open_item"]["run_id"], waiting["open_item"]["status"]) == (run_id, "pending")
    assert not waiting["is_first_run_confirmed"]
    await harness.call("POST", f"/runs/{run_id}/confirm")
    await harness.wait(run_id)
    await harness.quiet()

    online = await why(harness, "C-1")
    assert steps(online) == {"product": ("unchanged", [], []), "offer": ("unchanged", [], [])}
    outcome = online["last_outcome"]
    assert (outcome["run_id"], outcome["action"], outcome["status"]) == (
        run_id,
        "create",
        "accepted",
    )
    assert outcome["call"]["job_id"]
    assert outcome["call"]["state"] == "done"
    shown = online["shown"]
    assert (shown["is_live"], shown["offer"]["inventory"]) == (False, 5)
    assert shown["age_seconds"] >= 0
    assert online["accepted"]["is_content_desired"]

    # something moves it: the shop says so only when it is read
    product_id = online["accepted"]["marketplace_product_id"]
    await harness.control(f"products/{product_id}/status", status="offline")
    live = await why(harness, "C-1", live=True)
    assert (live["shown"]["is_live"], live["shown"]["status"]) == (True, "offline")
    assert live["live_problem"] is None

    await harness.take(harness.product("coat", Sku("C-1", "19.00"), Sku("C-2", "21.00")))
    changed = await why(harness, "C-1")
    assert steps(changed)["offer"] == ("planned", ["price"], [])
    [action] = changed["next_steps"][1]["actions"]
    assert (action["before"]["price"], action["after"]["price"]) == ("20.00", "19.00")
    assert steps(await why(harness, "C-2"))["offer"] == ("unchanged", [], [])

    await harness.take(harness.absent("coat"))
    assert steps(await why(harness, "C-1"))["product"] == ("planned", ["delete"], [])


async def test_a_sku_that_cannot_be_sent_says_why_and_an_unknown_one_names_the_nearest(
    harness: Harness,
) -> None:
    state = harness.product("bad", Sku("B-1"), content_is_valid=False)
    bad = msgspec.structs.replace(
        state, content_part=Part(is_valid=False, hash="none", issues=[TITLE])
    )
    await harness.publish(bad, harness.product("good", Sku("G-100")))
    assert steps(await why(harness, "B-1"))["product"] == ("waits", [], ["M3.6"])

    answer = await harness.http.get(
        f"/v1/merchants/{MERCHANT}/feeds/{FEED}/skus/G-1O0", headers=bearer("feeds:read")
    )
    assert answer.status_code == 404
    assert "G-100" in answer.json()["remedy"]
    for path in (f"/feeds/{FEED}/skus/G-1%2F0", f"/feeds/{FEED}/bodies/none"):
        answer = await harness.http.get(
            f"/v1/merchants/{MERCHANT}{path}", headers=bearer("feeds:read")
        )
        assert (answer.status_code, answer.json()["type"]) == (
            404,
            "urn:aliexpress-channel:problem:not-found",
        )


async def test_aliexpresss_answer_stands_with_its_call(harness: Harness) -> None:
    await harness.control(
        "faults", kind="item_error", operation="PRODUCT_CREATE", count=1,
        code="F00-00-10007-015", message="The sku_attribute_name you input does not exist",
    )  # fmt: skip
    await harness.publish(harness.product("coat", Sku("C-1")))
    refused = await why(harness, "C-1")
    assert steps(refused)["product"] == ("refused", [], ["F00-00-10007-015"])
    outcome = refused["last_outcome"]
    assert (outcome["status"], outcome["call"]["operation"]) == ("rejected", "create")
    assert outcome["cause"]["remedy"]


async def test_a_sku_that_another_feed_holds_names_it(harness: Harness) -> None:
    await harness.publish(harness.product("coat", Sku("SHARED")))
    await harness.take(harness.feed_state("second"))
    await harness.take(harness.product("jacket", Sku("SHARED"), feed="second"))
    view = await harness.call("GET", "/feeds/second/skus/SHARED", family_id="jacket")
    assert (view["holder"]["feed_id"], view["holder"]["family_id"]) == (FEED, "coat")
    assert steps(view)["product"] == ("refused", [], ["sku-claimed"])


async def test_the_body_shown_is_the_body_sent_of_creations_and_updates(harness: Harness) -> None:
    countries = {"FR": "19.00", "GB": "21.00"}
    states: list[ProductNormalized] = [
        harness.product("coat", Sku("C-1", "20.10", "18.05", countries=countries), Sku("C-2")),
        harness.product("hat", Sku("H/1", stock=None), Sku("H-2", stock=3)),
    ]
    await harness.take(*states)
    shown = [await body_of(harness, family) for family in ("coat", "hat")]
    assert [view["operation"] for view in shown] == ["PRODUCT_CREATE"] * 2
    await harness.run("product")
    assert _canonical(await received(harness, "PRODUCT_CREATE")) == _canonical(
        [view["body"] for view in shown]
    )
    assert (await body_of(harness, "coat"))["body"] is None  # nothing differs

    await harness.take(
        harness.product("coat", Sku("C-1", "20.10", "18.05", countries=countries), title="Warm")
    )
    update = await body_of(harness, "coat")
    assert update["operation"] == "PRODUCT_FULL_UPDATE"
    assert update["body"]["multi_country_price_configuration"]
    paths = {".".join(map(str, change["path"])): change for change in update["changes"]}
    assert paths.keys() == {"title_multi_language_list.en_US.title", "sku_info_list.C-2"}
    title = paths["title_multi_language_list.en_US.title"]
    assert (title["before"], title["after"]) == ("Coat", "Warm")
    await harness.run("product")
    assert _canonical(await received(harness, "PRODUCT_FULL_UPDATE")) == _canonical(
        [update["body"]]
    )


async def test_without_the_shop_an_update_has_no_body_and_says_why(harness: Harness) -> None:
    await harness.publish(harness.product("coat", Sku("C-1")))
    harness.issuer.token = None  # before: once it is forgotten, a job may ask for it at any time
    await harness.take(
        harness.product("coat", Sku("C-1"), title="Warm"),
        harness.shop_state(connection="disconnected"),
    )

    async def is_without_body() -> bool:  # the token is forgotten after the shop's state is stored
        return (await body_of(harness, "coat"))["body"] is None

    await eventually(is_without_body)
    view = await body_of(harness, "coat")
    assert view["operation"] == "PRODUCT_FULL_UPDATE"
    assert "not connected" in view["live_problem"]
    sku = await why(harness, "C-1", live=True)
    assert (sku["shown"]["is_live"], sku["waits_for_shop"]) == (False, "the shop is disconnected")
    assert "not connected" in sku["live_problem"]


def _canonical(bodies: list[Any]) -> list[bytes]:
    return sorted(msgspec.json.encode(body, order="sorted") for body in bodies)
