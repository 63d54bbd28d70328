"""A marketplace that may fail, with three shops; time-outs so short that it can be waited for."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import msgspec

from channel_cli.session import Problem
from channel_demo import bring_in
from channel_demo.session import Session
from channel_demo.sources import Sources
from stack.testing import StartSystem, eventually

from .merchant_path import FAMILIES, MORE_FAMILIES, WITHIN, Case, imports_document
from .sample import part_of, sample_of, sample_session

QUICK: Mapping[str, Mapping[str, str]] = {
    "auth-service": {"AUTH_MARKETPLACE_TIMEOUT_SECONDS": "0.6"},
    "catalog-service": {"CATALOG_MARKETPLACE_TIMEOUT_SECONDS": "0.6"},
    "feed-publisher": {
        "PUBLISHER_MARKETPLACE_TIMEOUT_SECONDS": "0.6",
        "PUBLISHER_REMOVAL_SHARE": "1",  # each case takes a product of few out of the same shop
    },
    "order-importer": {"ORDERS_MARKETPLACE_TIMEOUT_SECONDS": "0.6"},
}
"""Time-outs so short that every fault can be waited for."""

NOT_FOUND = 404


@dataclass(frozen=True)
class Other:
    """Another merchant with a shop of its own, and what its seller has otherwise."""

    merchant: str
    seller_id: str
    template: str
    changes: Mapping[str, Any] = field(default_factory=dict)


OTHERS = (
    Other("second", "2200100002", "standard"),
    Other("third", "2200100003", "envio gratis", {"currency": "EUR"}),
)


@asynccontextmanager
async def failing_marketplace(start_system: StartSystem) -> AsyncIterator[list[Case]]:
    """A system of its own with three connected shops, each the model of its cases."""
    async with start_system(QUICK) as system, sample_session(system) as session:
        sources = part_of(sample_of(system), *FAMILIES, *MORE_FAMILIES)
        models = [
            Case(session, sources, "", 0),
            *(_model_of(other, session, sources) for other in OTHERS),
        ]
        for model in models:
            await bring_in.connect_shop(model.session)
            await eventually(partial(knows_shop, model.session), within=WITHIN)
        yield models


async def knows_shop(session: Session) -> bool:
    """Whether order-importer has heard of the shop."""
    try:
        await imports_document(session)
    except Problem as problem:
        if problem.details.status != NOT_FOUND:
            raise
        return False
    return True


def _model_of(other: Other, session: Session, sources: Sources) -> Case:
    """The same products in this merchant's shop."""
    events = [
        msgspec.structs.replace(event, merchant_id=other.merchant) for event in sources.events
    ]
    templates = {"shipping_template_id": {"constant": other.template}}
    configuration = {
        **sources.configuration,
        **other.changes,
        "attributes": sources.configuration["attributes"] | templates,
    }
    return Case(
        replace(
            session,
            merchant=other.merchant,
            shop=other.merchant,
            sandbox=replace(session.sandbox, seller_id=other.seller_id),
        ),
        replace(sources, events=events, configuration=configuration),
        "",
        0,
    )
