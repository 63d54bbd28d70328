"""Prices and stock go out between the ordinary runs, what falls to zero first, and take nothing
from these."""

import asyncio
import signal
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from aliexpress.offers import UPDATE_STOCK
from common.contracts.feed import FeedCompleted
from common.postgres.unit_of_work import unit_of_work
from feed_publisher.desired.store import IN_FAST_LANE, mark_sold_skus
from feed_publisher.fast_lane.forget_runs import forget_runs
from feed_publisher.fast_lane.share import LaneShare
from feed_publisher.fast_lane.start_runs import FastLane
from stack.sandbox import Sandbox
from stack.testing import NewDatabase, Programs, eventually

from ..publisher_auth import MERCHANT
from ..publisher_harness import FEED, SHOP, Harness, Sku
from ..publisher_process import publisher_process
from ..publisher_running import new_harness

PRODUCTS = 12
FAILURE = {"code": "ServiceUnavailable", "message": "the service is not available"}
STOCK = 5
LANE_RUNS = "SELECT count(*) FROM feed_run WHERE cause = 'fast_lane'"
IN_LANE = "SELECT count(*) FROM family_mark WHERE lane IS NOT NULL"
OFFER_MARKS = """SELECT family_id, unsure_stock FROM family_mark
    WHERE kind = 'offer' AND family_id = $1"""


def code(number: int) -> str:
    return f"p{number:02}"


@dataclass
class Lane:
    """The fast lane of a service that has it switched off: its turns are taken by the test, and
    the service drives the runs."""

    harness: Harness
    seconds: float = 0.000_001

    def job(self) -> FastLane:
        settings = self.harness.settings.model_copy(
            update={
                "fast_lane": True,
                "fast_lane_seconds": self.seconds,
            }
        )
        pool = self.harness.pool
        return FastLane(pool, LaneShare(pool, settings), settings)

    async def until_on_sale(self) -> None:
        """Wait for AliExpress's audits, for which no fast-lane run waits."""

        async def are_on_sale() -> bool:
            online = await self.harness.skus_online()
            return {sku["status"] for sku in online.values()} == {"onSelling"}

        await eventually(are_on_sale, within=60)

    async def want(self, changes: Mapping[int, Sku]) -> None:
        await self.harness.take(
            *[self.harness.product(code(number), sku) for number, sku in changes.items()]
        )

    async def turn(self) -> bool:
        """Whether anything was due; what began has ended."""
        was_due = await self.job().take_turn()
        await self.harness.quiet()
        return was_due

    async def runs(self) -> int:
        return int(await self.harness.pool.fetchval(LANE_RUNS))

    async def stock(self) -> dict[str, int]:
        """What the shop has otherwise than at the start."""
        online = await self.harness.skus_online()
        return {c: sku["inventory"] for c, sku in online.items() if sku["inventory"] != STOCK}


class Bell:
    """In the place of a job that is woken."""

    has_rung = False

    def wake(self) -> None:
        self.has_rung = True


def stocked(number: int, stock: int, price: str = "20.00") -> dict[int, Sku]:
    return {number: Sku(code(number), price, stock=stock)}


