"""Lost answers, dead processes, dead tokens, stuck jobs: nothing lost, nothing doubled (M7.6)."""

from typing import Any

import pytest

from aliexpress.feeds import FeedItem, submit_feed
from aliexpress.operation import AccessToken
from common import failpoints
from common.contracts.product import ProductReported
from feed_publisher.settings import PublisherSettings
from stack.sandbox import Sandbox
from stack.testing import NewDatabase, eventually, running_parts

from ..publisher_auth import SELLER
from ..publisher_harness import Harness, Sku
from ..publisher_running import build, new_harness

SUBMIT = "aliexpress.solution.feed.submit"
STOCK = "aliexpress.solution.batch.product.inventory.update"
PRICE = "aliexpress.solution.batch.product.price.update"
INVALIDATE = "aliexpress.solution.feed.invalidate"
DELETE = "aliexpress.solution.batch.product.delete"


def families(harness: Harness, number: int = 12, **changes: Any) -> list[Any]:
    return [harness.product(f"p{n}", Sku(f"p{n}", **changes)) for n in range(number)]


@pytest.mark.parametrize("kind", ["answer_lost", "http_error_after", "truncated", "refused"])
async def test_a_creation_whose_answer_was_lost_is_never_doubled(
    harness: Harness, kind: str
) -> None:
    await harness.control("faults", kind=kind, operation=SUBMIT, count=1)
    view = await harness.publish(*families(harness))
    assert view["state"] == "completed"
    assert len(await harness.skus_online()) == 12
    assert len(await harness.ledger("product.create")) == 12


@pytest.mark.parametrize("operation", [STOCK, PRICE, DELETE])
async def test_a_lost_answer_of_a_batch_call_is_settled_by_reading(
    harness: Harness, operation: str
) -> None:
    await harness.publish(*families(harness, stock=5))
    await harness.take(*families(harness, 11, price="21.00", stock=6), harness.absent("p11"))
    await harness.control("faults", kind="answer_lost", operation=operation, count=1)
    await harness.run("offer")
    await harness.run("product")
    online_skus = await harness.skus_online()
    assert "p11" not in online_skus
    assert {(s["price"], s["inventory"]) for s in online_skus.values()} == {("21.00", 6)}
    assert len(await harness.ledger("product.delete")) == 1
    assert len(await harness.ledger("price.update")) == 11


@pytest.mark.parametrize("kind", ["missing_results", "double_results"])
async def test_missing_and_double_results_end_in_one_product_each(
    harness: Harness, kind: str
) -> None:
    await harness.control("faults", kind=kind, operation="PRODUCT_CREATE")
    view = await harness.publish(*families(harness, 5))
    assert view["counts"]["create"] == 5
    assert len(await harness.skus_online()) == 5


@pytest.mark.parametrize(
    "point", ["publisher.after-intent", "publisher.after-call", "publisher.before-outcome"]
)
async def test_a_run_that_broke_off_goes_on_without_doubling(harness: Harness, point: str) -> None:
    await harness.take(*families(harness))
    run_id = await harness.ask("product")
    await harness.wait(run_id, "awaiting_confirmation")
    failpoints.arm(f"{point}=error")
    try:
        await harness.call("POST", f"/runs/{run_id}/confirm")
        view = await harness.wait(run_id)
    finally:
        failpoints.arm("")
    assert view["state"] == "completed"
    assert len(await harness.ledger("product.create")) == 12
    assert len(await harness.skus_online()) == 12


