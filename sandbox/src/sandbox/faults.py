"""Faults on demand: what goes wrong, for which calls, how often.

Kinds that strike a call
    latency          answers `seconds` late
    late_answer      does it, then answers `seconds` late, or as soon as the fault is removed
    hang             does not answer for `seconds` (an hour by default), then breaks off
    http_error       answers `status` without doing anything
    http_error_after does it, then answers `status`
    html             an HTML page with status 200, nothing done
    truncated        does it, then sends half the JSON
    error            an error answer with `code` and `message`, nothing done
    refused          breaks the connection, nothing done
    answer_lost      does it, then breaks the connection
    dead_token       answers that the token is invalid
    clock_skew       checks timestamps by a clock `seconds` away
    repeated_page    gives the page before the one asked for
    business_error   the business refuses with `code` and `message`
Kinds of a marketplace that means harm, or is not the one it was
    redirect         sends the caller to the address in `message`, nothing done
    giant            does it, then answers 64 MB
    wrong_types      does it, then answers with every value of another type than it has
Kinds that strike feeds; their operation is the job's type, such as PRODUCT_CREATE
    stuck_job        a job submitted now does not move while the fault is there
    missing_results  a query answers without the last item
    double_results   a query answers with the first item twice
    item_error       an item fails with `code` and `message` instead of having its effect
    foreign_results  a query answers with the results of the seller's other jobs as well
"""

import asyncio
from collections import defaultdict
from collections.abc import Callable
from contextlib import suppress
from fnmatch import fnmatchcase
from random import Random
from typing import Literal

import msgspec

Kind = Literal[
    "latency", "late_answer", "hang", "http_error", "http_error_after", "html", "truncated",
    "error", "refused", "answer_lost", "dead_token", "clock_skew", "repeated_page",
    "business_error", "redirect", "giant", "wrong_types", "stuck_job", "missing_results",
    "double_results", "item_error", "foreign_results",
]  # fmt: skip


class Fault(msgspec.Struct, forbid_unknown_fields=True):
    """One fault; `operation` is a pattern such as `*.feed.*`, an empty seller means every one.

    It lets `skip` calls pass, then strikes `count` of them (all when null), each with
    `probability`.
    """

    kind: Kind
    operation: str = "*"
    seller_id: str = ""
    count: int | None = None
    skip: int = 0
    probability: float = 1.0
    seconds: float | None = None
    status: int = 503
    code: str = ""
    message: str = ""
    id: int = 0
    struck: int = 0

    def is_for(self, operation: str, seller_id: str) -> bool:
        """Whether a call of this seller is meant."""
        return (not self.seller_id or self.seller_id == seller_id) and fnmatchcase(
            operation, self.operation
        )


class Faults:
    """The faults that are set, and the dice that decide."""

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._faults: list[Fault] = []
        self._draw = Random(seed)  # noqa: S311 - reproducible on purpose
        self._last_id = 0
        self._removed: defaultdict[int, asyncio.Event] = defaultdict(asyncio.Event)
        """Set for those that wait for the removal of a fault."""

    def add(self, fault: Fault) -> Fault:
        """Set a fault; it gets an id."""
        self._last_id += 1
        fault.id, fault.struck = self._last_id, 0
        self._faults.append(fault)
        return fault

    def listed(self) -> list[Fault]:
        """All faults that are set, used up ones included."""
        return list(self._faults)

    def clear(self, fault_id: int | None = None) -> int:
        """Remove one fault or all; how many went."""
        before = len(self._faults)
        self._faults = [f for f in self._faults if fault_id is not None and f.id != fault_id]
        for awaited in [number for number in self._removed if not self.is_active(number)]:
            self._removed.pop(awaited).set()
        if not self._faults:
            self._draw = Random(self._seed)  # noqa: S311 - the dice start again as well
        return before - len(self._faults)

    def strike(self, kind: Kind, operation: str, seller_id: str) -> Fault | None:
        """The fault of this kind that hits the call, counted as used."""
        if not self._faults:
            return None
        for fault in self._faults:
            if fault.kind != kind or not fault.is_for(operation, seller_id):
                continue
            if fault.skip > 0:
                fault.skip -= 1
                continue
            if fault.count is not None and fault.struck >= fault.count:
                continue
            if fault.probability < 1 and self._draw.random() >= fault.probability:
                continue
            fault.struck += 1
            return fault
        return None

    def stuck(self, seller_id: str, operation_type: str) -> int | None:
        """The id of a fault that holds a new job up."""
        fault = self.strike("stuck_job", operation_type, seller_id)
        return fault.id if fault else None

    async def until_removed(self, fault: Fault, *, at_most: float) -> None:
        """Wait until the fault is removed, or for so many seconds."""
        if self.is_active(fault.id):
            with suppress(TimeoutError):
                await asyncio.wait_for(self._removed[fault.id].wait(), at_most)

    def is_active(self, fault_id: int) -> bool:
        """Whether a fault is still set."""
        return any(fault.id == fault_id for fault in self._faults)

    def item_error(self, seller_id: str, operation_type: str) -> tuple[str, str] | None:
        """Code and message an item fails with."""
        fault = self.strike("item_error", operation_type, seller_id)
        return (fault.code, fault.message) if fault else None


Strike = Callable[[Kind], Fault | None]
"""The faults narrowed to one call."""
