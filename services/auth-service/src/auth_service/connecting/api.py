"""REST: a link that connects a shop, and the two pages a browser passes on that way."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Cookie, Query, Response
from fastapi.responses import HTMLResponse, RedirectResponse
from pydantic import BaseModel

from aliexpress.client import Client
from auth_service.access import ShopId, Writer
from auth_service.connecting.connect_shop import ATTEMPT_LIFETIME, connect_shop, start_connection
from auth_service.connecting.finish_connection import Callback, finish_connection
from auth_service.connecting.pages import HEADERS, connected_page, refused_page
from auth_service.settings import AuthSettings
from auth_service.shops.token_vault import TokenVault
from common.errors import Refusal
from common.postgres.pool import Pool
from common.web.problem import PROBLEM_RESPONSES

COOKIE = "channel_connect"
_COOKIE_PATH = "/v1/oauth"

FromBrowser = Annotated[str | None, Query(max_length=1024)]


class StartView(BaseModel):
    """Open `start_url` in the merchant's browser before `expires_at`; it opens once."""

    start_url: str
    expires_at: datetime


def connect_router(
    pool: Pool, client: Client, vault: TokenVault, settings: AuthSettings
) -> APIRouter:
    """Links for merchants; the two pages for whoever holds a link's ticket or state."""
    router = APIRouter(responses=PROBLEM_RESPONSES, tags=["shops"])
    contact = settings.eligibility_contact

    @router.post("/v1/merchants/{merchant_id}/shops/{shop_id}/connect", status_code=201)
    async def connect(merchant_id: Writer, shop_id: ShopId) -> StartView:
        """A link that connects the shop, or renews its token, in the merchant's browser."""
        ticket = await connect_shop(pool, merchant_id, shop_id, contact=contact)
        url = f"{settings.public_url.rstrip('/')}/v1/oauth/start?ticket={ticket.value}"
        return StartView(start_url=url, expires_at=ticket.expires_at)

    @router.get("/v1/oauth/start", response_class=HTMLResponse)
    async def start(ticket: Annotated[str, Query(max_length=128)] = "") -> Response:
        """Where a browser begins: it gets its cookie and goes on to AliExpress."""
        try:
            redirection = await start_connection(
                pool, client, ticket, redirect_uri=settings.redirect_uri
            )
        except Refusal as refusal:
            return refused_page(refusal)
        response = RedirectResponse(redirection.url, status_code=302, headers=HEADERS)
        response.set_cookie(
            COOKIE,
            redirection.cookie,
            max_age=int(ATTEMPT_LIFETIME.total_seconds()),
            path=_COOKIE_PATH,
            secure=settings.public_url.startswith("https:"),
            httponly=True,
            samesite="lax",
        )
        return response

    @router.get("/v1/oauth/callback", response_class=HTMLResponse)
    async def callback(
        state: FromBrowser = None,
        code: FromBrowser = None,
        channel_connect: Annotated[str | None, Cookie(max_length=128)] = None,
    ) -> Response:
        """Where AliExpress sends the browser back to: connected, or why not."""
        returned = Callback(state, code, channel_connect)
        try:
            shop = await finish_connection(
                pool, client, vault, returned, redirect_uri=settings.redirect_uri, contact=contact
            )
        except Refusal as refusal:
            return refused_page(refusal)
        page = connected_page(shop)
        page.delete_cookie(COOKIE, path=_COOKIE_PATH)
        return page

    return router
