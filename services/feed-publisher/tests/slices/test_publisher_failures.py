"""Lost answers, dead processes, dead tokens, stuck jobs: nothing lost, nothing doubled (M7.6)."""

from typing import Any

import pytest
from publisher_bed import Bed, Sku, bed_of, build, running, until

from common import failpoints
from common.contracts.product import ProductReported
from feed_publisher.settings import PublisherSettings
from stack.sandbox import Sandbox
from stack.testing import NewDatabase

SUBMIT = "aliexpress.solution.feed.submit"
STOCK = "aliexpress.solution.batch.product.inventory.update"
PRICE = "aliexpress.solution.batch.product.price.update"
DELETE = "aliexpress.solution.batch.product.delete"


def families(bed: Bed, number: int = 12, **changes: Any) -> list[Any]:
    return [bed.product(f"p{n}", Sku(f"p{n}", **changes)) for n in range(number)]


@pytest.mark.parametrize("kind", ["answer_lost", "http_error_after", "truncated", "refused"])
async def test_a_creation_whose_answer_was_lost_is_never_doubled(bed: Bed, kind: str) -> None:
    await bed.control("faults", kind=kind, operation=SUBMIT, count=1)
    view = await bed.publish(*families(bed))
    assert view["state"] == "completed"
    assert len(await bed.shelf()) == 12
    assert len(await bed.ledger("product.create")) == 12


@pytest.mark.parametrize("operation", [STOCK, PRICE, DELETE])
async def test_a_lost_answer_of_a_batch_call_is_settled_by_reading(
    bed: Bed, operation: str
) -> None:
    await bed.publish(*families(bed, stock=5))
    await bed.take(*families(bed, 11, price="21.00", stock=6), bed.absent("p11"))
    await bed.control("faults", kind="answer_lost", operation=operation, count=1)
    await bed.run("offer")
    await bed.run("product")
    shelf = await bed.shelf()
    assert "p11" not in shelf
    assert {(s["price"], s["inventory"]) for s in shelf.values()} == {("21.00", 6)}
    assert len(await bed.ledger("product.delete")) == 1
    assert len(await bed.ledger("price.update")) == 11


@pytest.mark.parametrize("kind", ["missing_results", "double_results"])
async def test_missing_and_double_results_end_in_one_product_each(bed: Bed, kind: str) -> None:
    await bed.control("faults", kind=kind, operation="PRODUCT_CREATE")
    view = await bed.publish(*families(bed, 5))
    assert view["counts"]["create"] == 5
    assert len(await bed.shelf()) == 5


@pytest.mark.parametrize(
    "point", ["publisher.after-intent", "publisher.after-call", "publisher.before-outcome"]
)
async def test_a_run_that_broke_off_goes_on_without_doubling(bed: Bed, point: str) -> None:
    await bed.take(*families(bed))
    run_id = await bed.ask("product")
    await bed.wait(run_id, "awaiting_confirmation")
    failpoints.arm(f"{point}=error")
    try:
        await bed.call("POST", f"/runs/{run_id}/confirm")
        view = await bed.wait(run_id)
    finally:
        failpoints.arm("")
    assert view["state"] == "completed"
    assert len(await bed.ledger("product.create")) == 12
    assert len(await bed.shelf()) == 12


async def test_a_dead_token_pauses_the_run_and_its_renewal_resumes_it(bed: Bed) -> None:
    await bed.publish(*families(bed))
    await bed.take(*families(bed, stock=6))
    await bed.control("tokens/expire", seller_id="2200100001")
    run_id = await bed.ask("offer")

    async def was_reported() -> bool:
        return bed.desk.reported == [1]

    await until(was_reported)
    await bed.take(bed.shop_state(connection="disconnected"))
    view = await bed.wait(run_id, "waiting_for_shop")
    assert "disconnected" in view["waiting_reason"]
    await bed.market.delete("/control/calls")

    bed.desk.generation = 2
    await bed.connect()
    await bed.take(bed.shop_state())
    view = await bed.wait(run_id)
    assert view["state"] == "completed"
    assert {sku["inventory"] for sku in (await bed.shelf()).values()} == {6}
    assert len(await bed.ledger("stock.update", "accepted")) == 12
    calls = (await bed.market.get("/control/calls")).json()
    assert calls["refused"] == {}


async def test_an_ineligible_merchant_is_not_published(bed: Bed) -> None:
    await bed.take(bed.shop_state(is_eligible=False), *families(bed, 2))
    run_id = await bed.ask("product")
    view = await bed.wait(run_id, "waiting_for_shop")
    assert "not eligible" in view["waiting_reason"]
    assert await bed.ledger("product.create") == []


async def test_a_stuck_job_that_still_queues_is_cancelled_and_sent_again(
    database: NewDatabase, kafka_bootstrap: str, topic_prefix: str, sandbox: Sandbox
) -> None:
    async with bed_of(
        database, kafka_bootstrap, topic_prefix, sandbox, job_deadline_hours=2 / 3600
    ) as bed:
        await bed.control("faults", kind="stuck_job", operation="PRODUCT_CREATE", count=1)
        view = await bed.publish(*families(bed, 3))
        assert view["state"] == "completed"
        assert len(await bed.ledger("feed.submit")) == 2
        assert len(await bed.shelf()) == 3


async def test_another_replica_ends_what_a_dead_one_began(bed: Bed, database: NewDatabase) -> None:
    await bed.take(*families(bed, 6))
    run_id = await bed.ask("product")
    await bed.wait(run_id, "awaiting_confirmation")
    await bed.call("POST", f"/runs/{run_id}/confirm")
    await bed.wait(run_id)
    await bed.quiet()
    settings: PublisherSettings = bed.settings
    other = settings.model_copy(update={"instance_id": "two"})
    _, parts = build(bed.pool, other)
    async with running(parts):
        await bed.take(*families(bed, 6, stock=8))
        view = await bed.run("offer")
    assert view["counts"]["stock"] == 6
    assert len(await bed.ledger("stock.update", "accepted")) == 6


async def test_a_limit_is_waited_out_and_shown(bed: Bed) -> None:
    await bed.publish(*families(bed, 3))
    await bed.take(*families(bed, 3, stock=9))
    await bed.control("bans", operation=STOCK, seconds=3)
    view = await bed.run("offer")
    assert view["state"] == "completed"
    assert {sku["inventory"] for sku in (await bed.shelf()).values()} == {9}


async def test_an_item_aliexpress_refuses_is_explained_and_not_sent_again(bed: Bed) -> None:
    code, message = "F00-00-10007-015", "The sku_attribute_name you input does not exist ..."
    await bed.control(
        "faults", kind="item_error", operation="PRODUCT_CREATE", count=1, code=code, message=message
    )
    view = await bed.publish(*families(bed, 3))
    assert (view["state"], view["counts"]["create"]) == ("completed_with_errors", 2)
    report = await bed.call("GET", f"/runs/{view['run_id']}/report")
    [cause] = report["causes"]
    assert (cause["code"], cause["count"]) == (code, 1)
    assert "choose another category" in cause["remedy"]
    [rejected] = [r for r in await bed.emitted(ProductReported) if r.status == "rejected"]
    assert rejected.causes[0].message == message
    again = await bed.run("product")
    assert again["counts"]["items"] == 0
    await bed.take(bed.product(rejected.family_id, title="Mended"))
    assert (await bed.run("product"))["counts"]["create"] == 1
    assert len(await bed.shelf()) == 3
