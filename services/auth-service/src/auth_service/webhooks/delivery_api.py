"""REST over what was delivered to webhooks, and delivering it again."""

from datetime import datetime
from typing import Annotated, Literal, NamedTuple

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel, ConfigDict

from auth_service.access import RowId, WebhookReader, WebhookWriter
from auth_service.webhooks import store
from common.errors import Refusal
from common.postgres.audit import record
from common.postgres.pool import Pool
from common.postgres.unit_of_work import reading, unit_of_work
from common.web.pagination import Keyset, Limit, Page
from common.web.routing import new_router


class DeliveryView(BaseModel):
    """An event for an endpoint. `webhook-id` of each attempt is `event_id`."""

    model_config = ConfigDict(from_attributes=True)

    delivery_id: str
    event_id: str
    event: str
    kind: str | None
    state: str
    attempts: int
    queued_at: datetime
    next_at: datetime | None
    last_attempt_at: datetime | None
    last_status: int | None
    last_error: str | None
    body: str


class DeliveryPlace(NamedTuple):
    """Deliveries are listed from the newest on."""

    queued_at: datetime
    delivery_id: str


AfterDelivery = Annotated[DeliveryPlace | None, Depends(Keyset(DeliveryPlace))]


def delivery_router(pool: Pool) -> APIRouter:
    """The routes of this slice."""
    router = new_router(tags=["webhooks"])

    @router.get("/v1/merchants/{merchant_id}/webhooks/{endpoint_id}/deliveries")
    async def get_deliveries(
        merchant_id: WebhookReader,
        endpoint_id: RowId,
        state: Annotated[Literal["due", "delivered", "failed"] | None, Query()] = None,
        after: AfterDelivery = None,
        limit: Limit = 50,
    ) -> Page[DeliveryView]:
        """What was sent to it, or is on its way, the newest first; kept for 30 days."""
        async with reading(pool) as connection:
            await store.load_endpoint(connection, merchant_id, endpoint_id)
            found = await store.list_deliveries(
                connection, endpoint_id, state=state, after=after, limit=limit + 1
            )
        page = Page.of(found, limit, lambda d: DeliveryPlace(d.queued_at, d.delivery_id))
        return page.with_items([DeliveryView.model_validate(item) for item in page.items])

    @router.post(
        "/v1/merchants/{merchant_id}/webhooks/{endpoint_id}/deliveries/{delivery_id}/replay",
        status_code=202,
    )
    async def replay(
        merchant_id: WebhookWriter, endpoint_id: RowId, delivery_id: RowId
    ) -> DeliveryView:
        """Send the event again, as a delivery of its own with the same `webhook-id`."""
        async with unit_of_work(pool) as connection:
            endpoint = await store.load_endpoint(connection, merchant_id, endpoint_id)
            if endpoint.disabled_at is not None:
                raise Refusal(
                    f"the endpoint is disabled: {endpoint.disabled_reason}",
                    status=409,
                    slug="webhook-disabled",
                    remedy="Enable it first.",
                )
            former = await store.load_delivery(connection, merchant_id, endpoint_id, delivery_id)
            again = await store.insert_delivery(
                connection,
                endpoint,
                event_id=former.event_id,
                event=former.event,
                kind=former.kind,
                body=former.body,
            )
            await record(connection, "webhook.replayed", endpoint_id, {"event": former.event_id})
        return DeliveryView.model_validate(again)

    return router
