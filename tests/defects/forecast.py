"""What preview says of a family against the marketplace's own verdict on its body.

Preview says of each error who refuses the product for it: AliExpress, or the channel alone, since
what AliExpress would take is not what is meant. Called refused is what AliExpress refuses; what the
channel alone holds back, or a rule of the merchant's leaves out, is forecast to be taken.

Every family is evaluated as the worker does it. Its body, the one that is sent, or of a refused
family the one that would be sent if nothing had refused it (`unchecked`), goes to the sandbox as an
item of a product feed, by the client the services use. The sandbox judges by its own reading of the
schema and its own rules; it shares no code with the evaluation.
"""

import re
from collections import Counter
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import msgspec

from aliexpress import oauth
from aliexpress.client import Client
from aliexpress.feeds import (
    MAX_FEED_ITEMS,
    FeedItem,
    FeedItemResult,
    FeedReport,
    FeedType,
    query_feed,
    submit_feed,
)
from aliexpress.gateway import new_gateway
from aliexpress.limits import BucketLimiter
from aliexpress.memory_limits import MemoryBuckets
from aliexpress.operation import AccessToken, AppCredentials
from aliexpress.payload import creation_payload
from aliexpress.transport import HttpTransport
from aliexpress.wire import encode
from catalog_service.normalizing.normalize import Normalized
from catalog_service.preview.views import refuser_of
from common.contracts.product import ProductNormalized
from stack.sandbox import Sandbox
from stack.testing import eventually, open_marketplace

from .catalogues import Kind
from .measure import NOW, Case, SimulatorLookups, by_number, evaluate, places_of
from .planting import Place
from .unchecked import Body, unchecked_body

REDIRECT = "http://127.0.0.1:8001/v1/oauth/callback"
VALIDATOR = re.compile(r"040003:(?P<field>.+)_(?P<rule>[A-Za-z0-9]+)Validator")
FIELDS_BY_TEXT = {
    "sku_code": "sku_code",
    "sku_attribute_name": "sku_attributes",
    "Title:": "title_multi_language_list",
    "image url": "image_url_list",
    "CATEGORY_ID": "category_id",
}
"""Which field messages without a validator's name speak of."""
WRITTEN_OUT = 3
"""Samples of each kind of disagreement in a report."""


@dataclass(frozen=True)
class Forecast:
    """What preview says of a family, and the body that is, or would be, sent."""

    catalogue: str
    name: str
    kind: str
    is_valid: bool
    """Whether it is sent."""
    is_refused: bool
    """Whether AliExpress would refuse it."""
    places: tuple[Place, ...]
    body: Body
    is_body_reproduced: bool
    """Whether the body without checks is the one that is sent; of refused families nobody knows."""
    live_locale: str | None = None


@dataclass(frozen=True)
class Verdict:
    """What the marketplace says: accepted, or refused with its message."""

    is_accepted: bool
    message: str = ""

    @property
    def fields(self) -> frozenset[str]:
        """The names of the fields that a refusal speaks of, outer and inner."""
        found = VALIDATOR.search(self.message)
        if found is not None:
            return frozenset(found["field"].split("."))
        return frozenset(field for text, field in FIELDS_BY_TEXT.items() if text in self.message)


@dataclass(frozen=True)
class Outcome:
    """A forecast beside its verdict."""

    forecast: Forecast
    verdict: Verdict

    @property
    def is_right(self) -> bool:
        """Whether they agree."""
        return self.forecast.is_refused != self.verdict.is_accepted

    @property
    def is_same_field(self) -> bool:
        """Whether both refuse, and name a field in common."""
        named = {name for place in self.forecast.places for name in place.field.split(" > ")}
        return bool(named & self.verdict.fields)


# ---- forecasts


def forecast(catalogue: Kind, case: Case, lookups: SimulatorLookups) -> Forecast:
    """Evaluate a family, and build its body."""
    result = evaluate(case, lookups)
    body = unchecked_body(case.feed, case.draft, lookups, NOW)
    is_valid = result.state == "valid"
    sent = creation_payload(_event(result)) if is_valid else None
    return Forecast(
        catalogue.name,
        case.draft.family_id,
        case.kind,
        is_valid,
        refuser_of(result.issues) == "aliexpress",
        tuple(places_of(result)),
        body if sent is None else sent,
        is_body_reproduced=sent is None or _decoded(sent) == _decoded(body),
        live_locale=case.draft.live_locale,
    )


