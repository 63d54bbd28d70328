"""A kill at each failpoint of the backbone leaves the promise true."""

import asyncio
import os
import signal
from contextlib import AbstractAsyncContextManager
from datetime import timedelta
from pathlib import Path

import pytest

from common import failpoints
from stack.testing import Programs, RunningProgram, eventually

from . import backbone_process
from .backbone_harness import Harness, product
from .backbone_process import published_products

BACKBONE = [name for name in sorted(failpoints.NAMES) if name.startswith(("consumer.", "relay."))]
PRODUCTS = 120
POISON = 24
"""Spread over the products: whichever batch a kill strikes has some."""


def running(
    programs: Programs, harness: Harness, folder: Path, **environment: str
) -> AbstractAsyncContextManager[RunningProgram]:
    return programs.running(
        *(backbone_process.__name__, harness.url, harness.bootstrap, harness.prefix),
        log=folder / "process.log",
        environment=environment,
        patience=timedelta(seconds=10),
    )


@pytest.mark.parametrize("name", BACKBONE)
async def test_a_kill_at_this_place_loses_and_doubles_nothing(
    harness: Harness, programs: Programs, tmp_path: Path, name: str
) -> None:
    for n in range(PRODUCTS):
        await harness.send(product(f"p{n}"))
        if n % (PRODUCTS // POISON) == 0:
            await harness.send_raw(b"poison", f"m1/main/{n}".encode())
    turn = 2 if name.startswith("consumer.") else 1  # the relay may take all in one turn
    failpoint = f"{name}=kill@{turn}"
    async with running(programs, harness, tmp_path, FAILPOINTS=failpoint) as killed:
        assert await asyncio.wait_for(killed.wait(), 30) == -signal.SIGKILL
    async with running(programs, harness, tmp_path) as restarted:
        await eventually(harness.table_has("seen", PRODUCTS))
        await eventually(harness.table_has("dead_letter", POISON))

        async def quiet() -> bool:
            return await harness.count("outbox") == 0

        await eventually(quiet)
        restarted.send_signal(signal.SIGTERM)
        # Where nothing was left to do it may still be starting, deaf to a polite end.
        assert await asyncio.wait_for(restarted.wait(), 10) in {0, -signal.SIGTERM}
    assert {row["times"] for row in await harness.fetch("SELECT times FROM seen")} == {1}
    assert await harness.count("dead_letter") == POISON
    assert await published_products(harness) == {f"p{n}" for n in range(PRODUCTS)}


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