async def test_a_dead_token_pauses_the_run_and_its_renewal_resumes_it(harness: Harness) -> None:
    await harness.publish(*families(harness))
    await harness.take(*families(harness, stock=6))
    await harness.control("tokens/expire", seller_id="2200100001")
    run_id = await harness.ask("offer")

    async def was_reported() -> bool:
        return {*harness.issuer.reported} == {1}  # by the run, or by a look for edits as well

    await eventually(was_reported)
    await harness.take(harness.shop_state(connection="disconnected"))
    view = await harness.wait(run_id, "waiting_for_shop")
    assert "disconnected" in view["waiting_reason"]
    await harness.market.delete("/control/calls")

    await harness.connect()
    await harness.take(harness.shop_state())
    view = await harness.wait(run_id)
    assert view["state"] == "completed"
    assert {sku["inventory"] for sku in (await harness.skus_online()).values()} == {6}
    assert len(await harness.ledger("stock.update", "accepted")) == 12
    calls = (await harness.market.get("/control/calls")).json()
    assert calls["refused"] == {}


async def test_an_ineligible_merchant_is_not_published(harness: Harness) -> None:
    await harness.take(harness.shop_state(is_eligible=False), *families(harness, 2))
    run_id = await harness.ask("product")
    view = await harness.wait(run_id, "waiting_for_shop")
    assert "not eligible" in view["waiting_reason"]
    assert await harness.ledger("product.create") == []


async def test_a_stuck_job_that_still_queues_is_cancelled_and_sent_again(
    database: NewDatabase, kafka_bootstrap: str, topic_prefix: str, sandbox: Sandbox
) -> None:
    async with new_harness(
        database, kafka_bootstrap, topic_prefix, sandbox, job_deadline_hours=2 / 3600
    ) as harness:
        await harness.control("faults", kind="stuck_job", operation="PRODUCT_CREATE", count=1)
        view = await harness.publish(*families(harness, 3))
        assert view["state"] == "completed"
        assert len(await harness.ledger("feed.submit")) == 2
        assert len(await harness.skus_online()) == 3


async def test_a_stuck_job_ends_its_run_blocks_no_other_and_is_followed_to_its_end(
    database: NewDatabase, kafka_bootstrap: str, topic_prefix: str, sandbox: Sandbox
) -> None:
    async with new_harness(
        database, kafka_bootstrap, topic_prefix, sandbox, job_deadline_hours=2 / 3600
    ) as harness:
        await harness.publish(*families(harness, 3))
        fault = await harness.control("faults", kind="stuck_job", operation="PRODUCT_FULL_UPDATE")
        await harness.control(
            "faults", kind="error", operation=INVALIDATE, code="isv.job-runs", message="it runs"
        )
        await harness.take(harness.product("p0", title="Stuck"))
        stuck = await harness.run("product")
        assert (stuck["state"], stuck["counts"]["pending"]) == ("completed_with_errors", 1)
        report = await harness.call("GET", f"/runs/{stuck['run_id']}/report")
        assert [(cause["code"], cause["families"]) for cause in report["causes"]] == [
            ("job-stuck", ["p0"])
        ]
        # others go on; the family in the job is left alone, whatever it wants now
        await harness.take(harness.product("p0", title="Newest"), harness.product("new"))
        later = await harness.run("product")
        assert later["counts"]["create"] == 1
        assert later["counts"]["update"] == 0
        assert len(await harness.ledger("feed.submit")) == 3

        await harness.market.delete(f"/control/faults/{fault['id']}")

        async def is_newest() -> bool:
            await harness.run("product")
            return bool((await harness.skus_online())["p0"]["title"] == "Newest")

        await eventually(is_newest, within=60)
        view = await harness.call("GET", f"/runs/{stuck['run_id']}")
        assert view["counts"].get("pending", 0) == 0