def _event(result: Normalized) -> ProductNormalized:
    """The event that the publisher builds the body of."""
    return ProductNormalized(
        merchant_id="m",
        feed_id="f",
        family_id="family",
        revision=1,
        shop_id="s",
        presence="present",
        content_part=result.content_part,
        content=result.content,
        offers_part=result.offers_part,
        offers=result.offers,
        stock_part=result.stock_part,
        stock=result.stock,
    )


def _decoded(body: Mapping[str, object]) -> Any:
    return msgspec.json.decode(encode(body))


# ---- verdicts


class Shop:
    """A seller's shop at the sandbox, to be asked for verdicts."""

    def __init__(self, client: Client, token: AccessToken) -> None:
        self._client = client
        self._token = token

    async def verdicts(self, forecasts: Sequence[Forecast]) -> list[Verdict]:
        """The verdict on each body, in their order. Those of products that are online are edited:
        they are created first, in their language."""
        online = [found for found in forecasts if found.live_locale is not None]
        before = await self._feed(
            "PRODUCT_CREATE", {found.name: _in_language(found) for found in online}
        )
        edited = {
            found.name: found.body | {"aliexpress_product_id": before[found.name].product_id}
            for found in online
        }
        results = await self._feed("PRODUCT_FULL_UPDATE", edited)
        results |= await self._feed(
            "PRODUCT_CREATE", {f.name: f.body for f in forecasts if f.live_locale is None}
        )
        return [_verdict(results[found.name]) for found in forecasts]

    async def _feed(
        self, feed_type: FeedType, bodies: Mapping[str, Body]
    ) -> dict[str, FeedItemResult]:
        items = [FeedItem(name, body) for name, body in bodies.items()]
        results: dict[str, FeedItemResult] = {}
        for start in range(0, len(items), MAX_FEED_ITEMS):
            part = items[start : start + MAX_FEED_ITEMS]
            job = await submit_feed(self._client, self._token, feed_type, part)
            report = await self._followed(job)
            results |= {item.content_id: item for item in report.items}
        return results

    async def _followed(self, job: str) -> FeedReport:
        report = await query_feed(self._client, self._token, job)

        async def is_finished() -> bool:
            nonlocal report
            report = await query_feed(self._client, self._token, job)
            return report.is_finished

        await eventually(is_finished)
        return report


def _in_language(found: Forecast) -> Body:
    """The body in the language that the product is online with."""
    main, live = found.body["locale"], found.live_locale

    def moved(entry: Body) -> Body:
        return entry | {"locale": live} if entry["locale"] == main else entry

    texts = ("title_multi_language_list", "description_multi_language_list")
    moved_texts = {name: list(map(moved, found.body[name])) for name in texts}
    return found.body | moved_texts | {"locale": live}


def _verdict(result: FeedItemResult) -> Verdict:
    return Verdict(result.is_success, result.message or "")


@asynccontextmanager
async def open_shop(sandbox: Sandbox, seller_id: str) -> AsyncIterator[Shop]:
    """The seller's shop, connected."""
    client = Client(
        AppCredentials(sandbox.app_key, sandbox.app_secret),
        new_gateway(sandbox.url),
        HttpTransport(),
        BucketLimiter(MemoryBuckets()),
        integrator="AliExpress Channel",
    )
    try:
        async with open_marketplace(sandbox.url, seller_id) as marketplace:
            code = await marketplace.authorization_code(REDIRECT)
        grant = await oauth.create_token(client, code, redirect_uri=REDIRECT)
        yield Shop(client, grant.token)
    finally:
        await client.aclose()


async def compare(
    sandbox: Sandbox,
    catalogue: Kind,
    cases: Iterable[Case],
    lookups: SimulatorLookups | None = None,
) -> list[Outcome]:
    """Forecasts and verdicts of families of a catalogue."""
    lookups = lookups or SimulatorLookups(catalogue.seller)
    forecasts = [forecast(catalogue, case, lookups) for case in cases]
    async with open_shop(sandbox, catalogue.seller.id) as shop:
        verdicts = await shop.verdicts(forecasts)
    return [Outcome(*pair) for pair in zip(forecasts, verdicts, strict=True)]


