"""REST over shops, the two pages a browser passes when one is connected, and republishing."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Cookie, Depends, Path, Query, Response
from fastapi.responses import HTMLResponse, RedirectResponse
from pydantic import BaseModel, ConfigDict

from aliexpress.client import Client
from auth_service.settings import AuthSettings
from auth_service.shops import store
from auth_service.shops.connect_shop import ATTEMPT_LASTS, connect_shop, depart
from auth_service.shops.finish_connection import Return, finish_connection
from auth_service.shops.pages import HEADERS, connected_page, refused_page
from auth_service.shops.republish import republish
from auth_service.shops.token_vault import TokenVault
from common.contracts.shop import Connection
from common.errors import Refusal
from common.postgres.pool import Pool
from common.web.identity import IDENTIFIER_PATTERN, OPERATOR, caller_with, merchant_with
from common.web.pagination import Cursor, Limit, Page, cursor_of, place_of
from common.web.problem import PROBLEM_RESPONSES

COOKIE = "channel_connect"
_COOKIE_PATH = "/v1/oauth"

Reader = Annotated[str, Depends(merchant_with("shops:read"))]
Writer = Annotated[str, Depends(merchant_with("shops:write"))]
ShopId = Annotated[str, Path(pattern=IDENTIFIER_PATTERN)]
FromBrowser = Annotated[str | None, Query(max_length=1024)]


class StartView(BaseModel):
    """Open `start_url` in the merchant's browser before `expires_at`; it opens once."""

    start_url: str
    expires_at: datetime


class ShopView(BaseModel):
    """A shop and its connection; `generation` rises with every renewal of the token."""

    model_config = ConfigDict(from_attributes=True)

    merchant_id: str
    shop_id: str
    is_eligible: bool
    connection: Connection
    generation: int
    seller_id: str | None
    seller_name: str | None
    connected_at: datetime | None
    expires_at: datetime | None


class RepublishBody(BaseModel):
    """Whose state to tell again; everyone's without a merchant."""

    model_config = ConfigDict(extra="forbid")

    merchant_id: str | None = None


class Republished(BaseModel):
    """How many records were written."""

    records: int


def shop_router(pool: Pool, client: Client, vault: TokenVault, settings: AuthSettings) -> APIRouter:
    """The routes of this slice."""
    router = APIRouter(responses=PROBLEM_RESPONSES, tags=["shops"])
    contact = settings.eligibility_contact

    @router.post("/v1/merchants/{merchant_id}/shops/{shop_id}/connect", status_code=201)
    async def connect(merchant_id: Writer, shop_id: ShopId) -> StartView:
        """A link that connects the shop, or renews its token, in the merchant's browser."""
        ticket = await connect_shop(pool, merchant_id, shop_id, contact=contact)
        url = f"{settings.public_url.rstrip('/')}/v1/oauth/start?ticket={ticket.value}"
        return StartView(start_url=url, expires_at=ticket.expires_at)

    @router.get("/v1/merchants/{merchant_id}/shops")
    async def get_shops(
        merchant_id: Reader, cursor: Cursor = None, limit: Limit = 50
    ) -> Page[ShopView]:
        """The merchant's shops, by id."""
        place = place_of(cursor)
        found = await store.list_shops(
            pool, merchant_id, after=str(place[0]) if place else "", limit=limit + 1
        )
        return Page(
            items=[ShopView.model_validate(shop) for shop in found[:limit]],
            next_cursor=cursor_of(found[limit - 1].shop_id) if len(found) > limit else None,
        )

    @router.get("/v1/merchants/{merchant_id}/shops/{shop_id}")
    async def get_shop(merchant_id: Reader, shop_id: ShopId) -> ShopView:
        """The shop."""
        return ShopView.model_validate(await store.load_shop(pool, merchant_id, shop_id))

    @router.get("/v1/oauth/start", response_class=HTMLResponse)
    async def start(ticket: Annotated[str, Query(max_length=128)] = "") -> Response:
        """Where a browser begins: it gets its cookie and goes on to AliExpress."""
        try:
            departure = await depart(pool, client, ticket, redirect_uri=settings.redirect_uri)
        except Refusal as refusal:
            return refused_page(refusal)
        going = RedirectResponse(departure.url, status_code=302, headers=HEADERS)
        going.set_cookie(
            COOKIE,
            departure.cookie,
            max_age=int(ATTEMPT_LASTS.total_seconds()),
            path=_COOKIE_PATH,
            secure=settings.public_url.startswith("https:"),
            httponly=True,
            samesite="lax",
        )
        return going

    @router.get("/v1/oauth/callback", response_class=HTMLResponse)
    async def callback(
        state: FromBrowser = None,
        code: FromBrowser = None,
        channel_connect: Annotated[str | None, Cookie(max_length=128)] = None,
    ) -> Response:
        """Where AliExpress sends the browser back to: connected, or why not."""
        brought = Return(state, code, channel_connect)
        try:
            shop = await finish_connection(
                pool, client, vault, brought, redirect_uri=settings.redirect_uri, contact=contact
            )
        except Refusal as refusal:
            return refused_page(refusal)
        page = connected_page(shop)
        page.delete_cookie(COOKIE, path=_COOKIE_PATH)
        return page

    @router.post("/v1/republish", dependencies=[Depends(caller_with(OPERATOR))])
    async def republish_states(body: RepublishBody) -> Republished:
        """Tell the state of shops again."""
        return Republished(records=await republish(pool, body.merchant_id))

    return router
