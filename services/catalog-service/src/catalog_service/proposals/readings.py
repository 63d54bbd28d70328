"""How many catalogues are read for proposals at a time: a workbook takes memory beside the
service's own, whoever sent it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

from common.errors import Refusal

AT_ONCE = 2
"""In each process; as many workbooks as the worker's imports open."""
_SOON = timedelta(seconds=10)


class Readings:
    """The catalogues that are being read in this process: one of each merchant."""

    def __init__(self) -> None:
        self._merchants: set[str] = set()
        self._free = asyncio.Semaphore(AT_ONCE)

    @asynccontextmanager
    async def take(self, merchant_id: str) -> AsyncIterator[None]:
        """Wait for a turn. Raises `Refusal` while another of the merchant's is read or waits."""
        if merchant_id in self._merchants:
            raise Refusal(
                "another catalogue of the merchant is being read for a proposal",
                status=429,
                slug="proposal-running",
                remedy="Ask again when it has been answered.",
                retry_after=_SOON,
            )
        self._merchants.add(merchant_id)
        try:
            async with self._free:
                yield
        finally:
            self._merchants.remove(merchant_id)
