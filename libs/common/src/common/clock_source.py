"""Keeps this process's clock on one that is served over HTTP: the sandbox's, on a local stack."""

import asyncio
from datetime import datetime, timedelta

import httpx2
import msgspec
import structlog

from common import clock

log = structlog.get_logger()


class _ClockReading(msgspec.Struct):
    now: datetime
    is_frozen: bool = False


async def follow(url: str, *, every: timedelta = timedelta(milliseconds=500)) -> None:
    """Keep this process's clock on the one served at `url`, until cancelled.

    A reading that fails leaves the clock where it was; the next one corrects it.
    """
    async with httpx2.AsyncClient(timeout=2.0) as client:
        while True:
            try:
                await adopt(client, url)
            except httpx2.HTTPError as error:
                log.debug("clock.unreachable", reason=type(error).__name__)
            await asyncio.sleep(every.total_seconds())


async def adopt(client: httpx2.AsyncClient, url: str) -> None:
    """Read the clock at `url` once and set this process's clock to it.

    Raises `httpx2.HTTPError` when it does not answer.
    """
    answer = await client.get(url)
    answer.raise_for_status()
    reading = msgspec.json.decode(answer.content, type=_ClockReading)
    clock.set_to(reading.now, is_frozen=reading.is_frozen)
