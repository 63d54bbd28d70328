"""Feeds: asynchronous jobs of up to 300 products."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Literal

import msgspec

from aliexpress.client import Client, require_at_most
from aliexpress.operation import AccessToken, Operation
from aliexpress.wire import Fields, Unreadable, encode, to_pacific

SUBMIT_FEED = Operation("aliexpress.solution.feed.submit", is_write=True)
QUERY_FEED = Operation("aliexpress.solution.feed.query")
LIST_FEEDS = Operation("aliexpress.solution.feed.list.get")
INVALIDATE_FEEDS = Operation("aliexpress.solution.feed.invalidate", is_write=True)

MAX_FEED_ITEMS = 300  # since 2022-06-23
MAX_FEEDS_PER_DAY = 300  # per seller and operation type, in 24 hours
ADVISED_FEEDS_PER_DAY = 150  # beyond: "significant delay"
MAX_INVALIDATED_FEEDS = 100
FEED_PAGE_SIZE = 50

FeedType = Literal[
    "PRODUCT_CREATE", "PRODUCT_FULL_UPDATE", "PRODUCT_STOCKS_UPDATE", "PRODUCT_PRICES_UPDATE"
]


class FeedItem(msgspec.Struct, frozen=True):
    """One product of a feed.

    `content_id` is our own name for it, unique in the feed. `content` is the schema payload; an
    update also has `aliexpress_product_id`. Its numbers may be `Decimal`.
    """

    content_id: str
    content: Mapping[str, object]


class FeedItemResult(msgspec.Struct, frozen=True):
    """What became of one item; `code` and `message` as received."""

    content_id: str
    is_success: bool
    product_id: str | None = None
    code: str | None = None
    message: str | None = None


class FeedReport(msgspec.Struct, frozen=True):
    """A job as it stands. AliExpress names no state: a job is done when every item has a result.

    Results may appear gradually, an item's twice or never; one that cannot be read is left out.
    """

    job_id: str
    total_items: int
    succeeded_items: int
    items: tuple[FeedItemResult, ...]

    @property
    def is_finished(self) -> bool:
        """Whether all items are decided."""
        decided = {item.content_id for item in self.items}
        return self.total_items > 0 and len(decided) >= self.total_items


class FeedJob(msgspec.Struct, frozen=True):
    """A row of the list of jobs. `status` is QUEUEING, PROCESSING or FINISH."""

    job_id: str
    feed_type: str | None
    status: str | None


class FeedPage(msgspec.Struct, frozen=True):
    """A page of jobs; `total_pages` where given."""

    jobs: tuple[FeedJob, ...]
    page: int
    total_pages: int | None
    total_count: int | None


class InvalidatedFeeds(msgspec.Struct, frozen=True):
    """Job ids by outcome: cancelled, too late (running or done), failed."""

    cancelled: tuple[str, ...]
    too_late: tuple[str, ...]
    failed: tuple[str, ...]


async def submit_feed(
    client: Client, token: AccessToken, feed_type: FeedType, items: Sequence[FeedItem]
) -> str:
    """Hand in a job; returns its id.

    Source: aliexpress.solution.feed.submit. Limits: 300 items, 300 jobs per seller and type in 24
    hours (fewer than 150 advised). Items are checked only when the job runs. Errors: `CallerFault`,
    `OutcomeUnknown` (look for the job with `list_feeds`: a creation repeated makes doubles).
    """
    require_at_most(SUBMIT_FEED, len(items), MAX_FEED_ITEMS, "items")
    parameters = {
        "operation_type": feed_type,
        "item_list": encode(
            [
                {"item_content_id": item.content_id, "item_content": encode(item.content)}
                for item in items
            ]
        ),
        **client.developer_features(),
    }
    return await client.call(SUBMIT_FEED, parameters, token, _job_id)


async def query_feed(client: Client, token: AccessToken, job_id: str) -> FeedReport:
    """How far a job is, with the results there are so far.

    Source: aliexpress.solution.feed.query. Errors: `CallerFault` (unknown job). Poll with back-off.
    """
    return await client.call(
        QUERY_FEED, {"job_id": job_id}, token, lambda answer: _report(answer, job_id)
    )


async def list_feeds(
    client: Client,
    token: AccessToken,
    *,
    page: int = 1,
    page_size: int = FEED_PAGE_SIZE,
    feed_type: FeedType | None = None,
    status: str | None = None,
    submitted_from: datetime | None = None,
    submitted_to: datetime | None = None,
) -> FeedPage:
    """A page of the seller's jobs. Source: aliexpress.solution.feed.list.get. Times any zone."""
    parameters = {"current_page": str(page), "page_size": str(page_size)}
    if feed_type is not None:
        parameters["feed_type"] = feed_type
    if status is not None:
        parameters["status"] = status
    if submitted_from is not None:
        parameters["submitted_time_start"] = to_pacific(submitted_from)
    if submitted_to is not None:
        parameters["submitted_time_end"] = to_pacific(submitted_to)
    return await client.call(LIST_FEEDS, parameters, token, lambda answer: _page(answer, page))


