"""What shops ask about an order when nothing goes smoothly, and what has to come of it."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any

from channel_cli.order_answers import Correction, Shipment
from channel_cli.progress import poll
from channel_cli.session import Problem, ProblemDetails, Unreachable
from channel_demo import trade
from channel_demo.session import Session

from ..crashes.crashable import WITHIN
from ..crashes.harness import answer_of

Answer = Shipment | Correction | ProblemDetails
TAKEN_ALREADY = frozenset({"parcel-known", "lines-shipped", "order-not-shippable"})


@dataclass
class Case:
    """An order, its lines, and what was asked about it: every answer, in no order."""

    kind: str
    session: Session
    order_id: str
    line_ids: Sequence[str]
    answers: list[Answer] = field(default_factory=list)

    @property
    def number(self) -> str:
        """The tracking number of the order's first parcel."""
        return f"LP{self.order_id}"

    @property
    def accepted(self) -> set[str]:
        """The shipments that were accepted."""
        return {one.shipment_id for one in self.answers if isinstance(one, Shipment)}

    @property
    def problems(self) -> list[ProblemDetails]:
        """The requests that were refused."""
        return [one for one in self.answers if isinstance(one, ProblemDetails)]

    async def ship(self, key: str, **parcel: Any) -> Answer:
        """Ask for a parcel until there is an answer; lost answers and outages are no answer."""
        body = {"carrier": trade.CARRIER, "tracking_number": self.number, **parcel}
        address = (self.session.merchant, self.session.shop, self.order_id)
        return await self._ask(
            lambda: self.session.channel.ship(*address, body, f"{self.order_id}-{key}")
        )

    async def correct(self, shipment_id: str, number: str) -> Answer:
        """Ask for another number."""
        address = (self.session.merchant, self.session.shop, self.order_id, shipment_id)
        return await self._ask(
            lambda: self.session.channel.correct_tracking(
                *address, {"tracking_number": number}, key=f"{self.order_id}-right"
            )
        )

    async def settled(self, shipment_id: str) -> None:
        """Wait until a parcel is confirmed or refused."""
        address = (self.session.merchant, self.session.shop, self.order_id, shipment_id)
        async for shipment in poll(
            lambda: self.session.channel.shipment(*address), within=WITHIN, what="shipping"
        ):
            if shipment.state in trade.SHIPMENT_SETTLED:
                break

    async def cancel(self) -> None:
        """The buyer asks to cancel."""
        answer = await self.session.sandbox.http.post(
            f"/control/orders/{self.order_id}/status", json={"status": "IN_CANCEL"}
        )
        answer.raise_for_status()

    async def _ask(self, ask: Callable[[], Awaitable[Shipment | Correction]]) -> Answer:
        async def asked() -> Answer:
            try:
                return await ask()
            except Problem as problem:
                if problem.details.status >= 500:
                    raise Unreachable("order-importer", "", problem.details.title) from problem
                return problem.details

        answer = await answer_of(asked)
        self.answers.append(answer)
        return answer


async def _plain(case: Case) -> None:
    await case.ship("a")


async def _repeated(case: Case) -> None:
    await asyncio.gather(*(case.ship("a") for _ in range(3)))


async def _changed(case: Case) -> None:
    await asyncio.gather(case.ship("a"), case.ship("a", tracking_number=f"{case.number}X"))


async def _twins(case: Case) -> None:
    await asyncio.gather(case.ship("a"), case.ship("b"))


async def _parts(case: Case) -> None:
    await asyncio.gather(
        *(
            case.ship(line, lines=[line], tracking_number=f"{case.number}{place}")
            for place, line in enumerate(case.line_ids)
        )
    )


async def _pieces(case: Case) -> None:
    await case.ship("a", more_follow=True)
    await case.ship("b", tracking_number=f"{case.number}B")


async def _cancelled(case: Case) -> None:
    await case.ship("a")
    await case.cancel()


async def _cancelled_before(case: Case) -> None:
    await case.cancel()
    await case.ship("a")


async def _malformed(case: Case) -> None:
    await case.ship("a", carrier="UPS")


async def _corrected(case: Case) -> None:
    shipped = await case.ship("a")
    assert isinstance(shipped, Shipment), shipped
    await case.correct(shipped.shipment_id, f"{case.number}R")


async def _corrected_later(case: Case) -> None:
    shipped = await case.ship("a")
    assert isinstance(shipped, Shipment), shipped
    await case.settled(shipped.shipment_id)
    await case.correct(shipped.shipment_id, f"{case.number}R")


