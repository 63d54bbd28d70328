"""REST, for operators: what several merchants' shops have to ship."""

from datetime import timedelta
from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import BaseModel, StringConstraints

from common import clock
from common.postgres.pool import Pool
from common.postgres.unit_of_work import reading
from common.web.identity import IDENTIFIER_PATTERN
from common.web.routing import new_router
from order_importer.access import operators_only
from order_importer.overview import store

SOON = timedelta(hours=24)
Merchants = Annotated[
    list[Annotated[str, StringConstraints(pattern=IDENTIFIER_PATTERN)]],
    Query(alias="merchant", max_length=50, description="Whose; several. Nothing without any."),
]


class OrderGlanceView(BaseModel):
    """A shop's orders that wait for shipment; `due` are to leave within 24 hours or are late."""

    merchant_id: str
    shop_id: str
    to_ship: int
    due: int
    late: int


class OrderGlances(BaseModel):
    """The shops that have any."""

    items: list[OrderGlanceView]


def overview_router(pool: Pool) -> APIRouter:
    """For operators."""
    router = new_router(tags=["orders"])

    @router.get("/v1/orders-to-ship", dependencies=[operators_only])
    async def get_orders_to_ship(
        merchants: Merchants = [],  # noqa: B006 - FastAPI copies it
    ) -> OrderGlances:
        """How many orders of these merchants have to be shipped, by shop."""
        now = clock.now()
        async with reading(pool) as connection:
            found = await store.count_to_ship(connection, merchants, now=now, until=now + SOON)
        return OrderGlances(items=[OrderGlanceView(**vars(each)) for each in found])

    return router
