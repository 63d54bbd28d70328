"""A process is killed in the middle of its work; it, or another one, goes on as if it had not."""

import asyncio
import signal
from pathlib import Path

import pytest

from stack.sandbox import Sandbox
from stack.testing import NewDatabase, Programs

from ..publisher_harness import Sku
from ..publisher_process import publisher_process
from ..publisher_running import new_harness

PRODUCTS = 25
KILLS = [
    ("product", "publisher.after-intent", "first"),
    ("product", "publisher.after-call", "second"),
    ("product", "publisher.before-outcome", "first"),
    ("offer", "publisher.after-call", "first"),
]
"""The run, where the replica `first` is killed in it, and which replica carries it on."""
RUN_OUT = "UPDATE lease SET expires_at = now() WHERE name LIKE $1"
LEASE = "SELECT holder, fence, expires_at > now() AS is_held FROM lease WHERE name LIKE $1"


@pytest.mark.slow
@pytest.mark.parametrize(("kind", "point", "successor"), KILLS)
async def test_a_killed_process_leaves_nothing_lost_and_nothing_doubled(
    database: NewDatabase,
    kafka_bootstrap: str,
    topic_prefix: str,
    sandbox: Sandbox,
    programs: Programs,
    tmp_path: Path,
    kind: str,
    point: str,
    successor: str,
) -> None:
    async with new_harness(
        database, kafka_bootstrap, topic_prefix, sandbox, with_jobs=False
    ) as harness:
        await harness.take(
            *[harness.product(f"p{n}", Sku(f"p{n}", stock=5)) for n in range(PRODUCTS)]
        )
        run_id = await harness.ask("product")
        async with publisher_process(programs, harness, tmp_path, "first"):
            await harness.wait(run_id, "awaiting_confirmation")
            if kind == "offer":
                await harness.run("product")
        if kind == "offer":
            await harness.take(
                *[harness.product(f"p{n}", Sku(f"p{n}", stock=6)) for n in range(PRODUCTS)]
            )
            run_id = await harness.ask("offer")
        else:
            await harness.call("POST", f"/runs/{run_id}/confirm")
        async with publisher_process(
            programs, harness, tmp_path, "first", failpoints=f"{point}=kill"
        ) as killed:
            assert await asyncio.wait_for(killed.wait(), 60) == -signal.SIGKILL
        [left] = await harness.pool.fetch(LEASE, f"%{run_id}%")
        assert left["holder"] == "first"
        assert left["is_held"]
        if successor != left["holder"]:
            await harness.pool.execute(RUN_OUT, f"%{run_id}%")
        async with publisher_process(programs, harness, tmp_path, successor):
            view = await harness.wait(run_id)
        [taken] = await harness.pool.fetch(LEASE, f"%{run_id}%")
        assert taken["holder"] == successor
        assert taken["fence"] > left["fence"]
        assert view["state"] == "completed"
        online_skus = await harness.skus_online()
        assert len(online_skus) == PRODUCTS
        assert {sku["inventory"] for sku in online_skus.values()} == {5 if kind == "product" else 6}
        assert len(await harness.ledger("product.create")) == PRODUCTS
        assert len(await harness.ledger("stock.update")) == (0 if kind == "product" else PRODUCTS)