@pytest.mark.parametrize("is_ours", [True, False])
async def test_a_lost_submit_waits_no_longer_than_a_job_may_take(
    database: NewDatabase,
    kafka_bootstrap: str,
    topic_prefix: str,
    sandbox: Sandbox,
    is_ours: bool,
) -> None:
    """The only job that may be the lost one says nothing: the run ends, and each later one looks
    again. Only once it has ended may the products be sent again."""
    async with new_harness(
        database, kafka_bootstrap, topic_prefix, sandbox, job_deadline_hours=2 / 3600
    ) as harness:
        fault = await harness.control(
            "faults", kind="stuck_job", operation="PRODUCT_CREATE", count=1
        )
        if not is_ours:  # another program's job of the same size, while ours never came to be
            token = AccessToken(SELLER, harness.issuer.token or "")
            theirs = [FeedItem(f"theirs-{n}", {"category_id": 1}) for n in range(2)]
            await submit_feed(harness.client, token, "PRODUCT_CREATE", theirs)
        kind = "answer_lost" if is_ours else "refused"
        await harness.control("faults", kind=kind, operation=SUBMIT, count=1)
        lost = await harness.publish(*families(harness, 2))
        assert (lost["state"], lost["counts"]["pending"]) == ("completed_with_errors", 2)
        report = await harness.call("GET", f"/runs/{lost['run_id']}/report")
        assert [(cause["code"], cause["count"]) for cause in report["causes"]] == [("job-stuck", 2)]
        later = await harness.publish(*families(harness, 2, stock=9), harness.product("new"))
        assert (later["state"], later["counts"]["create"]) == ("completed", 1)
        assert len(await harness.ledger("product.create", "accepted")) == 1

        await harness.market.delete(f"/control/faults/{fault['id']}")

        async def are_online() -> bool:
            await harness.run("product")
            return len(await harness.skus_online()) == 3

        await eventually(are_online, within=60)
        assert len(await harness.ledger("product.create", "accepted")) == 3
        view = await harness.call("GET", f"/runs/{lost['run_id']}")
        assert view["counts"].get("pending", 0) == 0


async def test_another_replica_ends_what_a_dead_one_began(
    own_harness: Harness,
) -> None:
    harness = own_harness
    await harness.take(*families(harness, 6))
    run_id = await harness.ask("product")
    await harness.wait(run_id, "awaiting_confirmation")
    await harness.call("POST", f"/runs/{run_id}/confirm")
    await harness.wait(run_id)
    await harness.quiet()
    settings: PublisherSettings = harness.settings
    other = settings.model_copy(update={"instance_id": "two"})
    _, parts = build(harness.pool, other)
    async with running_parts(parts):
        await harness.take(*families(harness, 6, stock=8))
        view = await harness.run("offer")
    assert view["counts"]["stock"] == 6
    assert len(await harness.ledger("stock.update", "accepted")) == 6


async def test_a_limit_is_waited_out_and_shown(harness: Harness) -> None:
    await harness.publish(*families(harness, 3))
    await harness.take(*families(harness, 3, stock=9))
    await harness.control("bans", operation=STOCK, seconds=3)
    view = await harness.run("offer")
    assert view["state"] == "completed"
    assert {sku["inventory"] for sku in (await harness.skus_online()).values()} == {9}


async def test_an_item_aliexpress_refuses_is_explained_and_not_sent_again(harness: Harness) -> None:
    code, message = "F00-00-10007-015", "The sku_attribute_name you input does not exist ..."
    await harness.control(
        "faults", kind="item_error", operation="PRODUCT_CREATE", count=1, code=code, message=message
    )
    view = await harness.publish(*families(harness, 3))
    assert (view["state"], view["counts"]["create"]) == ("completed_with_errors", 2)
    report = await harness.call("GET", f"/runs/{view['run_id']}/report")
    [cause] = report["causes"]
    assert (cause["code"], cause["count"]) == (code, 1)
    assert "choose another category" in cause["remedy"]
    [rejected] = [r for r in await harness.emitted(ProductReported) if r.status == "rejected"]
    assert rejected.causes[0].message == message
    again = await harness.run("product")
    assert again["counts"]["items"] == 0
    await harness.take(harness.product(rejected.family_id, title="Mended"))
    assert (await harness.run("product"))["counts"]["create"] == 1
    assert len(await harness.skus_online()) == 3
