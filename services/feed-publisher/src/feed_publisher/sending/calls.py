"""One writing call: intent, call, and what its failure means for its items."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from opentelemetry import trace

from aliexpress.errors import CallerFault, MarketplaceFailure, OutcomeUnknown
from common.failpoints import reach
from common.telemetry.tracing import Attribute, span_of, step
from feed_publisher.listings.change import Action
from feed_publisher.listings.outcomes import Sent
from feed_publisher.runs.items.item import RunItem
from feed_publisher.sending.context import Sending
from feed_publisher.sending.record import move_call, put_back, record_intent

T = TypeVar("T")


@dataclass(frozen=True)
class Answered(Generic[T]):
    """AliExpress answered the call that sent these items."""

    call_id: str
    items: Sequence[RunItem]
    answer: T


@dataclass(frozen=True)
class RefusedCall:
    """AliExpress refused the call as a whole; nothing was done."""

    call_id: str
    items: Sequence[RunItem]
    fault: CallerFault


@dataclass(frozen=True)
class NotCalled:
    """No call was made, or its answer was lost: `was_lost`, then it is settled by reading."""

    was_lost: bool


async def write(
    sending: Sending,
    operation: Action,
    items: Sequence[RunItem],
    do: Callable[[Sequence[RunItem]], Awaitable[T]],
    *,
    sent: Mapping[int, Sent] | None = None,
) -> Answered[T] | RefusedCall | NotCalled:
    """Make one writing call for these items.

    A failure that did nothing puts the items back and is raised: the caller waits. A lost answer
    leaves the call `unknown`.
    """
    intent = await record_intent(sending, operation, items, sent)
    if intent is None:
        return NotCalled(was_lost=False)
    call_id, fitting = intent
    attributes: dict[str, Attribute] = {
        "channel.merchant": sending.run.merchant_id,
        "channel.shop": sending.run.shop_id,
        "channel.run": sending.run.run_id,
        "channel.call": call_id,
        "channel.operation": operation,
        "channel.items": len(fitting),
    }
    causes = [item.traceparent for item in fitting]
    with span_of(f"publish {operation}", causes, attributes=attributes):
        try:
            answer = await do(fitting)
        except OutcomeUnknown:
            _trace_call(fitting, attributes, "unknown")
            await move_call(sending, call_id, "unknown")
            return NotCalled(was_lost=True)
        except CallerFault as fault:
            _trace_call(fitting, attributes, "refused")
            return RefusedCall(call_id, fitting, fault)
        except MarketplaceFailure:
            _trace_call(fitting, attributes, "not done")
            await put_back(sending, fitting, call=(call_id, "withdrawn"))
            raise
        _trace_call(fitting, attributes, "answered")
        reach("publisher.after-call")
        return Answered(call_id, fitting, answer)


def _trace_call(
    items: Sequence[RunItem], attributes: Mapping[str, Attribute], outcome: str
) -> None:
    """Tell each item's own trace of the call; that of an item sent alone holds the call itself."""
    attributes = {**attributes, "channel.outcome": outcome}
    trace.get_current_span().set_attributes(attributes)
    if len(items) > 1:
        for item in items:
            about = {**attributes, "channel.family": item.family_id}
            step(f"publish {item.action}", item.traceparent, attributes=about)
