"""A kill at each failpoint of the backbone leaves the promise true."""

import asyncio
import os
import signal
import sys
from pathlib import Path

import pytest
from backbone_bed import Bed, product, until
from backbone_process import told_products

from common import failpoints

PROCESS = Path(__file__).with_name("backbone_process.py")
BACKBONE = [name for name in sorted(failpoints.NAMES) if name.startswith(("consumer.", "relay."))]
PRODUCTS = 120
POISON = 24
"""Spread over the products: whichever batch a kill strikes has some."""


async def start(bed: Bed, **environment: str) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        sys.executable,
        str(PROCESS),
        bed.url,
        bed.bootstrap,
        bed.prefix,
        env=os.environ | environment,
        stderr=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.DEVNULL,
    )


@pytest.mark.parametrize("name", BACKBONE)
async def test_a_kill_at_this_place_loses_and_doubles_nothing(bed: Bed, name: str) -> None:
    for n in range(PRODUCTS):
        await bed.send(product(f"p{n}"))
        if n % (PRODUCTS // POISON) == 0:
            await bed.send_raw(b"poison", f"m1/main/{n}".encode())
    turn = 2 if name.startswith("consumer.") else 1  # the relay may take all in one turn
    killed = await start(bed, FAILPOINTS=f"{name}=kill@{turn}")
    assert await asyncio.wait_for(killed.wait(), 30) == -signal.SIGKILL
    restarted = await start(bed)
    try:
        await until(bed.table_has("seen", PRODUCTS))
        await until(bed.table_has("dead_letter", POISON))

        async def quiet() -> bool:
            return await bed.count("outbox") == 0

        await until(quiet)
    finally:
        restarted.send_signal(signal.SIGTERM)
        # Where nothing was left to do it may still be starting, deaf to a polite end.
        assert await asyncio.wait_for(restarted.wait(), 10) in {0, -signal.SIGTERM}
    assert {row["times"] for row in await bed.fetch("SELECT times FROM seen")} == {1}
    assert await bed.count("dead_letter") == POISON
    assert await told_products(bed) == {f"p{n}" for n in range(PRODUCTS)}


def test_a_failpoint_that_does_not_exist_is_an_error() -> None:
    with pytest.raises(ValueError, match="no such failpoint"):
        failpoints.arm("consumer.nowhere=kill")
    failpoints.arm("")


def test_an_armed_failpoint_fails_once_at_its_turn() -> None:
    failpoints.arm("lease.after-claim=error@2")
    failpoints.reach("lease.after-claim")
    with pytest.raises(failpoints.FailpointError):
        failpoints.reach("lease.after-claim")
    failpoints.reach("lease.after-claim")
    failpoints.arm("")


def test_a_marked_failpoint_strikes_when_its_mark_is_taken_away(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("FAILPOINT_MARKS", str(tmp_path))
    mark = tmp_path / "lease.after-claim"
    mark.touch()
    failpoints.arm("lease.after-claim=error")
    failpoints.reach("lease.after-claim")
    mark.unlink()
    with pytest.raises(failpoints.FailpointError):
        failpoints.reach("lease.after-claim")
    assert mark.read_text() == str(os.getpid())
    failpoints.reach("lease.after-claim")
    failpoints.arm("")
