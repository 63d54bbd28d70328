"""Jobs run on the job clock; each item has its moment, so results appear one by one."""

from collections import defaultdict, deque
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Protocol

import msgspec

from sandbox import errors
from sandbox.context import Context
from sandbox.errors import Refusal
from sandbox.json_reader import NotJson, parse_json
from sandbox.products import codes
from sandbox.products.service import ProductService

QUEUEING, PROCESSING, FINISH, CANCELLED = "QUEUEING", "PROCESSING", "FINISH", "CANCELLED"
OPERATION_TYPES = (
    "PRODUCT_CREATE",
    "PRODUCT_FULL_UPDATE",
    "PRODUCT_STOCKS_UPDATE",
    "PRODUCT_PRICES_UPDATE",
)


MOST_RECEIVED = 1_000


class Received(msgspec.Struct, frozen=True):
    """An item as it was handed in; `content` is its text."""

    seller_id: str
    operation_type: str
    content_id: str
    content: str


class Result(msgspec.Struct):
    """How an item ended: the product, or the code and message it failed with."""

    product_id: int | None = None
    code: str | None = None
    message: str | None = None


class Item(msgspec.Struct):
    """One item; its content is dropped once it has a result."""

    content_id: str
    content: str
    result: Result | None = None


class Job(msgspec.Struct):
    """A job; `starts_at` and `ends_at` are seconds on the job clock."""

    id: int
    seller_id: str
    operation_type: str
    items: list[Item]
    submitted_at: datetime
    starts_at: float
    ends_at: float
    done: int = 0
    successes: int = 0
    status: str = QUEUEING
    stuck_by: int | None = None

    @property
    def is_open(self) -> bool:
        """Whether it still has items to run."""
        return self.status in (QUEUEING, PROCESSING)


class ItemFaults(Protocol):
    """Faults that strike jobs and their items."""

    def stuck(self, seller_id: str, operation_type: str) -> int | None:
        """The id of a fault that holds a new job up."""

    def is_active(self, fault_id: int) -> bool:
        """Whether a fault is still there."""

    def item_error(self, seller_id: str, operation_type: str) -> tuple[str, str] | None:
        """Code and message an item fails with instead of having its effect."""


class FeedService:
    """Takes jobs, runs their items when due and keeps their results."""

    def __init__(
        self, context: Context, jobs: dict[int, Job], products: ProductService, faults: ItemFaults
    ) -> None:
        self._jobs = jobs
        self._settings = context.settings
        self._products = products
        self._ledger = context.ledger
        self._faults = faults
        self._now = context.now
        self._job_now = context.job_now
        self._next_id = context.next_id
        self._by_seller: dict[str, list[Job]] = defaultdict(list)
        self._open: dict[int, Job] = {}
        self.received: deque[Received] = deque(maxlen=MOST_RECEIVED)
        """The newest items, as they were handed in; not kept over a restart."""
        for job in jobs.values():
            self._by_seller[job.seller_id].append(job)
            if job.is_open:
                self._open[job.id] = job

    def submit(self, seller_id: str, operation_type: str, items: list[Item]) -> Job:
        """Queue a job. Raises `GatewayError` over the limits."""
        self._check_limits(seller_id, operation_type, items)
        now, half = self._job_now(), self._settings.feed_seconds / 2
        job = Job(
            id=self._next_id("job"),
            seller_id=seller_id,
            operation_type=operation_type,
            items=items,
            submitted_at=self._now(),
            starts_at=now + half,
            ends_at=now + 2 * half,
            stuck_by=self._faults.stuck(seller_id, operation_type),
        )
        self._jobs[job.id] = job
        self._by_seller[seller_id].append(job)
        self._open[job.id] = job
        self.received.extend(
            Received(seller_id, operation_type, item.content_id, item.content) for item in items
        )
        self._ledger.record(
            "feed.submit",
            seller_id,
            job_id=str(job.id),
            operation_type=operation_type,
            items=len(items),
        )
        self.advance()
        return job

    def find(self, seller_id: str, job_id: int) -> Job | None:
        """A job of this seller."""
        job = self._jobs.get(job_id)
        return job if job is not None and job.seller_id == seller_id else None

    def listed(self, seller_id: str) -> Iterator[Job]:
        """A seller's jobs, newest first."""
        return reversed(self._by_seller[seller_id])

    def invalidate(self, job: Job) -> bool:
        """Cancel a job that still queues; False when it runs or is done."""
        self.advance()
        if job.status != QUEUEING:
            return False
        job.status = CANCELLED
        del self._open[job.id]
        self._ledger.record("feed.invalidate", job.seller_id, job_id=str(job.id))
        return True

    def advance(self) -> None:
        """Run every item that is due."""
        if not self._open:
            return
        self._products.finish_audits()
        now = self._job_now()
        for job in list(self._open.values()):
            if job.stuck_by is not None and self._faults.is_active(job.stuck_by):
                continue
            self._run_due(job, now)

    def _run_due(self, job: Job, now: float) -> None:
        if now < job.starts_at:
            return
        job.status = PROCESSING
        span = job.ends_at - job.starts_at
        share = 1.0 if span <= 0 else min((now - job.starts_at) / span, 1.0)
        due = int(len(job.items) * share)
        for item in job.items[job.done : due]:
            self._run(job, item)
            job.done += 1
        if job.done == len(job.items):
            job.status = FINISH
            del self._open[job.id]

    def _run(self, job: Job, item: Item) -> None:
        error = self._faults.item_error(job.seller_id, job.operation_type)
        try:
            if error is None:
                product_id = self._apply(job.seller_id, job.operation_type, item.content)
        except Refusal as refusal:
            error = (refusal.code, refusal.message)
        if error is None:
            item.result = Result(product_id)
            job.successes += 1
        else:
            item.result = Result(code=error[0], message=error[1])
        item.content = ""

    def _apply(self, seller_id: str, operation_type: str, content: str) -> int:
        try:
            payload = parse_json(content)
        except NotJson as error:
            raise Refusal(*codes.invalid_field("item_content", "json")) from error
        if not isinstance(payload, dict):
            raise Refusal(*codes.invalid_field("item_content", "json"))
        if operation_type == "PRODUCT_CREATE":
            return self._products.create(seller_id, payload).id
        product_id = payload.get("aliexpress_product_id")
        if not str(product_id or "").isdecimal():
            raise Refusal(*codes.invalid_field("aliexpress_product_id"))
        identity = int(str(product_id))
        if operation_type == "PRODUCT_FULL_UPDATE":
            self._products.update(seller_id, identity, payload)
        elif operation_type == "PRODUCT_STOCKS_UPDATE":
            self._products.set_stock(seller_id, identity, payload)
        else:
            self._products.set_prices(seller_id, identity, payload)
        return identity

    def _check_limits(self, seller_id: str, operation_type: str, items: list[Item]) -> None:
        settings = self._settings
        if len(items) > settings.feed_items_max:
            raise errors.invalid_parameter(f"item_list over {settings.feed_items_max}")
        if not settings.feed_jobs_per_day:
            return
        since = self._now() - timedelta(days=1)
        recent = 0
        for job in self.listed(seller_id):
            if job.submitted_at <= since:
                break
            recent += job.operation_type == operation_type
        if recent >= settings.feed_jobs_per_day:
            raise errors.invalid_parameter(
                f"over {settings.feed_jobs_per_day} feeds of {operation_type} in 24 hours"
            )