async def test_changes_go_at_once_and_what_is_not_to_go_waits_for_the_ordinary_run(
    harness: Harness,
) -> None:
    lane = Lane(harness)
    await harness.take(*[harness.product(code(n)) for n in range(PRODUCTS)])
    assert not await lane.turn()  # the first run is not confirmed, and nothing is online
    await harness.run("product")
    await lane.until_on_sale()
    assert not await lane.turn()
    told = len(await harness.emitted(FeedCompleted))

    # what falls to zero goes first, in one call with the rest
    await lane.want(stocked(0, STOCK, "21.00") | stocked(1, 8) | stocked(2, 0))
    assert await lane.turn()
    assert await lane.stock() == {code(1): 8, code(2): 0}
    online = await harness.skus_online()
    assert online[code(0)]["price"] == "21.00"
    sent = await harness.ledger("stock.update", "accepted")
    assert [line["product_id"] for line in sent] == [
        online[code(number)]["product_id"] for number in (2, 1)
    ]

    # it is no news: lists, facts and conditions pass over it
    assert len(await harness.emitted(FeedCompleted)) == told
    shown = (await harness.call("GET", f"/feeds/{FEED}/runs"))["items"]
    with_lane = (await harness.call("GET", f"/feeds/{FEED}/runs", fast_lane=True))["items"]
    assert "fast_lane" not in {run["cause"] for run in shown}
    [by_lane] = [run for run in with_lane if run["cause"] == "fast_lane"]
    assert (by_lane["state"], by_lane["kind"]) == ("completed", "offer")
    assert by_lane["counts"]["items"] == 3
    report = await harness.call("GET", f"/runs/{by_lane['run_id']}/report")
    assert report["causes"] == []
    assert not await lane.turn()
    assert await lane.runs() == 1

    # an ordinary run has all that no lane took, and nothing twice
    await lane.want(stocked(3, 7))
    counts = (await harness.run("offer"))["counts"]
    assert (counts["items"], counts["stock"]) == (1, 1)
    assert not await lane.turn()

    # two replicas begin one run
    await lane.want(stocked(4, 9))
    await asyncio.gather(lane.job().take_turn(), lane.job().take_turn())
    await harness.quiet()
    assert await lane.runs() == 2
    assert (await lane.stock())[code(4)] == 9

    # while AliExpress answers with failures, an ordinary run that is asked for has what is left
    await lane.want(stocked(3, 8))
    fault = await harness.control("faults", kind="error", operation=UPDATE_STOCK.name, **FAILURE)
    assert await lane.job().take_turn()
    ordinary = await harness.ask("offer")
    await eventually(lambda: _has_ended(harness))
    await harness.remove_fault(fault)
    view = await harness.wait(ordinary)
    assert (view["state"], view["counts"]["stock"]) == ("completed", 1)
    assert (await lane.stock())[code(3)] == 8

    # who began a run looks again when the feed's next turn has come
    await lane.want(stocked(5, 4))
    bell = Bell()
    IN_FAST_LANE.subscribe(bell)
    assert await Lane(harness, seconds=0.2).turn()
    await eventually(lambda: bell.has_rung)
    await eventually(lambda: _is_next_turn(harness))

    # one run in so long
    await lane.want(stocked(5, 6))
    assert await Lane(harness, seconds=3600).turn()
    await lane.want(stocked(5, 7))
    assert not await lane.turn()
    assert (await lane.stock())[code(5)] == 6
    await harness.pool.execute("UPDATE feed SET fast_lane_due_at = now() WHERE true")

    await _beside_others(harness, lane)
    await _what_an_order_moved(harness, lane)
    await _guarded(harness, lane)

    assert await forget_runs(harness.pool, kept=-harness.settings.look_every) is False
    assert await lane.runs() == 0
    assert not await harness.pool.fetchval(
        "SELECT count(*) FROM run_item WHERE run_id NOT IN (SELECT run_id FROM feed_run)"
    )


async def _is_next_turn(harness: Harness) -> bool:
    return bool(await harness.pool.fetchval("SELECT fast_lane_due_at <= now() FROM feed"))


async def _has_ended(harness: Harness) -> bool:
    return not await harness.pool.fetchval(
        "SELECT 1 FROM feed_run WHERE cause = 'fast_lane' AND state = 'running'"
    )


async def _beside_others(harness: Harness, lane: Lane) -> None:
    """Nothing begins beside an ordinary run, nor while the feed or its shop is not to be served."""
    await lane.want(stocked(5, 3))
    async with harness.held_up("offer", UPDATE_STOCK.name):
        await lane.want(stocked(6, 6))
        assert not await lane.job().take_turn()
    await harness.quiet()

    await harness.call("POST", f"/feeds/{FEED}/pause", {"reason": "stocktaking"})
    assert not await lane.turn()
    feed = await harness.call("POST", f"/feeds/{FEED}/resume")
    assert feed["fast_lane"]["is_on"] is False  # by the service's own setting
    await harness.take(harness.shop_state(connection="disconnected"))
    assert not await lane.turn()
    await harness.take(harness.shop_state())
    feed = await harness.call("PUT", f"/feeds/{FEED}/fast-lane", {"is_on": False})
    assert feed["fast_lane"] == {
        "is_on": False, "why_off": "it is switched off for this feed", "is_chosen": False,
    }  # fmt: skip
    assert not await lane.turn()
    assert (await lane.stock()).get(code(6)) is None
    await harness.call("PUT", f"/feeds/{FEED}/fast-lane", {"is_on": None})
    assert await lane.turn()
    assert (await lane.stock())[code(6)] == 6


async def _what_an_order_moved(harness: Harness, lane: Lane) -> None:
    """What an order made unsure waits for the ordinary run, whatever of the product goes before."""
    async with unit_of_work(harness.pool) as connection:
        await mark_sold_skus(connection, [(MERCHANT, SHOP, code(1))])
    assert not await lane.turn()
    await lane.want(stocked(1, 8, "22.00"))
    before = len(await harness.ledger("stock.update"))
    assert await lane.turn()
    assert (await harness.skus_online())[code(1)]["price"] == "22.00"
    [left] = await harness.pool.fetch(OFFER_MARKS, code(1))
    assert left["unsure_stock"] == [code(1)]
    assert len(await harness.ledger("stock.update")) == before
    assert (await harness.run("offer"))["counts"]["stock"] == 1


