"""REST over webhook endpoints and their secrets."""

from datetime import datetime
from typing import Annotated, NamedTuple

from fastapi import APIRouter, Depends, Response
from pydantic import BaseModel, ConfigDict, Field

from auth_service.access import RowId, WebhookReader, WebhookWriter
from auth_service.sealing.token_vault import TokenVault
from auth_service.webhooks import store
from auth_service.webhooks.endpoints import (
    delete_endpoint,
    enable_endpoint,
    make_endpoint,
    rotate_secret,
)
from auth_service.webhooks.rules import (
    ALL,
    LONGEST_URL,
    OVERLAP,
    require_endpoint_url,
    require_filters,
)
from auth_service.webhooks.store import Endpoint
from common import clock
from common.postgres.audit import record
from common.postgres.pool import Pool
from common.postgres.unit_of_work import reading, unit_of_work
from common.web.pagination import Keyset, Limit, Page
from common.web.routing import new_router

Printable = r"^[^\x00-\x1f]*$"


class EndpointBody(BaseModel):
    """Where to tell a system, and of which kinds: names, beginnings such as `order_*`, `*`."""

    model_config = ConfigDict(extra="forbid")

    url: Annotated[str, Field(min_length=1, max_length=LONGEST_URL)]
    description: Annotated[str, Field(max_length=200, pattern=Printable)] = ""
    kinds: Annotated[list[Annotated[str, Field(max_length=65)]], Field(max_length=50)] = [ALL]


class EndpointView(BaseModel):
    """An endpoint. `failing_since`: since when nothing could be delivered to it; after a day of
    that, or an answer 410, it is disabled."""

    model_config = ConfigDict(from_attributes=True)

    endpoint_id: str
    url: str
    description: str
    kinds: list[str]
    created_at: datetime
    failing_since: datetime | None
    disabled_at: datetime | None
    disabled_reason: str | None


class NewEndpoint(EndpointView):
    """A new endpoint; `secret` is shown this once."""

    secret: str


class NewSecret(BaseModel):
    """A new secret, shown this once; deliveries are signed by the one before too until then."""

    secret: str
    former_signs_until: datetime


class EndpointPlace(NamedTuple):
    """Endpoints are listed by id."""

    endpoint_id: str


After = Annotated[EndpointPlace | None, Depends(Keyset(EndpointPlace))]


def endpoint_router(pool: Pool, vault: TokenVault, allowed_hosts: frozenset[str]) -> APIRouter:
    """The routes of this slice."""
    router = new_router(tags=["webhooks"])

    @router.get("/v1/merchants/{merchant_id}/webhooks")
    async def get_endpoints(
        merchant_id: WebhookReader, after: After = None, limit: Limit = 50
    ) -> Page[EndpointView]:
        """The merchant's endpoints, by id."""
        async with reading(pool) as connection:
            found = await store.list_endpoints(
                connection, merchant_id, after=after.endpoint_id if after else "", limit=limit + 1
            )
        page = Page.of(found, limit, lambda last: EndpointPlace(last.endpoint_id))
        return page.with_items([EndpointView.model_validate(item) for item in page.items])

    @router.post("/v1/merchants/{merchant_id}/webhooks", status_code=201)
    async def post_endpoint(merchant_id: WebhookWriter, body: EndpointBody) -> NewEndpoint:
        """Add an endpoint; its secret is shown this once."""
        require_endpoint_url(body.url, allowed_hosts)
        kinds = require_filters(body.kinds)
        async with unit_of_work(pool) as connection:
            endpoint, secret = await make_endpoint(
                connection,
                vault,
                merchant_id,
                url=body.url,
                description=body.description,
                kinds=kinds,
            )
            await record(
                connection, "webhook.made", endpoint.endpoint_id, {"url": body.url, "kinds": kinds}
            )
        view = EndpointView.model_validate(endpoint)
        return NewEndpoint(**view.model_dump(), secret=secret)

    @router.get("/v1/merchants/{merchant_id}/webhooks/{endpoint_id}")
    async def get_endpoint(merchant_id: WebhookReader, endpoint_id: RowId) -> EndpointView:
        """The endpoint."""
        async with reading(pool) as connection:
            endpoint = await store.load_endpoint(connection, merchant_id, endpoint_id)
        return EndpointView.model_validate(endpoint)

    @router.put("/v1/merchants/{merchant_id}/webhooks/{endpoint_id}")
    async def put_endpoint(
        merchant_id: WebhookWriter, endpoint_id: RowId, body: EndpointBody
    ) -> EndpointView:
        """Change where it is and what it is sent; its secret stays."""
        require_endpoint_url(body.url, allowed_hosts)
        kinds = require_filters(body.kinds)
        async with unit_of_work(pool) as connection:
            endpoint = await store.change_endpoint(
                connection,
                merchant_id,
                endpoint_id,
                url=body.url,
                description=body.description,
                kinds=kinds,
            )
            await record(
                connection, "webhook.changed", endpoint_id, {"url": body.url, "kinds": kinds}
            )
        return EndpointView.model_validate(endpoint)

    @router.delete("/v1/merchants/{merchant_id}/webhooks/{endpoint_id}", status_code=204)
    async def forget_endpoint(merchant_id: WebhookWriter, endpoint_id: RowId) -> Response:
        """Delete it, with its deliveries."""
        async with unit_of_work(pool) as connection:
            await delete_endpoint(connection, merchant_id, endpoint_id)
            await record(connection, "webhook.deleted", endpoint_id)
        return Response(status_code=204)

    @router.post("/v1/merchants/{merchant_id}/webhooks/{endpoint_id}/enable")
    async def enable(merchant_id: WebhookWriter, endpoint_id: RowId) -> EndpointView:
        """Send to it again after it was disabled."""
        async with unit_of_work(pool) as connection:
            endpoint: Endpoint = await enable_endpoint(connection, merchant_id, endpoint_id)
            await record(connection, "webhook.enabled", endpoint_id)
        return EndpointView.model_validate(endpoint)

    @router.post("/v1/merchants/{merchant_id}/webhooks/{endpoint_id}/secret")
    async def new_secret(merchant_id: WebhookWriter, endpoint_id: RowId) -> NewSecret:
        """A new secret. The one before signs too for 24 hours: take the new one over by then."""
        async with unit_of_work(pool) as connection:
            secret = await rotate_secret(connection, vault, merchant_id, endpoint_id)
            await record(connection, "webhook.secret_rotated", endpoint_id)
        return NewSecret(secret=secret, former_signs_until=clock.now() + OVERLAP)

    return router
