"""One writing call: intent, call, and what its failure means for its items."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from opentelemetry import trace

from aliexpress.errors import CallerFault, MarketplaceFailure, OutcomeUnknown
from common.failpoints import reach
from common.telemetry.setup import links_to
from feed_publisher.listings.change import Action
from feed_publisher.listings.outcomes import Sent
from feed_publisher.runs.items.item import RunItem
from feed_publisher.sending.context import Sending
from feed_publisher.sending.record import move_call, put_back, record_intent

_tracer = trace.get_tracer("channel.publisher")

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
    links = links_to(item.traceparent for item in fitting)
    attributes = {"channel.operation": operation, "channel.items": len(fitting)}
    with _tracer.start_as_current_span(f"publish {operation}", links=links, attributes=attributes):
        try:
            answer = await do(fitting)
        except OutcomeUnknown:
            await move_call(sending, call_id, "unknown")
            return NotCalled(was_lost=True)
        except CallerFault as fault:
            return RefusedCall(call_id, fitting, fault)
        except MarketplaceFailure:
            await put_back(sending, fitting, call=(call_id, "withdrawn"))
            raise
        reach("publisher.after-call")
        return Answered(call_id, fitting, answer)
