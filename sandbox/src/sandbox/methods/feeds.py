"""Methods on feed jobs."""

from datetime import datetime
from typing import Any

from sandbox import errors
from sandbox.clock import from_pacific
from sandbox.feeds.service import CANCELLED, OPERATION_TYPES, Item, Job, Result
from sandbox.methods.registry import Answer, Call, as_integer, operation
from sandbox.wire import Listed, Quirks, json_text

INVALIDATE_MAX = 100
PAGE_MAX = 50


@operation("aliexpress.solution.feed.submit")
def submit_feed(call: Call) -> Answer:
    """Queue a job; only its parameters are checked now."""
    operation_type = call.text("operation_type")
    if operation_type not in OPERATION_TYPES:
        raise errors.invalid_parameter(f"operation_type {operation_type} is not known")
    entries = call.json("item_list")
    if not isinstance(entries, list) or not entries:
        raise errors.missing_parameter("item_list")
    items = [_item(entry) for entry in entries]
    if len({item.content_id for item in items}) != len(items):
        raise errors.invalid_parameter("item_content_id must be unique in the list")
    return {"job_id": call.state.feeds.submit(call.seller_id, operation_type, items).id}


def _item(entry: Any) -> Item:
    """One item; content sent as an object instead of a text is taken too."""
    if not isinstance(entry, dict) or not entry.get("item_content_id"):
        raise errors.missing_parameter("item_content_id")
    content = entry.get("item_content")
    if not content:
        raise errors.missing_parameter("item_content")
    return Item(
        str(entry["item_content_id"]), content if isinstance(content, str) else json_text(content)
    )


@operation("aliexpress.solution.feed.query")
def query_feed(call: Call) -> Answer:
    """The results a job has so far; there is no status."""
    job = call.state.feeds.find(call.seller_id, call.integer("job_id"))
    if job is None:
        raise errors.invalid_parameter("job_id does not exist")
    results = _results(job, call.state.quirks)
    if call.state.faults.strike("foreign_results", job.operation_type, call.seller_id):
        for other in call.state.feeds.listed(call.seller_id):
            results += _results(other, call.state.quirks) if other is not job else []
    if results and call.state.faults.strike("missing_results", job.operation_type, call.seller_id):
        results.pop()
    if results and call.state.faults.strike("double_results", job.operation_type, call.seller_id):
        results.append(results[0])
    return {
        "job_id": job.id,
        "total_item_count": len(job.items),
        "success_item_count": job.successes,
        "result_list": Listed("single_item_response_dto", results),
    }


def _results(job: Job, quirks: Quirks) -> list[dict[str, str]]:
    """Of every item that is done, what became of it."""
    return [
        {
            "item_content_id": item.content_id,
            "item_execution_result": _result_text(item.result, quirks),
        }
        for item in job.items[: job.done]
    ]


def _result_text(result: Result | None, quirks: Quirks) -> str:
    """An item's result as the JSON text of the API."""
    if result is None or result.code is None:
        return json_text({"productId": result.product_id if result else None, "success": True})
    message = result.message or ""
    prefix = message.split(":", 1)[0]
    if quirks.doubled_error_code and prefix.isdecimal():
        message = f"7{prefix}:{message}"
    outcome: dict[str, Any] = {"success": False, "errorMessage": message}
    if quirks.feed_error_code:
        outcome["errorCode"] = result.code
    return json_text(outcome)


@operation("aliexpress.solution.feed.list.get")
def list_feeds(call: Call) -> Answer:
    """One page of the seller's jobs, newest first."""
    size = call.integer("page_size", 20)
    if not 1 <= size <= PAGE_MAX:
        raise errors.invalid_parameter(f"page_size is 1 to {PAGE_MAX}")
    asked = call.integer("current_page", 1)
    page = call.page(asked)
    start, end = _moment(call, "submitted_time_start"), _moment(call, "submitted_time_end")
    wanted_type, wanted_status = call.parameters.get("feed_type"), call.parameters.get("status")
    jobs = [
        job
        for job in call.state.feeds.listed(call.seller_id)
        if job.status != CANCELLED
        and (not wanted_type or job.operation_type == wanted_type)
        and (not wanted_status or job.status == wanted_status)
        and (not start or job.submitted_at >= start)
        and (not end or job.submitted_at <= end)
    ]
    shown = jobs[(page - 1) * size : page * size]
    return {
        "current_page": asked,
        "page_size": size,
        "total_count": len(jobs),
        "total_page": -(-len(jobs) // size),
        "job_list": Listed("batch_operation_job_dto", [_listed(job) for job in shown]),
    }


def _listed(job: Job) -> dict[str, Any]:
    return {"job_id": job.id, "operation_type": job.operation_type, "status": job.status}


def _moment(call: Call, name: str) -> datetime | None:
    text = call.parameters.get(name)
    try:
        return from_pacific(text) if text else None
    except ValueError as error:
        raise errors.invalid_parameter(f"{name} is not yyyy-MM-dd HH:mm:ss") from error


@operation("aliexpress.solution.feed.invalidate")
def invalidate_feeds(call: Call) -> Answer:
    """Cancel jobs that still queue."""
    parts = call.listed("job_id_list")
    if not 1 <= len(parts) <= INVALIDATE_MAX:
        raise errors.invalid_parameter(f"1 to {INVALIDATE_MAX} job ids")
    done, too_late, failed = [], [], []
    for identity in (as_integer(part, "job_id_list") for part in parts):
        job = call.state.feeds.find(call.seller_id, identity)
        if job is None:
            failed.append(identity)
        elif call.state.feeds.invalidate(job):
            done.append(identity)
        else:
            too_late.append(identity)
    if call.state.quirks.invalidated_in_result:
        return {
            "result": {
                "success": True,
                "invalid_successful_list": Listed("number", done),
                "no_need_invalid_list": Listed("number", too_late),
                "invalid_failed_list": Listed("number", failed),
            }
        }
    return {
        "successful_list": Listed("number", done),
        "no_need_invalidation_list": Listed("number", too_late),
        "failed_list": Listed("number", failed),
    }
