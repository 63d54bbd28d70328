"""The composition root of the console: what it is made of, on one screen."""

from contextlib import suppress
from http import HTTPStatus

import httpx2
import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.types import Scope

from console.browser import ConsoleCookies, FormForeign
from console.forms import FormUnreadable
from console.headers import SafeHeaders
from console.live import LiveStreams
from console.pages import ROUTERS
from console.pages.signing_in.routes import keep_form, show_again
from console.rendering import assets, packed_assets
from console.services import AUTH, CATALOG, ORDERS, PUBLISHER, Away, Problem, Refused, Services
from console.settings import ConsoleSettings
from console.texts import N_
from console.tokens import Tokens
from console.unread import UnreadCounts
from console.viewer import Console, NoMerchant, NotSignedIn, see_other, signed_in, visitor

log = structlog.get_logger()

_FOREIGN = Problem(
    title=N_("This form does not belong to this browser, or is too old"),
    status=403,
    remedy=N_("Open the page again, in a browser that keeps cookies, and send it from there."),
)
_UNREADABLE = Problem(
    title=N_("The form could not be read"),
    status=400,
    remedy=N_("Open the page again and send it from there."),
)
_NOT_FOUND = Problem(
    title=N_("There is no such page"), status=404, remedy=N_("Check the address, or search.")
)
_BROKEN = Problem(
    title=N_("Something went wrong here"),
    status=500,
    remedy=N_("Try again. If it stays so, tell the operator of this channel and when it was."),
)
_A_YEAR = "public, max-age=31536000, immutable"
_KINDS = {"css": "text/css", "js": "text/javascript", "svg": "image/svg+xml"}


def create_app(settings: ConsoleSettings, http: httpx2.AsyncClient) -> FastAPI:
    """The pages, without probes."""
    app = FastAPI(
        title="console",
        openapi_url=None,
        redirect_slashes=False,
        telemetry={
            "operation_spans": False,
            "auto_configure": False,
            "logs": False,  # ours are redacted
            "exclude": _is_untold,
        },
    )
    app.state.console = new_console(settings, http)
    app.add_middleware(SafeHeaders, is_secure=settings.is_secure)
    app.add_exception_handler(NotSignedIn, _to_sign_in)
    app.add_exception_handler(NoMerchant, _to_merchants)
    app.add_exception_handler(Refused, _refused)
    app.add_exception_handler(Away, _away)
    app.add_exception_handler(FormForeign, _foreign)
    app.add_exception_handler(FormUnreadable, _unreadable)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(RequestValidationError, _no_page)
    app.add_exception_handler(Exception, _bug)
    for router in ROUTERS:
        app.include_router(router)
    _serve_assets(app)
    return app


def new_console(settings: ConsoleSettings, http: httpx2.AsyncClient) -> Console:
    """What the pages of an app share; `http` reaches the services."""
    urls = {
        AUTH: settings.auth_url,
        CATALOG: settings.catalog_url,
        PUBLISHER: settings.publisher_url,
        ORDERS: settings.orders_url,
    }
    services = Services(http, urls)
    tokens = Tokens(services, within=settings.panel_seconds)
    unread = UnreadCounts(services, tokens, within=settings.unread_seconds)
    live = LiveStreams(
        every=settings.live_every_seconds,
        per_session=settings.live_per_session,
        at_most=settings.live_at_most,
    )
    return Console(
        settings, services, tokens, ConsoleCookies(is_secure=settings.is_secure), unread, live
    )


def _serve_assets(app: FastAPI) -> None:
    """Each under a name that changes with what it holds, kept by browsers for a year."""
    plain, packed = dict(assets().values()), packed_assets()

    @app.get("/assets/{name}")
    async def asset(name: str, request: Request) -> Response:
        """One of our own files."""
        if name not in plain:
            raise HTTPException(HTTPStatus.NOT_FOUND)
        headers = {"cache-control": _A_YEAR, "vary": "accept-encoding"}
        kind = _KINDS[name.rpartition(".")[2]]
        if "gzip" not in request.headers.get("accept-encoding", ""):
            return Response(plain[name], media_type=kind, headers=headers)
        return Response(
            packed[name], media_type=kind, headers=headers | {"content-encoding": "gzip"}
        )


async def _page_of(request: Request, problem: Problem) -> Response:
    """A page that says so, with the way on of who is signed in."""
    viewer = visitor(request)
    with suppress(NotSignedIn, Refused, Away):
        viewer = await signed_in(request)
    return viewer.page("failure.html", status=problem.status, problem=problem, block="problem")


async def _to_sign_in(request: Request, _failure: Exception) -> Response:
    if request.headers.get("hx-request") == "true":
        return Response(status_code=401, headers={"HX-Redirect": "/sign-in"})
    wanted = visitor(request).address
    if request.method != "GET":
        return await keep_form(visitor(request))
    if wanted == "/":
        return see_other("/sign-in")
    return see_other(str(httpx2.URL("/sign-in").copy_set_param("next", wanted)))


async def _to_merchants(_request: Request, _failure: Exception) -> Response:
    return see_other("/merchants")


async def _refused(request: Request, failure: Exception) -> Response:
    assert isinstance(failure, Refused)  # noqa: S101 - the handler's own kind
    problem = failure.problem
    if problem.status == HTTPStatus.UNAUTHORIZED:
        answer = await _to_sign_in(request, failure)
        if request.method == "GET":  # else the cookie tells that the page to sign in is its own
            visitor(request).forget(answer, request.app.state.console.names.session)
        return answer
    return await _page_of(request, problem)


async def _away(request: Request, failure: Exception) -> Response:
    assert isinstance(failure, Away)  # noqa: S101 - the handler's own kind
    log.warning("service.away", service=failure.service, reason=str(failure))
    title, remedy = f"{failure.service} did not answer", N_("Load the page again in a moment.")
    return await _page_of(request, Problem(title=title, status=503, remedy=remedy))


async def _foreign(request: Request, _failure: Exception) -> Response:
    return await show_again(visitor(request)) or await _page_of(request, _FOREIGN)


async def _unreadable(request: Request, _failure: Exception) -> Response:
    return await _page_of(request, _UNREADABLE)


async def _http(request: Request, failure: Exception) -> Response:
    status = getattr(failure, "status_code", HTTPStatus.NOT_FOUND)
    is_missing = status in {HTTPStatus.NOT_FOUND, HTTPStatus.METHOD_NOT_ALLOWED}
    return await _page_of(request, _NOT_FOUND if is_missing else _BROKEN)


async def _no_page(request: Request, _failure: Exception) -> Response:
    return await _page_of(request, _NOT_FOUND)


async def _bug(request: Request, failure: Exception) -> Response:
    log.error("page.failed", path=request.url.path, exc_info=failure)
    return await _page_of(request, _BROKEN)


def _is_untold(scope: Scope) -> bool:
    """Probes, scrapes and assets tell no story: they are not traced."""
    path: str = scope.get("path", "")
    return path.startswith(("/health/", "/assets/")) or path == "/metrics"
