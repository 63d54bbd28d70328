"""Picture hosts of one merchant that do not answer delay no other merchant's pictures."""

import asyncio
import socket
import threading
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import pytest

from catalog_service.images.check_images import JOB, ImageChecker
from catalog_service.images.fetch_image import ImageFetcher
from catalog_service.images.store import CHECKING_IMAGES, claim_due_checks, request_checks
from common import clock
from common.jobs import Job
from common.postgres.pool import Pool
from common.postgres.unit_of_work import unit_of_work
from stack.testing import eventually

AT_ONCE = 8
PNG = b"\x89PNG\r\n\x1a\n" + bytes(32)


class PictureServer:
    """A server on every local address: paths below `/never` get no answer, others a picture."""

    def __init__(self) -> None:
        self.port = 0
        self.open = 0
        self.most_open = 0

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.open += 1
        self.most_open = max(self.open, self.most_open)
        try:
            request = await reader.readuntil(b"\r\n\r\n")
            if request.startswith(b"GET /never"):
                await reader.read()  # until the other side gives up
                return
            head = f"HTTP/1.1 200 OK\r\ncontent-length: {len(PNG)}\r\nconnection: close\r\n\r\n"
            writer.write(head.encode() + PNG)
            await writer.drain()
        finally:
            self.open -= 1
            writer.close()

    def url(self, host: str, path: str) -> str:
        return f"http://{host}:{self.port}/{path}"


@pytest.fixture
async def pictures() -> AsyncIterator[PictureServer]:
    server = PictureServer()
    async with await asyncio.start_server(server.answer, "0.0.0.0", 0) as listening:
        server.port = listening.sockets[0].getsockname()[1]
        yield server


@asynccontextmanager
async def checking(pool: Pool, hosts: Sequence[str], port: int) -> AsyncIterator[Job]:
    """The job as the service runs and stops it, with these hosts allowed."""
    fetcher = ImageFetcher(frozenset(f"{host}:{port}" for host in hosts))
    checker = ImageChecker(pool, fetcher, at_once=AT_ONCE)
    job = Job("images", checker.run, every=timedelta(seconds=1), woken_by=[CHECKING_IMAGES])
    job.start()
    try:
        yield job
    finally:
        await job.stop()
        await checker.aclose()
        await fetcher.aclose()


async def ask_for(pool: Pool, merchant: str, *urls: str) -> None:
    async with unit_of_work(pool) as connection:
        await request_checks(connection, [(merchant, url) for url in urls])


async def until_checked(pool: Pool, url: str) -> float:
    """The seconds until the picture has its verdict, which must be a good one."""
    began = time.monotonic()

    async def is_checked() -> bool:
        return bool(
            await pool.fetchval(
                "SELECT is_reachable FROM image_check WHERE url = $1 AND checked_at IS NOT NULL",
                url,
            )
        )

    await eventually(is_checked, within=20)
    return time.monotonic() - began


async def test_hosts_that_never_answer_delay_no_other_merchant(
    pool: Pool, pictures: PictureServer
) -> None:
    slow = [f"127.1.{n // 200}.{n % 200 + 1}" for n in range(400)]
    async with checking(pool, [*slow, "127.0.0.1"], pictures.port):
        await ask_for(pool, "a", *(pictures.url(host, "never/1.png") for host in slow))
        await eventually(lambda: pictures.open == AT_ONCE)
        good = pictures.url("127.0.0.1", "good.png")
        await ask_for(pool, "b", good)
        assert await until_checked(pool, good) < 2
        assert pictures.most_open <= AT_ONCE + 1


async def test_many_merchants_with_hosts_that_never_answer_leave_room_for_another(
    pool: Pool, pictures: PictureServer
) -> None:
    slow = [f"127.1.0.{n + 1}" for n in range(10)]
    async with checking(pool, [*slow, "127.0.0.1"], pictures.port):
        for merchant, host in enumerate(slow):
            never = [pictures.url(host, f"never/{n}.png") for n in range(20)]
            await ask_for(pool, f"a{merchant}", *never)
        await eventually(lambda: pictures.open >= 2 * AT_ONCE)
        good = pictures.url("127.0.0.1", "good.png")
        await ask_for(pool, "b", good)
        assert await until_checked(pool, good) < 2


