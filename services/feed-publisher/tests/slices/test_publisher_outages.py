"""What is around the service is away: it waits, ends in time when asked to, and doubles nothing."""

import asyncio
import signal
import time
from functools import partial
from pathlib import Path

import pytest

from common.contracts.product import ProductNormalized
from stack.ports import free_port
from stack.sandbox import Sandbox, answers
from stack.testing import FaultProxy, NewDatabase, Programs, ProxiedKafka, eventually, proxy_to

from ..publisher_harness import Harness, Sku
from ..publisher_process import publisher_process
from ..publisher_running import new_harness

DRAINED_WITHIN = 10.0
PRODUCTS = 5


@pytest.mark.parametrize("how", ["refuses", "is silent"])
async def test_asked_to_end_while_a_store_is_away_it_ends_in_ten_seconds(
    database: NewDatabase, proxied_kafka: ProxiedKafka, topic_prefix: str, sandbox: Sandbox,
    programs: Programs, tmp_path: Path, how: str,
) -> None:  # fmt: skip
    kafka, kafka_proxy = proxied_kafka.bootstrap, proxied_kafka.proxy
    async with new_harness(database, kafka, topic_prefix, sandbox, with_jobs=False) as harness:
        url = harness.settings.database_url.get_secret_value()
        async with proxy_to(url) as postgres_proxy:
            took = await asyncio.gather(
                _drain(
                    programs, harness, tmp_path, kafka_proxy, how,
                    kafka_bootstrap=kafka_proxy.address,
                ),
                _drain(
                    programs, harness, tmp_path, postgres_proxy, how,
                    database_url=postgres_proxy.reroute(url),
                ),
            )  # fmt: skip
    assert max(took) < DRAINED_WITHIN


async def _drain(
    programs: Programs,
    harness: Harness,
    folder: Path,
    proxy: FaultProxy,
    how: str,
    **changes: str,
) -> float:
    """Seconds a replica takes to end that works behind this proxy, once nothing passes it."""
    port = free_port()
    replica = "-".join(changes)
    async with publisher_process(
        programs, harness, folder, replica, port=str(port), **changes
    ) as process:
        await eventually(lambda: answers(f"http://127.0.0.1:{port}/health/ready"), within=120)
        passage = proxy.port
        if how == "refuses":
            await proxy.stop()
        else:
            proxy.freeze()
        await harness.send(
            *[harness.product(f"{replica}{n}", Sku(f"{replica}{n}")) for n in range(5)]
        )

        async def is_missed() -> bool:
            return how == "refuses" or proxy.bytes_held_back > 0

        await eventually(is_missed)
        process.send_signal(signal.SIGTERM)
        began = time.monotonic()
        assert await asyncio.wait_for(process.wait(), 2 * DRAINED_WITHIN) == 0
        took = time.monotonic() - began
        if how == "refuses":
            await proxy.start(passage)
        else:
            proxy.thaw()
    return took


async def test_a_bad_network_to_the_marketplace_delays_and_doubles_nothing(
    database: NewDatabase, kafka_bootstrap: str, topic_prefix: str, sandbox: Sandbox
) -> None:
    async with (
        proxy_to(sandbox.url) as proxy,
        new_harness(
            database, kafka_bootstrap, topic_prefix, sandbox,
            marketplace_url=proxy.reroute(sandbox.url), marketplace_timeout_seconds=1,
        ) as harness,
    ):  # fmt: skip
        await harness.publish(*_products(harness, stock=5))
        for stock, fault in enumerate(("cut", "freeze", "drop answers"), 6):
            await harness.take(*_products(harness, stock=stock))
            proxy.freeze() if fault != "drop answers" else proxy.drop_answers()
            before = len(await harness.ledger("stock.update", "accepted"))
            cut, held = proxy.connections_cut, proxy.bytes_held_back

            async def has_struck(cut: int = cut, held: int = held) -> bool:
                return proxy.connections_cut > cut or proxy.bytes_held_back > held

            run_id = await harness.ask("offer")
            await eventually(has_struck)
            if fault == "cut":
                proxy.cut()
            else:
                await eventually(partial(_has_lost_an_answer, harness, run_id))
            proxy.drop_answers(dropping=False)
            proxy.thaw()
            assert (await harness.wait(run_id))["state"] == "completed", fault
            assert {sku["inventory"] for sku in (await harness.skus_online()).values()} == {
                stock
            }, fault
            sent = len(await harness.ledger("stock.update", "accepted")) - before
            # What was held back may come late, after it was sent again: harmless, being absolute.
            assert sent in range(PRODUCTS, (2 if fault == "freeze" else 1) * PRODUCTS + 1), fault
        assert len(await harness.ledger("product.create", "accepted")) == PRODUCTS


def _products(harness: Harness, *, stock: int) -> list[ProductNormalized]:
    return [harness.product(f"p{n}", Sku(f"p{n}", stock=stock)) for n in range(PRODUCTS)]


async def _has_lost_an_answer(harness: Harness, run_id: str) -> bool:
    return bool(
        await harness.pool.fetchval(
            "SELECT count(*) FROM remote_call WHERE run_id = $1 AND state = 'unknown'", run_id
        )
    )
