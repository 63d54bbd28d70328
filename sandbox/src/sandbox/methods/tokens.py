"""The new platform's exchange of codes and refresh tokens for tokens."""

from sandbox import errors
from sandbox.methods.registry import Answer, Call, operation
from sandbox.oauth.service import InvalidCode, Token
from sandbox.oauth.views import new_form


@operation("/auth/token/create", "/auth/token/security/create")
def create_token(call: Call) -> Answer:
    """The token for a code."""
    try:
        token = call.state.oauth.exchange(
            call.text("code"), verifier=call.parameters.get("code_verifier")
        )
    except InvalidCode as error:
        raise errors.invalid_code() from error
    return _answer(call, token)


@operation("/auth/token/refresh", "/auth/token/security/refresh")
def refresh_token(call: Call) -> Answer:
    """A new token for a refresh token, where the app may refresh at all."""
    try:
        token = call.state.oauth.refresh(call.text("refresh_token"))
    except InvalidCode as error:
        raise errors.dead_refresh_token() from error
    return _answer(call, token)


def _answer(call: Call, token: Token) -> Answer:
    return new_form(
        token, call.state.settings, numbers_as_text=call.state.quirks.token_numbers_as_text
    )