async def invalidate_feeds(
    client: Client, token: AccessToken, job_ids: Sequence[str]
) -> InvalidatedFeeds:
    """Cancel jobs that still queue. Source: aliexpress.solution.feed.invalidate. At most 100."""
    require_at_most(INVALIDATE_FEEDS, len(job_ids), MAX_INVALIDATED_FEEDS, "jobs")
    return await client.call(
        INVALIDATE_FEEDS, {"job_id_list": ";".join(job_ids)}, token, _invalidated
    )


def _job_id(answer: Fields) -> str:
    result = answer.result()
    result.refuse_unless_successful("job_id")
    return result.id("job_id")


def _report(answer: Fields, job_id: str) -> FeedReport:
    result = answer.result()
    result.refuse_unless_successful("job_id", "result_list", "total_item_count")
    if (answered := result.find_id("job_id")) not in {None, job_id}:
        raise Unreadable(f"{result.path}.job_id", f"job {job_id} was asked for, not {answered}")
    return FeedReport(
        job_id=job_id,
        total_items=result.integer("total_item_count"),
        succeeded_items=result.find_integer("success_item_count") or 0,
        items=tuple(
            item
            for row in result.objects("result_list", "single_item_response_dto")
            if (item := _item(row)) is not None
        ),
    )


def _item(row: Fields) -> FeedItemResult | None:
    """A result in JSON or, when it failed, as text; cut JSON holds nothing."""
    content_id = row.find_text("item_content_id")
    outcome = row.find_fields("item_execution_result")
    if content_id is None:
        return None
    if outcome is None:
        words = row.find_text("item_execution_result")
        if words is None or words.lstrip().startswith(("{", "[", '"')):
            return None
        return FeedItemResult(content_id, is_success=False, message=words)
    product_id = outcome.find_id("productId", "product_id")
    message = outcome.find_text("errorMessage", "error_message")
    code = outcome.find_text("errorCode", "error_code")
    is_success = outcome.find_flag("success")
    if is_success is None:
        is_success = product_id is not None and message is None
    return FeedItemResult(
        content_id=content_id,
        is_success=is_success,
        product_id=product_id,
        code=code,
        message=message,
    )


def _page(answer: Fields, page: int) -> FeedPage:
    result = answer.result()
    result.refuse_unless_successful("job_list", "total_count")
    result.require_any("job_list", "total_count")
    return FeedPage(
        jobs=tuple(result.read_all("job_list", "batch_operation_job_dto", _job)),
        page=page,
        total_pages=result.find_integer("total_page"),
        total_count=result.find_integer("total_count"),
    )


def _job(row: Fields) -> FeedJob:
    return FeedJob(
        job_id=row.id("job_id"),
        feed_type=row.find_text("operation_type"),
        status=row.find_text("status"),
    )


def _invalidated(answer: Fields) -> InvalidatedFeeds:
    """Either generation's names: the newer ones stand in `result`."""
    result = answer.result()
    result.refuse_unless_successful(*(name for names in _INVALIDATED for name in names))
    cancelled, too_late, failed = (
        tuple(job_id for name in names for job_id in result.texts(name, "number"))
        for names in _INVALIDATED
    )
    return InvalidatedFeeds(cancelled, too_late, failed)


_INVALIDATED = (
    ("successful_list", "invalid_successful_list"),
    ("no_need_invalidation_list", "no_need_invalid_list"),
    ("failed_list", "invalid_failed_list"),
)