@dataclass(frozen=True)
class Kind:
    """Something that happens: how many requests it makes, and how often it is drawn."""

    happens: Callable[[Case], Awaitable[None]]
    requests: int
    weight: int


KINDS: Mapping[str, Kind] = {
    "plain": Kind(_plain, 1, 4),
    "repeated": Kind(_repeated, 3, 3),
    "changed": Kind(_changed, 2, 3),
    "twins": Kind(_twins, 2, 3),
    "parts": Kind(_parts, 2, 2),
    "pieces": Kind(_pieces, 2, 2),
    "cancelled": Kind(_cancelled, 1, 4),
    "cancelled before": Kind(_cancelled_before, 1, 1),
    "malformed": Kind(_malformed, 1, 1),
    "corrected": Kind(_corrected, 2, 2),
    "corrected later": Kind(_corrected_later, 2, 3),
}


def draw_kinds(draw: Random, requests: int) -> list[str]:
    """Kinds of so many requests in all, each at least once."""
    kinds = list(KINDS)
    names, weights = list(KINDS), [kind.weight for kind in KINDS.values()]
    while (made := sum(KINDS[name].requests for name in kinds)) < requests:
        [name] = draw.choices(names, weights)
        kinds.append(name if made + KINDS[name].requests <= requests else "plain")
    draw.shuffle(kinds)
    return kinds


@dataclass(frozen=True)
class Outcome:
    """What is there in the end of one order: our shipments and corrections by their states, with
    what they say, AliExpress's parcels, and the parcels its ledger saw made."""

    shipments: Sequence[Mapping[str, Any]]
    corrections: Sequence[Mapping[str, Any]]
    at_aliexpress: Sequence[str]
    made: Counter[tuple[str, str]]
    shipped_facts: int

    @property
    def confirmed(self) -> list[str]:
        """The numbers of our confirmed parcels."""
        return [one["tracking_number"] for one in self.shipments if one["state"] == "confirmed"]


def faults_of(case: Case, outcome: Outcome) -> Iterator[str]:
    """What is not as it has to be, whatever happened on the way."""
    if any(times > 1 for times in outcome.made.values()):
        yield "a parcel was made twice"
    if sorted(outcome.confirmed) != sorted(outcome.at_aliexpress):
        yield "confirmed parcels are not those at AliExpress"
    if len(outcome.made) != len(outcome.confirmed):
        yield "parcels were made that are not there"
    if outcome.shipped_facts != len(outcome.confirmed):
        yield "order.shipped was not published once per parcel"
    for one in (*outcome.shipments, *outcome.corrections):
        if one["state"] == "refused" and not (one["explanation"] and one["remedy"]):
            yield "something is refused without its explanation and remedy"
    if {one["shipment_id"] for one in outcome.shipments} != case.accepted:
        yield "the shipments are not those that were answered"
    for problem in case.problems:
        if not (problem.remedy and problem.rule == "M8.4"):
            yield f"a request is refused without its rule and remedy: {problem}"
    if not _is_as_expected(case, outcome):
        yield "the outcome is not that of its kind"


def _is_as_expected(case: Case, outcome: Outcome) -> bool:
    """Whether the answers and the end are those of its kind."""
    slugs = {problem.slug for problem in case.problems}
    sent_as = sorted(how for _, how in outcome.made)
    confirmed, accepted = len(outcome.confirmed), len(case.accepted)
    match case.kind:
        case "plain" | "repeated":
            return (confirmed, accepted, slugs) == (1, 1, set())
        case "changed":
            return (confirmed, accepted, slugs) == (1, 1, {"idempotency-key-used"})
        case "twins":
            return (confirmed, accepted) == (1, 1) and bool(slugs) and slugs <= TAKEN_ALREADY
        case "parts" | "pieces":
            return (confirmed, accepted, sent_as) == (2, 2, ["all", "part"])
        case "cancelled":
            return accepted == 1 and confirmed + _refused_for_cancellation(outcome) == 1
        case "cancelled before":
            return confirmed == 0 and (slugs or {"order-not-shippable"}) == {"order-not-shippable"}
        case "malformed":
            return (accepted, slugs) == (0, {"tracking-number-malformed"})
        case "corrected" | "corrected later":
            states = [one["state"] for one in outcome.corrections]
            return states == ["confirmed"] and outcome.confirmed == [f"{case.number}R"]
    return False


def _refused_for_cancellation(outcome: Outcome) -> int:
    return sum(
        one["state"] == "refused" and "IN_CANCEL" in one["explanation"] for one in outcome.shipments
    )
