"""REST: a link that connects a shop, and the pages a browser passes on that way."""

from datetime import datetime
from typing import Annotated, Literal

from fastapi import APIRouter, Cookie, Depends, Query, Response
from fastapi.responses import HTMLResponse, RedirectResponse
from pydantic import BaseModel

from aliexpress.client import Client
from auth_service.access import ShopId, Writer
from auth_service.connecting.connect_shop import (
    ATTEMPT_LIFETIME,
    connect_shop,
    show_invitation,
    start_connection,
)
from auth_service.connecting.finish_connection import Callback, finish_connection
from auth_service.connecting.pages import connected_page, invitation_page, refused_page
from auth_service.html import HEADERS
from auth_service.sealing.token_vault import TokenVault
from auth_service.settings import AuthSettings
from common.errors import Refusal
from common.postgres.pool import Pool
from common.web.identity import for_everybody
from common.web.routing import new_router

START_PATH = "/v1/oauth/start"
COOKIE = "channel_connect"
SHOWN_COOKIE = "channel_connect_shown"
_COOKIE_PATH = "/v1/oauth"

SameSite = Literal["lax", "strict"]
TicketText = Annotated[str, Query(max_length=128)]
FromBrowser = Annotated[str | None, Query(max_length=1024)]


class StartView(BaseModel):
    """Open `start_url` in the merchant's browser before `expires_at`; it leads on once."""

    start_url: str
    expires_at: datetime


def connect_router(
    pool: Pool, client: Client, vault: TokenVault, settings: AuthSettings
) -> APIRouter:
    """Links for merchants; the pages for whoever holds a link's ticket or state."""
    router = new_router(tags=["shops"])
    contact = settings.eligibility_contact
    by_secret = Depends(for_everybody)

    def keep_cookie(response: Response, name: str, value: str, reach: SameSite) -> None:
        response.set_cookie(
            name,
            value,
            max_age=int(ATTEMPT_LIFETIME.total_seconds()),
            path=_COOKIE_PATH,
            secure=settings.public_url.startswith("https:"),
            httponly=True,
            samesite=reach,
        )

    @router.post("/v1/merchants/{merchant_id}/shops/{shop_id}/connect", status_code=201)
    async def connect(merchant_id: Writer, shop_id: ShopId) -> StartView:
        """A link that connects the shop, or renews its token, in the merchant's browser."""
        ticket = await connect_shop(pool, merchant_id, shop_id, contact=contact)
        url = f"{settings.public_url.rstrip('/')}{START_PATH}?ticket={ticket.value}"
        return StartView(start_url=url, expires_at=ticket.expires_at)

    @router.get(START_PATH, response_class=HTMLResponse, dependencies=[by_secret])
    async def show(ticket: TicketText = "") -> Response:
        """Where a browser begins: whose shop will be connected, and the button that goes on."""
        try:
            invitation = await show_invitation(pool, ticket)
        except Refusal as refusal:
            return refused_page(refusal)
        page = invitation_page(invitation, ticket)
        # no link of another site's carries it: nobody is sent past this page
        keep_cookie(page, SHOWN_COOKIE, invitation.proof, "strict")
        return page

    @router.post(START_PATH, response_class=HTMLResponse, dependencies=[by_secret])
    async def start(
        ticket: TicketText = "",
        channel_connect_shown: Annotated[str, Cookie(max_length=128)] = "",
    ) -> Response:
        """The button: the browser gets its cookie and goes on to AliExpress."""
        try:
            redirection = await start_connection(
                pool,
                client,
                ticket,
                channel_connect_shown,
                redirect_uri=settings.redirect_uri,
                proves_code=settings.oauth_pkce,
            )
        except Refusal as refusal:
            return refused_page(refusal)
        response = RedirectResponse(redirection.url, status_code=303, headers=HEADERS)
        keep_cookie(response, COOKIE, redirection.cookie, "lax")
        response.delete_cookie(SHOWN_COOKIE, path=_COOKIE_PATH)
        return response

    @router.get("/v1/oauth/callback", response_class=HTMLResponse, dependencies=[by_secret])
    async def callback(
        state: FromBrowser = None,
        code: FromBrowser = None,
        channel_connect: Annotated[str | None, Cookie(max_length=128)] = None,
    ) -> Response:
        """Where AliExpress sends the browser back to: connected, or why not."""
        returned = Callback(state, code, channel_connect)
        try:
            shop = await finish_connection(
                pool,
                client,
                vault,
                returned,
                redirect_uri=settings.redirect_uri,
                contact=contact,
                proves_code=settings.oauth_pkce,
            )
        except Refusal as refusal:
            return refused_page(refusal)
        page = connected_page(shop, settings.console_url)
        page.delete_cookie(COOKIE, path=_COOKIE_PATH)
        return page

    return router
