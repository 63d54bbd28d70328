"""What is asked outside the gateways: the page a seller agrees on, the old platform's exchange."""

from urllib.parse import urlencode, urlsplit

import msgspec

from sandbox.oauth.service import InvalidCode
from sandbox.oauth.views import old_form
from sandbox.pages import render_page
from sandbox.sellers import SELLERS
from sandbox.server import Request, Response
from sandbox.state import State


def authorize(state: State, request: Request) -> Response:
    """Show the choice of sellers (GET), or send the seller back with a code or a refusal."""
    query = request.parameters
    problem = _problem(state, query)
    if problem:
        return render_page("refused.html", status=400, problem=problem)
    if request.method != "POST":
        return render_page("authorize.html", sellers=SELLERS.values(), query=query)
    redirect_uri = query["redirect_uri"]
    answer = {"state": query["state"]} if query.get("state") else {}
    if query.get("decision") != "agree":
        answer |= {"error": "access_denied", "error_description": "the seller refused"}
    elif query.get("seller_id") not in SELLERS:
        return render_page("refused.html", status=400, problem="There is no such seller.")
    else:
        answer = {"code": _code(state, query)} | answer
    separator = "&" if urlsplit(redirect_uri).query else "?"
    location = f"{redirect_uri}{separator}{urlencode(answer)}"
    return Response(b"", status=302, headers=[(b"location", location.encode())])


def _code(state: State, query: dict[str, str]) -> str:
    return state.oauth.issue_code(
        query["seller_id"], query["redirect_uri"], query.get("code_challenge")
    )


def _problem(state: State, query: dict[str, str]) -> str | None:
    if query.get("client_id") != state.settings.app_key:
        return "The App Key (client_id) is not the one of the test app."
    if query.get("redirect_uri") not in state.settings.redirects:
        return "redirect_uri is not one registered with the app."
    if query.get("response_type") != "code":
        return "response_type must be code."
    if "code_challenge" in query and query.get("code_challenge_method") != "S256":
        return "code_challenge_method must be S256."
    return None


def old_token(state: State, request: Request) -> Response:
    """The old platform's exchange: a form with the app's secret, no signature."""
    form = request.parameters
    settings = state.settings
    is_app = (
        form.get("client_id") == settings.app_key
        and form.get("client_secret") == settings.app_secret
    )
    if not is_app:
        return _old_error("invalid_client", "client_id or client_secret is wrong")
    if form.get("grant_type") != "authorization_code":
        return _old_error("unsupported_grant_type", "only authorization_code")
    try:
        token = state.oauth.exchange(
            form.get("code", ""), form.get("redirect_uri", ""), form.get("code_verifier")
        )
    except InvalidCode:
        return _old_error("invalid_grant", "the code is unknown, used or expired")
    return Response(msgspec.json.encode(old_form(token)))


def _old_error(code: str, description: str) -> Response:
    body = {"error": code, "error_description": description}
    return Response(msgspec.json.encode(body), status=400)