# ---- figures


def matrix_of(outcomes: Sequence[Outcome]) -> dict[str, Any]:
    """Forecast by verdict, and precision and recall of both forecasts."""
    cells = Counter((_called(o.forecast), o.verdict.is_accepted) for o in outcomes)
    accepted = sum(cells[called, True] for called in ("valid", "held back"))
    let_through = sum(cells[called, False] for called in ("valid", "held back"))
    taken, refused = cells["refused", True], cells["refused", False]
    return {
        f"called {called}": {"accepted": cells[called, True], "refused": cells[called, False]}
        for called in ("valid", "held back", "refused")
    } | {
        "accepted": _shares(accepted, let_through, taken),
        "refused": _shares(refused, taken, let_through),
    }


def _called(forecast: Forecast) -> str:
    if forecast.is_refused:
        return "refused"
    return "valid" if forecast.is_valid else "held back"


def _shares(right: int, false: int, missed: int) -> dict[str, float]:
    return {
        "precision": round(right / max(right + false, 1), 4),
        "recall": round(right / max(right + missed, 1), 4),
    }


def report_of(outcomes: Sequence[Outcome]) -> dict[str, Any]:
    """The figures as they are committed."""
    names = dict.fromkeys(outcome.forecast.catalogue for outcome in outcomes)
    both = [o for o in outcomes if o.forecast.is_refused and not o.verdict.is_accepted]
    return {
        "families": len(outcomes),
        "defects": sum(1 for outcome in outcomes if outcome.forecast.kind),
        "kinds": len({outcome.forecast.kind for outcome in outcomes} - {""}),
        **matrix_of(outcomes),
        "catalogues": {
            name: matrix_of([o for o in outcomes if o.forecast.catalogue == name]) for name in names
        },
        "held back": _held_back(outcomes),
        "disagreements": _disagreements([outcome for outcome in outcomes if not outcome.is_right]),
        "refused by both": {
            "for the same field": sum(outcome.is_same_field for outcome in both),
            "for another field": _by_kind([o for o in both if not o.is_same_field]),
        },
        "bodies not reproduced": [
            outcome.forecast.name for outcome in outcomes if not outcome.forecast.is_body_reproduced
        ],
    }


def report_of_odd(outcomes: Sequence[Outcome]) -> dict[str, Any]:
    """The figures of families with odd values. Whether the marketplace would take what is called
    refused is no disagreement there, only said: nobody says what the values mean."""
    let_through = [o for o in outcomes if o.forecast.is_valid and not o.verdict.is_accepted]
    taken = [o for o in outcomes if o.forecast.is_refused and o.verdict.is_accepted]
    by_rule = Counter(rule for o in taken for rule in {place.rule for place in o.forecast.places})
    return {
        "families": len(outcomes),
        **matrix_of(outcomes),
        "refused although taken, by rule": {
            rule: by_rule[rule] for rule in sorted(by_rule, key=by_number)
        },
        "disagreements": _disagreements(let_through),
    }


def _held_back(outcomes: Sequence[Outcome]) -> dict[str, int]:
    """How many of which kind of defect the channel alone refuses."""
    kinds = Counter(
        f"{place.rule} {o.forecast.kind}"
        for o in outcomes
        if _called(o.forecast) == "held back"
        for place in o.forecast.places[:1]
    )
    return dict(sorted(kinds.items()))


def _by_kind(outcomes: Sequence[Outcome]) -> dict[str, int]:
    named = Counter(f"{outcome.forecast.kind}: {outcome.verdict.message}" for outcome in outcomes)
    return dict(sorted(named.items()))


def _disagreements(outcomes: Sequence[Outcome]) -> dict[str, list[dict[str, Any]]]:
    """By kind of defect, a few samples each with what both say."""
    samples: dict[str, list[dict[str, Any]]] = {}
    for outcome in outcomes:
        forecast, verdict = outcome.forecast, outcome.verdict
        of_kind = samples.setdefault(forecast.kind or "without a defect", [])
        if len(of_kind) < WRITTEN_OUT:
            of_kind.append(
                {
                    "family": forecast.name,
                    "forecast": _called(forecast),
                    "issues": [f"{place.rule} {place.field}" for place in forecast.places],
                    "verdict": "accepted" if verdict.is_accepted else verdict.message,
                }
            )
    return samples
