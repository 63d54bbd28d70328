"""The process is killed in the middle of its work and started again: as if nothing had been."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from publisher_bed import Bed, Sku, bed_of

from stack.ports import free_port
from stack.sandbox import Sandbox
from stack.testing import NewDatabase

KILLS = [
    ("product", "publisher.after-intent"),
    ("product", "publisher.after-call"),
    ("product", "publisher.before-outcome"),
    ("offer", "publisher.after-call"),
]


@asynccontextmanager
async def worker(
    bed: Bed, folder: Path, failpoints: str = ""
) -> AsyncIterator[asyncio.subprocess.Process]:
    """The service as its own process, on the bed's stores."""
    settings = bed.settings
    told = {
        "database_url": settings.database_url.get_secret_value(),
        "kafka_bootstrap": settings.kafka_bootstrap,
        "topic_prefix": settings.topic_prefix,
        "auth_url": settings.auth_url,
        "marketplace_url": settings.marketplace_url,
        "app_key": settings.app_key,
        "app_secret": settings.app_secret.get_secret_value(),
        "instance_id": "killed",
        "session_timeout_seconds": "6",
        "port": str(free_port()),
    }
    environment = {f"PUBLISHER_{name.upper()}": value for name, value in told.items()}
    if failpoints:
        environment |= {"FAILPOINTS": failpoints, "FAILPOINT_MARKS": str(folder)}
    with (folder / "worker.log").open("ab") as log:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "feed_publisher", "worker",
            env={**os.environ, **environment}, stdout=log, stderr=log,
        )  # fmt: skip
    try:
        yield process
    finally:
        if process.returncode is None:
            process.terminate()
            await asyncio.wait_for(process.wait(), 20)


@pytest.mark.slow
@pytest.mark.parametrize(("kind", "point"), KILLS)
async def test_a_killed_process_leaves_nothing_lost_and_nothing_doubled(
    database: NewDatabase,
    kafka_bootstrap: str,
    topic_prefix: str,
    sandbox: Sandbox,
    tmp_path: Path,
    kind: str,
    point: str,
) -> None:
    async with bed_of(database, kafka_bootstrap, topic_prefix, sandbox, with_jobs=False) as bed:
        await bed.take(*[bed.product(f"p{n}", Sku(f"p{n}", stock=5)) for n in range(25)])
        run_id = await bed.ask("product")
        async with worker(bed, tmp_path):
            await bed.wait(run_id, "awaiting_confirmation")
            if kind == "offer":
                await bed.run("product")
        if kind == "offer":
            await bed.take(*[bed.product(f"p{n}", Sku(f"p{n}", stock=6)) for n in range(25)])
            run_id = await bed.ask("offer")
        else:
            await bed.call("POST", f"/runs/{run_id}/confirm")
        async with worker(bed, tmp_path, f"{point}=kill") as killed:
            assert await asyncio.wait_for(killed.wait(), 60) == -signal.SIGKILL
        async with worker(bed, tmp_path):
            view = await bed.wait(run_id)
        assert view["state"] == "completed"
        shelf = await bed.shelf()
        assert len(shelf) == 25
        assert {sku["inventory"] for sku in shelf.values()} == {5 if kind == "product" else 6}
        assert len(await bed.ledger("product.create")) == 25
