"""The local stack's AliExpress simulator, by its control API: what reached it, and what happens."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

import httpx2
import msgspec

from channel_cli.session import Unreachable

T = TypeVar("T")

SELLER_BY_CURRENCY = {"USD": "2200100001", "EUR": "2200100003"}
"""Sandbox Shop One sells in US dollars, Tienda Sandbox Tres in euros."""
ONLINE = "onSelling"
AUDITING = "auditing"


class SandboxRefused(Exception):
    """The sandbox does not do what its control API was asked; the text says what and why."""


class _Refused(msgspec.Struct, frozen=True):
    error: str


class LedgerEntry(msgspec.Struct, frozen=True):
    """One effect at the marketplace, accepted or refused."""

    sequence: int
    operation: str
    outcome: str
    product_id: str | None = None
    sku_code: str | None = None
    order_id: str | None = None
    code: str | None = None
    message: str | None = None
    detail: dict[str, Any] = msgspec.field(default_factory=dict)

    @property
    def is_accepted(self) -> bool:
        """Whether it took effect."""
        return self.outcome == "accepted"


class ShopSku(msgspec.Struct, frozen=True):
    """A SKU as the shop has it; prices are decimal texts."""

    sku_code: str
    price: str
    inventory: int
    discount_price: str | None = None


class ShopProduct(msgspec.Struct, frozen=True):
    """A product as the shop has it."""

    product_id: str
    status: str
    title: str
    category_id: str
    skus: list[ShopSku]


class Parcel(msgspec.Struct, frozen=True):
    """A parcel the marketplace knows of."""

    carrier: str
    tracking_number: str


class ShopOrder(msgspec.Struct, frozen=True):
    """An order as the marketplace has it; `order_number` is the same for the same seed."""

    order_id: str
    order_number: str
    status: str
    shipments: list[Parcel] = msgspec.field(default_factory=list)


class CaughtMail(msgspec.Struct, frozen=True):
    """A mail that the sandbox caught."""

    subject: str
    recipients: list[str]
    received_at: datetime
    text: str


class _Mails(msgspec.Struct, frozen=True):
    mails: list[CaughtMail]


@dataclass(frozen=True)
class SandboxControl:
    """What a test or a demonstration may do that no seller could.

    Every method raises `SandboxRefused` and `Unreachable`.
    """

    http: httpx2.AsyncClient
    seller_id: str

    async def ledger(self, since: int = 0, operation: str = "") -> list[LedgerEntry]:
        """The effects after the one numbered `since`."""
        query = {"seller": self.seller_id, "since_sequence": str(since), "operation": operation}
        answer = await self._send("GET", "/control/ledger", params=query)
        return msgspec.json.Decoder(LedgerEntry).decode_lines(answer.content)

    async def last_sequence(self) -> int:
        """The number of the newest effect, 0 before any."""
        entries = await self.ledger()
        return entries[-1].sequence if entries else 0

    async def products(self) -> list[ShopProduct]:
        """The shop as it stands now."""
        return await self._get("/control/products", list[ShopProduct], {"seller": self.seller_id})

    async def orders(self) -> list[ShopOrder]:
        """All orders of the shop."""
        return await self._get("/control/orders", list[ShopOrder], {"seller": self.seller_id})

    async def place_orders(self, *, seed: int, count: int, status: str) -> list[ShopOrder]:
        """Let buyers order what the shop sells, and bring the orders to `status`."""
        wanted = {"seller_id": self.seller_id, "seed": seed, "count": count, "status": status}
        return await self._post("/control/orders", list[ShopOrder], wanted)

    async def place_order(
        self, lines: Sequence[tuple[str, int]], *, seed: int, status: str
    ) -> ShopOrder:
        """One order of the given SKU codes and quantities."""
        wanted = {
            "seller_id": self.seller_id,
            "seed": seed,
            "status": status,
            "lines": [{"sku_code": sku, "quantity": quantity} for sku, quantity in lines],
        }
        return (await self._post("/control/orders", list[ShopOrder], wanted))[0]

    async def move_clock(self, seconds: float) -> None:
        """Let time pass for the marketplace and all services."""
        await self._post("/control/clock", dict[str, Any], {"advance_seconds": seconds})

    async def end_tokens(self) -> None:
        """The seller takes the authorisation back."""
        await self._post("/control/tokens/expire", Any, {"seller_id": self.seller_id})

    async def mails(self, recipient: str) -> list[CaughtMail]:
        """What was mailed to this address, the oldest first."""
        return (await self._get("/control/mails", _Mails, {"to": recipient})).mails

    async def calls(self) -> Mapping[str, int]:
        """How often each operation was called."""
        answer = await self._get("/control/calls", dict[str, Any], {})
        return msgspec.convert(answer["calls"], dict[str, int])

    async def _get(self, path: str, form: type[T], query: Mapping[str, str]) -> T:
        answer = await self._send("GET", path, params=query)
        return msgspec.json.decode(answer.content, type=form)

    async def _post(self, path: str, form: type[T], body: Any) -> T:
        answer = await self._send("POST", path, json=body)
        return msgspec.json.decode(answer.content, type=form)

    async def _send(self, method: str, path: str, **request: Any) -> httpx2.Response:
        try:
            answer = await self.http.request(method, path, **request)
        except httpx2.HTTPError as error:
            raise Unreachable("sandbox", str(self.http.base_url), type(error).__name__) from None
        if answer.is_error:
            raise SandboxRefused(
                f"the sandbox refuses {method} {path} (HTTP {answer.status_code}): {_why(answer)}"
            )
        return answer


def _why(answer: httpx2.Response) -> str:
    try:
        return msgspec.json.decode(answer.content, type=_Refused).error
    except msgspec.MsgspecError:
        return "it does not say why"


@asynccontextmanager
async def open_sandbox(url: str, seller_id: str) -> AsyncIterator[SandboxControl]:
    """The control API of the sandbox at `url`, for one of its sellers."""
    async with httpx2.AsyncClient(base_url=url, timeout=30) as http:
        yield SandboxControl(http, seller_id)
