"""The pages a seller agrees on, and the exchange of codes for tokens on both platforms."""

from urllib.parse import urlencode, urlsplit

import orjson

from sandbox.errors import GatewayError
from sandbox.oauth.state import InvalidCode, Token
from sandbox.operations import Answer, Call, operation
from sandbox.pages import render_page
from sandbox.sellers import SELLERS
from sandbox.server import Request, Response
from sandbox.state import State

LOCALE = "zh_CN"
PLATFORM = "ae"


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
        answer = {"code": state.oauth.issue_code(query["seller_id"], redirect_uri)} | answer
    separator = "&" if urlsplit(redirect_uri).query else "?"
    location = f"{redirect_uri}{separator}{urlencode(answer)}"
    return Response(b"", status=302, headers=[(b"location", location.encode())])


def _problem(state: State, query: dict[str, str]) -> str | None:
    if query.get("client_id") != state.settings.app_key:
        return "The App Key (client_id) is not the one of the test app."
    if query.get("redirect_uri") not in state.settings.redirects:
        return "redirect_uri is not one registered with the app."
    if query.get("response_type") != "code":
        return "response_type must be code."
    return None


@operation("/auth/token/create", "/auth/token/security/create")
def create_token(call: Call) -> Answer:
    """The token for a code."""
    try:
        token = call.state.oauth.exchange(call.text("code"))
    except InvalidCode as error:
        raise _invalid_code("code") from error
    return _new_form(call.state, token)


@operation("/auth/token/refresh", "/auth/token/security/refresh")
def refresh_token(call: Call) -> Answer:
    """A new token for a refresh token, where the app may refresh at all."""
    try:
        token = call.state.oauth.refresh(call.text("refresh_token"))
    except InvalidCode as error:
        raise _invalid_code("refresh_token") from error
    return _new_form(call.state, token)


def _invalid_code(name: str) -> GatewayError:
    parameter = name.replace("_", " ")
    return GatewayError(
        "ISV",
        f"Invalid{name.title().replace('_', '')}",
        41,
        f"The specified {parameter} is invalid",
    )


def _new_form(state: State, token: Token) -> Answer:
    seller = SELLERS[token.seller_id]
    settings = state.settings
    numbers: Answer = {
        "expires_in": settings.token_seconds,
        "refresh_expires_in": settings.refresh_seconds,
        "expire_time": int(token.expires_at.timestamp() * 1000),
        "refresh_token_valid_time": int(token.refresh_until.timestamp() * 1000),
    }
    if state.quirks.token_numbers_as_text:
        numbers = {name: str(number) for name, number in numbers.items()}
    return numbers | {
        "access_token": token.access_token,
        "refresh_token": token.refresh_token,
        "user_id": seller.id,
        "seller_id": seller.id,
        "account_id": None,
        "account": seller.login_id,
        "account_platform": "seller_center",
        "user_nick": seller.login_id,
        "havana_id": f"1{seller.id}",
        "locale": LOCALE,
        "sp": PLATFORM,
    }


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
        token = state.oauth.exchange(form.get("code", ""), form.get("redirect_uri", ""))
    except InvalidCode:
        return _old_error("invalid_grant", "the code is unknown, used or expired")
    expires = int(token.expires_at.timestamp() * 1000)
    refresh_until = int(token.refresh_until.timestamp() * 1000)
    seller = SELLERS[token.seller_id]
    return Response(
        orjson.dumps(
            {
                "access_token": token.access_token,
                "refresh_token": token.refresh_token,
                "expire_time": expires,
                "refresh_token_valid_time": refresh_until,
                "w1_valid": expires,
                "w2_valid": refresh_until,
                "r1_valid": expires,
                "r2_valid": refresh_until,
                "user_id": seller.id,
                "user_nick": seller.login_id,
                "locale": LOCALE,
                "sp": PLATFORM,
            }
        )
    )


def _old_error(code: str, description: str) -> Response:
    body = {"error": code, "error_description": description}
    return Response(orjson.dumps(body), status=400)
