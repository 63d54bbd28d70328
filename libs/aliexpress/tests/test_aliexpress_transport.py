"""The transport against a real server that misbehaves."""

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import timedelta

import httpx2
import pytest

from aliexpress.transport import AnswerLost, HttpTransport, NotSent

Behaviour = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
QUICK = httpx2.Timeout(0.3)


@asynccontextmanager
async def server(behaviour: Behaviour) -> AsyncIterator[str]:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await behaviour(reader, writer)
        except ConnectionError:
            pass
        finally:
            writer.close()

    listening = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = listening.sockets[0].getsockname()[1]
    try:
        yield f"http://127.0.0.1:{port}/sync"
    finally:
        listening.close()


async def read_request(reader: asyncio.StreamReader) -> tuple[bytes, bytes]:
    head = await reader.readuntil(b"\r\n\r\n")
    lengths = [
        line.split(b":")[1] for line in head.split(b"\r\n") if line.lower().startswith(b"content-l")
    ]
    return head, await reader.readexactly(int(lengths[0]))


async def post(url: str, transport: HttpTransport | None = None) -> tuple[int, bytes]:
    transport = transport or HttpTransport(timeout=QUICK)
    try:
        reply = await transport.post(url, {"a": "ä&=", "b": ""}, {})
        return reply.status, reply.body
    finally:
        await transport.aclose()


def answer(head: bytes, body: bytes = b"") -> Behaviour:
    async def behave(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        writer.write(head + b"\r\n\r\n" + body)
        await writer.drain()

    return behave


async def test_a_form_arrives_with_its_empty_parameters() -> None:
    seen: list[tuple[bytes, bytes]] = []

    async def behave(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        seen.append(await read_request(reader))
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")
        await writer.drain()

    async with server(behave) as url:
        assert await post(url) == (200, b"{}")
    head, body = seen[0]
    assert head.startswith(b"POST /sync ")
    assert b"application/x-www-form-urlencoded" in head
    assert body == b"a=%C3%A4%26%3D&b="


async def test_a_file_makes_it_multipart() -> None:
    seen: list[tuple[bytes, bytes]] = []

    async def behave(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        seen.append(await read_request(reader))
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")
        await writer.drain()

    transport = HttpTransport(timeout=QUICK)
    async with server(behave) as url:
        await transport.post(url, {"file_name": "1.jpg"}, {"image_bytes": b"\x89PNG"})
    await transport.aclose()
    head, body = seen[0]
    assert b"multipart/form-data" in head
    assert b'name="file_name"\r\n\r\n1.jpg' in body
    assert b'name="image_bytes"; filename="image_bytes"' in body
    assert b"\x89PNG" in body


async def test_nobody_listening_means_not_sent() -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{probe.getsockname()[1]}/sync"
        with pytest.raises(NotSent):
            await post(url)


async def test_a_name_that_does_not_resolve_means_not_sent() -> None:
    with pytest.raises(NotSent):
        await post("http://nowhere.invalid/sync")


async def silence(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await read_request(reader)
    await reader.read()


async def hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await read_request(reader)


async def drip(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await read_request(reader)
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
    while True:
        writer.write(b"x")
        await writer.drain()
        await asyncio.wait({asyncio.ensure_future(reader.read(1))}, timeout=0.05)


@pytest.mark.parametrize(
    "behaviour",
    [
        silence,
        hang_up,
        answer(b"HTTP/1.1 200 OK\r\nContent-Length: 50", b"cut short"),
        answer(b"not http at all"),
        answer(b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 3", b"bad"),
    ],
    ids=["silence", "hang up", "cut short", "not http", "broken gzip"],
)
async def test_an_answer_that_does_not_come_whole_is_lost(behaviour: Behaviour) -> None:
    async with server(behaviour) as url:
        with pytest.raises(AnswerLost):
            await post(url)


async def test_a_number_is_how_long_an_answer_may_take() -> None:
    async with server(silence) as url:
        with pytest.raises(AnswerLost, match="ReadTimeout"):
            await post(url, HttpTransport(timeout=0.2))


async def test_an_answer_that_drips_is_given_up() -> None:
    transport = HttpTransport(timeout=QUICK, max_duration=timedelta(seconds=0.3))
    async with server(drip) as url:
        with pytest.raises(AnswerLost, match="not complete"):
            await post(url, transport)


async def test_an_answer_that_is_too_large_is_given_up() -> None:
    transport = HttpTransport(timeout=QUICK, max_answer_bytes=1000)
    large = answer(b"HTTP/1.1 200 OK\r\nContent-Length: 2000", b"x" * 2000)
    async with server(large) as url:
        with pytest.raises(AnswerLost, match="larger than 1000"):
            await post(url, transport)


async def test_a_redirect_is_not_followed() -> None:
    elsewhere = answer(b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0")
    async with server(elsewhere) as url:
        assert await post(url) == (302, b"")


async def test_a_full_pool_means_not_sent() -> None:
    transport = HttpTransport(timeout=httpx2.Timeout(5.0, pool=0.1), max_connections=1)
    arrived = asyncio.Event()

    async def hold(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        arrived.set()
        await reader.read()

    async with server(hold) as url:
        first = asyncio.ensure_future(transport.post(url, {}, {}))
        async with asyncio.timeout(5):
            await arrived.wait()
        with pytest.raises(NotSent):
            await transport.post(url, {}, {})
        first.cancel()
        await asyncio.wait({first})
        await transport.aclose()