async def test_a_claim_that_dies_is_due_again_and_no_other_process_takes_it_meanwhile(
    pool: Pool,
) -> None:
    async with unit_of_work(pool) as connection:
        await request_checks(connection, [(m, f"https://x.example/{m}.png") for m in "abc"])

    async def claim(*without: str) -> set[str]:
        async with unit_of_work(pool) as connection:
            claimed = await claim_due_checks(
                connection,
                JOB,
                until=clock.now() + timedelta(minutes=1),
                without_merchants=without,
                merchants=50,
                per_merchant=100,
            )
        return {merchant for merchant, _ in claimed}

    assert await claim("b") == {"a", "c"}
    assert await claim() == {"b"}
    assert await claim() == set()
    await pool.execute("UPDATE image_check SET due_at = due_at - interval '1 minute'")
    assert await claim() == {"a", "b", "c"}


async def test_one_slow_picture_delays_none_of_its_merchant(
    pool: Pool, pictures: PictureServer
) -> None:
    async with checking(pool, ["127.0.0.1", "127.0.0.2"], pictures.port):
        await ask_for(pool, "a", pictures.url("127.0.0.1", "never/1.png"))
        await eventually(lambda: pictures.open == 1)
        good = pictures.url("127.0.0.2", "good.png")
        await ask_for(pool, "a", good)
        assert await until_checked(pool, good) < 2


async def test_a_host_that_a_merchant_finds_away_is_asked_for_the_others(
    pool: Pool, pictures: PictureServer
) -> None:
    async with checking(pool, ["127.0.0.1"], pictures.port):
        never = [pictures.url("127.0.0.1", f"never/{n}.png") for n in range(20)]
        await ask_for(pool, "a", *never)
        await eventually(lambda: pictures.open > 0)
        good = pictures.url("127.0.0.1", "good.png")
        await ask_for(pool, "b", good)
        assert await until_checked(pool, good) < 2


@pytest.fixture
def slow_names(monkeypatch: pytest.MonkeyPatch) -> Iterator[threading.Semaphore]:
    """Names below `slow.example` take until the end of the test to be found; the semaphore counts
    the lookups that hang."""
    ended, hanging = threading.Event(), threading.Semaphore(0)
    look_up = socket.getaddrinfo

    def getaddrinfo(host: str, *args: Any, **options: Any) -> Any:
        if not host.endswith("slow.example"):
            return look_up(host, *args, **options)
        hanging.release()
        ended.wait()
        raise socket.gaierror(socket.EAI_AGAIN, "no answer")

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    yield hanging
    ended.set()


async def test_names_that_are_not_found_in_time_delay_no_other_merchant(
    pool: Pool, pictures: PictureServer, slow_names: threading.Semaphore
) -> None:
    async with checking(pool, ["127.0.0.1"], pictures.port):
        await ask_for(pool, "a", *(f"http://{n}.slow.example/1.png" for n in range(400)))
        await eventually(lambda: slow_names.acquire(blocking=False))
        good = pictures.url("127.0.0.1", "good.png")
        await ask_for(pool, "b", good)
        assert await until_checked(pool, good) < 2


async def test_stopping_waits_for_no_picture_and_no_name(
    pool: Pool, pictures: PictureServer, slow_names: threading.Semaphore
) -> None:
    async with checking(pool, ["127.0.0.1"], pictures.port):
        never = [pictures.url("127.0.0.1", f"never/{n}.png") for n in range(3)]
        await ask_for(pool, "a", *never, "http://1.slow.example/1.png")
        await eventually(lambda: pictures.open == 3)
        await eventually(lambda: slow_names.acquire(blocking=False))
        began = time.monotonic()
    assert time.monotonic() - began < 2
    await eventually(lambda: pictures.open == 0, within=2)