async def _guarded(harness: Harness, lane: Lane) -> None:
    """What the guard would withhold waits for the ordinary run, which withholds it; nothing else
    waits with it."""
    gone = {code(number) for number in (7, 8, 9)}
    await lane.want(stocked(7, 0) | stocked(8, 0) | stocked(9, 0) | stocked(10, STOCK, "19.00"))
    assert await lane.turn()
    assert (await harness.skus_online())[code(10)]["price"] == "19.00"
    assert not gone & (await lane.stock()).keys()
    assert not await harness.pool.fetchval(IN_LANE)
    view = await harness.run("offer")
    assert (view["state"], view["counts"]["withheld"]) == ("withheld", len(gone))

    await lane.want(stocked(11, 0))  # alone it might go, but not beside what is held
    assert await lane.turn()
    assert code(11) not in await lane.stock()
    await lane.want(stocked(10, STOCK, "18.00"))
    assert await lane.job().take_turn()  # its run is waited for, and supersedes nothing
    await harness.call("POST", f"/runs/{view['run_id']}/confirm")
    await harness.wait(view["run_id"], "completed")
    assert {c: s for c, s in (await lane.stock()).items() if c in gone} == dict.fromkeys(gone, 0)
    assert code(11) not in await lane.stock()
    assert (await harness.run("offer"))["state"] == "completed"
    assert (await lane.stock())[code(11)] == 0


MANY = 45
SLOW = {UPDATE_STOCK.name: {"per_second": 0.4, "burst": 2}}
QUOTA = 100_000


async def test_the_lane_keeps_to_its_share_and_an_ordinary_run_has_its_own(
    database: NewDatabase, kafka_bootstrap: str, topic_prefix: str, sandbox: Sandbox
) -> None:
    limits = {"per_seller": SLOW, "app_calls_per_day": QUOTA}
    async with new_harness(
        database, kafka_bootstrap, topic_prefix, sandbox, limits=limits
    ) as harness:
        lane = Lane(harness)
        await harness.publish(*[harness.product(code(n)) for n in range(MANY)])
        await lane.until_on_sale()
        await lane.want({n: Sku(code(n), stock=7) for n in range(MANY)})
        assert await lane.turn()
        [run] = [
            run
            for run in (await harness.call("GET", f"/feeds/{FEED}/runs", fast_lane=True))["items"]
            if run["cause"] == "fast_lane"
        ]
        # one call of 20 at once; the next one would have waited for five seconds
        assert (run["counts"]["stock"], run["counts"]["deferred"]) == (20, MANY - 20)
        assert not await harness.pool.fetchval(IN_LANE)
        view = await harness.run("offer")
        assert (view["state"], view["counts"]["stock"]) == ("completed", MANY - 20)
        assert set((await lane.stock()).values()) == {7}

        used = {**limits, "app_calls_per_day": 2}
        settings = harness.settings.model_copy(update={"limits": used})
        assert await LaneShare(harness.pool, settings).is_used_up()
        assert not await LaneShare(harness.pool, harness.settings).is_used_up()


@pytest.mark.slow
async def test_a_process_killed_in_the_fast_lane_loses_and_doubles_nothing(
    database: NewDatabase,
    kafka_bootstrap: str,
    topic_prefix: str,
    sandbox: Sandbox,
    programs: Programs,
    tmp_path: Path,
) -> None:
    async with new_harness(
        database, kafka_bootstrap, topic_prefix, sandbox, with_jobs=False, fast_lane=True
    ) as harness:
        lane = Lane(harness)

        async def killed(failpoint: str) -> None:
            async with publisher_process(
                programs, harness, tmp_path, "first", failpoints=f"{failpoint}=kill",
                fast_lane_seconds="0.2",
            ) as process:  # fmt: skip
                assert await asyncio.wait_for(process.wait(), 60) == -signal.SIGKILL

        async with publisher_process(programs, harness, tmp_path, "first"):
            await harness.publish(*[harness.product(code(n)) for n in range(PRODUCTS)])
        await lane.until_on_sale()
        await lane.want({n: Sku(code(n), stock=7) for n in range(PRODUCTS)})
        await killed("planning.before-commit")
        assert await harness.pool.fetchval(IN_LANE) == PRODUCTS
        assert await lane.runs() == 0
        await killed("publisher.after-call")

        async def is_right() -> bool:
            return (await lane.stock()) == {code(n): 7 for n in range(PRODUCTS)}

        await harness.pool.execute("UPDATE lease SET expires_at = now() WHERE name LIKE 'run:%'")
        async with publisher_process(
            programs, harness, tmp_path, "second", fast_lane_seconds="0.2"
        ):
            await harness.quiet()
            await eventually(is_right)
        assert await lane.runs() == 1
        assert len(await harness.ledger("stock.update")) == PRODUCTS
        assert not await harness.pool.fetchval(IN_LANE)
