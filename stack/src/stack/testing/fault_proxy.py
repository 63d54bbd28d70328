"""A small TCP proxy that does to connections what networks do: cut, freeze, drop the answers.

Put it between a service and Kafka, Postgres or the marketplace. Kafka's clients connect to what the
broker advertises, so the broker must advertise the proxy's address: the fixture `proxied_kafka`.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from stack.kafka import Detour, EmbeddedKafka
from stack.ports import LOOPBACK, free_port
from stack.throwaway import StoreAddresses


class FaultProxy:
    """Forwards to `host:port`; healthy until told otherwise."""

    def __init__(self, host: str, port: int) -> None:
        self._target = (host, port)
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()
        self._flowing = asyncio.Event()
        self._flowing.set()
        self._drops_answers = False
        self.connections_cut = 0
        self.bytes_held_back = 0

    @property
    def port(self) -> int:
        """Where to connect instead."""
        if self._server is None:
            raise RuntimeError("the proxy is not started")
        return int(self._server.sockets[0].getsockname()[1])

    @property
    def address(self) -> str:
        """The same with its host."""
        return f"{LOOPBACK}:{self.port}"

    def reroute(self, url: str) -> str:
        """The URL of what is behind it, by way of it."""
        parts = urlsplit(url)
        user, at, _ = parts.netloc.rpartition("@")
        return parts._replace(netloc=f"{user}{at}{self.address}").geturl()

    async def start(self, port: int = 0) -> None:
        """Listen on loopback."""
        self._server = await asyncio.start_server(self._serve, LOOPBACK, port)

    async def stop(self) -> None:
        """Close everything."""
        self._flowing.set()
        if self._server is not None:
            self._server.close()
        self.cut()
        self.connections_cut = 0

    def cut(self) -> None:
        """Reset every connection that is open now."""
        for writer in list(self._writers):
            self.connections_cut += 1
            writer.transport.abort()

    def freeze(self) -> None:
        """Let nothing through, in either direction, but keep the connections."""
        self._flowing.clear()

    def thaw(self) -> None:
        """Let everything through again, what was held back first."""
        self._flowing.set()

    def drop_answers(self, *, dropping: bool = True) -> None:
        """Deliver what the client sends and swallow what the server answers, then cut."""
        self._drops_answers = dropping

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            up_reader, up_writer = await asyncio.open_connection(*self._target)
        except OSError:
            writer.transport.abort()
            return
        self._writers |= {writer, up_writer}
        try:
            await asyncio.wait(
                [
                    asyncio.create_task(self._pump(reader, up_writer, is_answer=False)),
                    asyncio.create_task(self._pump(up_reader, writer, is_answer=True)),
                ]
            )
        finally:
            self._writers -= {writer, up_writer}

    async def _pump(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, is_answer: bool
    ) -> None:
        with suppress(OSError):
            while data := await reader.read(65_536):
                if not self._flowing.is_set():
                    self.bytes_held_back += len(data)
                    await self._flowing.wait()
                if is_answer and self._drops_answers:
                    self.connections_cut += 1
                    break
                writer.write(data)
                await writer.drain()
        writer.transport.abort()


@asynccontextmanager
async def proxy_to(url: str) -> AsyncIterator[FaultProxy]:
    """A proxy to what has this URL, which names its port; it runs for the block."""
    address = urlsplit(url)
    proxy = FaultProxy(address.hostname or LOOPBACK, address.port or 0)
    await proxy.start()
    try:
        yield proxy
    finally:
        await proxy.stop()


@dataclass(frozen=True)
class ProxiedKafka:
    """A Kafka to be reached directly, by `bootstrap`, and behind `proxy`, by its `address`."""

    bootstrap: str
    proxy: FaultProxy


@asynccontextmanager
async def kafka_behind_proxy(
    addresses: StoreAddresses, folder: Path, *, worker: int
) -> AsyncIterator[ProxiedKafka]:
    """The run's Kafka with a proxy on this worker's detour; a broker of its own where it has none.

    `folder` is for the broker's data.
    """
    if addresses.kafka_detours:
        detour = addresses.kafka_detours[worker % len(addresses.kafka_detours)]
        async with _on_detour(detour) as proxy:
            yield ProxiedKafka(addresses.kafka_bootstrap, proxy)
        return
    detour = Detour.free()
    kafka = EmbeddedKafka(
        folder / "kafka", folder / "kafka.log", port=free_port(), detours=[detour]
    )
    await kafka.start()
    try:
        async with _on_detour(detour) as proxy:
            yield ProxiedKafka(kafka.bootstrap, proxy)
    finally:
        await kafka.stop()


@asynccontextmanager
async def _on_detour(detour: Detour) -> AsyncIterator[FaultProxy]:
    proxy = FaultProxy(LOOPBACK, detour.port)
    await proxy.start(detour.advertised_port)
    try:
        yield proxy
    finally:
        await proxy.stop()
