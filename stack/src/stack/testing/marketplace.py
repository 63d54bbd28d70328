"""The sandbox by its control interface: what happens at AliExpress, and what reached it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import httpx2
import msgspec

from common import clock, clock_source

SELLER = "2200100001"
"""The sandbox's first seller: sells in US dollars."""


@dataclass(frozen=True)
class Marketplace:
    """One seller's view of a sandbox; bodies and answers are those of sandbox/README.md.

    `http` has the sandbox's address as its base. Every method raises `httpx2.HTTPStatusError` when
    the sandbox refuses.
    """

    http: httpx2.AsyncClient
    seller_id: str = SELLER

    async def control(self, path: str, /, **body: Any) -> Any:
        """POST to `/control/<path>`; the answer, decoded."""
        return await self._send("POST", path, json=body)

    # -- connecting

    async def authorization_code(self, redirect_uri: str) -> str:
        """The code the seller's consent gives: what AliExpress sends back to `redirect_uri`."""
        answer = await self.control("codes", seller_id=self.seller_id, redirect_uri=redirect_uri)
        return str(answer["code"])

    async def revoke_tokens(self) -> None:
        """End the seller's tokens, as AliExpress does without a word."""
        await self.control("tokens/expire", seller_id=self.seller_id)

    # -- what reached it

    async def ledger(
        self, operation: str = "", *, outcome: str = "accepted", since: int = 0
    ) -> list[dict[str, Any]]:
        """The seller's effects numbered above `since`, oldest first; empty texts match all."""
        query = {
            "seller": self.seller_id,
            "operation": operation,
            "outcome": outcome,
            "since_sequence": str(since),
        }
        answer = await self.http.get("/control/ledger", params=query)
        answer.raise_for_status()
        return [msgspec.json.decode(line) for line in answer.content.splitlines()]

    async def products(self) -> list[dict[str, Any]]:
        """The seller's products as they stand now."""
        found: list[dict[str, Any]] = await self._send(
            "GET", "products", params={"seller": self.seller_id}
        )
        return found

    async def calls(self) -> dict[str, int]:
        """How often each operation was called, by any seller."""
        answer = await self._send("GET", "calls")
        return dict(answer["calls"])

    # -- time

    async def move_clock(self, **change: Any) -> datetime:
        """Move the marketplace's clock (`advance_seconds`, `set`, `is_frozen`) and our own with it.

        The time it is then. A test that moves it in its own process puts it back:
        `monkeypatch.setattr(clock, "_offset", clock._offset)`, and `_frozen_at` likewise.
        """
        await self.control("clock", **change)
        await clock_source.adopt(self.http, "/control/clock")
        return clock.now()

    # -- faults

    async def set_fault(self, **fault: Any) -> int:
        """Set a fault for this seller's calls (or `seller_id=""`: for all); its number."""
        answer = await self.control("faults", **{"seller_id": self.seller_id, **fault})
        return int(answer["id"])

    async def faults(self) -> list[dict[str, Any]]:
        """The faults that are set for this seller, with how often each has `struck`."""
        mine = {self.seller_id, ""}
        return [fault for fault in await self._send("GET", "faults") if fault["seller_id"] in mine]

    async def remove_fault(self, fault_id: int) -> None:
        """One fault strikes no more."""
        await self._send("DELETE", f"faults/{fault_id}")

    async def remove_faults(self) -> None:
        """The marketplace works again for this seller."""
        for fault in await self.faults():
            await self.remove_fault(fault["id"])

    async def _send(self, method: str, path: str, **request: Any) -> Any:
        answer = await self.http.request(method, f"/control/{path}", **request)
        answer.raise_for_status()
        return answer.json()


@asynccontextmanager
async def open_marketplace(url: str, seller_id: str = SELLER) -> AsyncIterator[Marketplace]:
    """The control interface of the sandbox at `url`, for one of its sellers."""
    async with httpx2.AsyncClient(base_url=url, timeout=20) as http:
        yield Marketplace(http, seller_id)
