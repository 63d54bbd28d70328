"""Every effect in the order it happened, so that a test can prove what reached AliExpress.

Reads are not in it: calls are counted apart, by operation, taken and refused.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any, Literal

import msgspec

Outcome = Literal["accepted", "refused"]


class Entry(msgspec.Struct, gc=False, omit_defaults=False):
    """One effect, or one that was asked for and refused (then with its code and message)."""

    sequence: int
    at: datetime
    seller_id: str
    operation: str
    product_id: str | None
    sku_code: str | None
    order_id: str | None
    outcome: Outcome
    code: str | None
    message: str | None
    detail: dict[str, Any]


class Ledger:
    """Appends effects and reads them back, filtered."""

    def __init__(self, entries: list[Entry], now: Callable[[], datetime]) -> None:
        self._entries = entries
        self._now = now

    def record(
        self,
        operation: str,
        seller_id: str,
        *,
        product_id: int | None = None,
        sku_code: str | None = None,
        order_id: int | None = None,
        refused: tuple[str, str] | None = None,
        at: datetime | None = None,
        **detail: Any,
    ) -> None:
        """Write one effect down; `refused` holds the code and message of a refusal."""
        self._entries.append(
            Entry(
                sequence=len(self._entries) + 1,
                at=at or self._now(),
                seller_id=seller_id,
                operation=operation,
                product_id=None if product_id is None else str(product_id),
                sku_code=sku_code,
                order_id=None if order_id is None else str(order_id),
                outcome="refused" if refused else "accepted",
                code=refused[0] if refused else None,
                message=refused[1] if refused else None,
                detail=detail,
            )
        )

    def read(
        self,
        *,
        seller_id: str = "",
        operation: str = "",
        outcome: str = "",
        since_sequence: int = 0,
    ) -> Iterator[Entry]:
        """Entries after `since_sequence`; an empty filter lets everything through."""
        for entry in self._entries[max(since_sequence, 0) :]:
            if (
                (not seller_id or entry.seller_id == seller_id)
                and (not operation or entry.operation == operation)
                and (not outcome or entry.outcome == outcome)
            ):
                yield entry

    def __len__(self) -> int:
        return len(self._entries)


def as_line(entry: Entry) -> bytes:
    """One JSON line; code and message only of a refusal."""
    line: dict[str, Any] = {
        "sequence": entry.sequence,
        "at": entry.at.isoformat(),
        "seller_id": entry.seller_id,
        "operation": entry.operation,
        "product_id": entry.product_id,
        "sku_code": entry.sku_code,
        "order_id": entry.order_id,
        "outcome": entry.outcome,
    }
    if entry.outcome == "refused":
        line["code"] = entry.code
        line["message"] = entry.message
    line["detail"] = entry.detail
    return msgspec.json.encode(line) + b"\n"


class CallCounts:
    """How often each operation was called, and how often it was refused and why."""

    def __init__(self) -> None:
        self.calls: Counter[str] = Counter()
        self.in_flight: Counter[str] = Counter()
        self.refused: dict[str, Counter[str]] = {}

    def count(self, operation: str, refusal: str | None = None) -> None:
        """Count one call; `refusal` is the code it was turned away with."""
        self.calls[operation] += 1
        if refusal is not None:
            self.refused.setdefault(operation, Counter())[refusal] += 1

    @contextmanager
    def while_answering(self, operation: str) -> Iterator[None]:
        """Count a call as in flight while it is answered."""
        self.in_flight[operation] += 1
        try:
            yield
        finally:
            self.in_flight[operation] -= 1
            if not self.in_flight[operation]:
                del self.in_flight[operation]

    def clear(self) -> None:
        """Start again from zero."""
        self.calls.clear()
        self.refused.clear()
