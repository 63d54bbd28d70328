"""Codes are used once; a token is one seller's, for 30 days on the sandbox's clock."""

import base64
import hashlib
from datetime import datetime, timedelta

import msgspec

from sandbox.context import Context


class Code(msgspec.Struct):
    """An authorisation a seller gave, not yet exchanged."""

    seller_id: str
    redirect_uri: str
    expires_at: datetime
    challenge: str | None = None
    """The S256 challenge it was asked for with (RFC 7636): its exchange must bring the verifier."""


class Token(msgspec.Struct):
    """What one exchange issued."""

    access_token: str
    refresh_token: str
    seller_id: str
    expires_at: datetime
    refresh_until: datetime
    is_revoked: bool = False
    is_refreshed: bool = False
    """Whether its refresh token was used: it is good once."""


class OAuthState(msgspec.Struct):
    """Codes and tokens by their text."""

    codes: dict[str, Code] = {}
    tokens: dict[str, Token] = {}


class InvalidCode(Exception):
    """The code (or refresh token) is unknown, used or expired."""


def challenge_of(verifier: str) -> str:
    """The S256 challenge of a verifier."""
    digest = hashlib.sha256(verifier.encode()).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


class OAuthService:
    """Issues codes and tokens and knows which are valid."""

    def __init__(self, context: Context, state: OAuthState) -> None:
        self._context = context
        self._state = state

    def issue_code(self, seller_id: str, redirect_uri: str, challenge: str | None = None) -> str:
        """A new code for an address the seller is sent back to."""
        code = self._secret("code")
        expires_at = self._context.now() + timedelta(seconds=self._context.settings.code_seconds)
        self._state.codes[code] = Code(seller_id, redirect_uri, expires_at, challenge)
        return code

    def exchange(
        self, code: str, redirect_uri: str | None = None, verifier: str | None = None
    ) -> Token:
        """The token for a code, once. Raises `InvalidCode`."""
        found = self._state.codes.pop(code, None)
        if found is None or found.expires_at <= self._context.now():
            raise InvalidCode
        if redirect_uri is not None and redirect_uri != found.redirect_uri:
            raise InvalidCode
        if found.challenge is not None and challenge_of(verifier or "") != found.challenge:
            raise InvalidCode
        return self._issue(found.seller_id)

    def refresh(self, refresh_token: str) -> Token:
        """A new pair for a refresh token that still works, once. Raises `InvalidCode`."""
        for token in self._state.tokens.values():
            if token.refresh_token == refresh_token:
                is_over = token.refresh_until <= self._context.now()
                if token.is_revoked or token.is_refreshed or is_over:
                    raise InvalidCode
                token.is_refreshed = True
                return self._issue(token.seller_id)
        raise InvalidCode

    def seller_of(self, access_token: str) -> str | None:
        """The seller a valid token belongs to."""
        token = self._state.tokens.get(access_token)
        if token is None or token.is_revoked or token.expires_at <= self._context.now():
            return None
        return token.seller_id

    def tokens_of(self, seller_id: str) -> list[Token]:
        """All that was ever issued to a seller."""
        return [token for token in self._state.tokens.values() if token.seller_id == seller_id]

    def revoke(self, seller_id: str) -> int:
        """End all tokens of a seller; how many there were."""
        valid = [token for token in self.tokens_of(seller_id) if not token.is_revoked]
        for token in valid:
            token.is_revoked = True
        return len(valid)

    def _issue(self, seller_id: str) -> Token:
        if self._context.settings.reauthorisation_revokes:
            self.revoke(seller_id)
        now = self._context.now()
        token = Token(
            access_token=self._secret("access"),
            refresh_token=self._secret("refresh"),
            seller_id=seller_id,
            expires_at=now + timedelta(seconds=self._context.settings.token_seconds),
            refresh_until=now + timedelta(seconds=self._context.settings.refresh_life),
        )
        self._state.tokens[token.access_token] = token
        self._context.ledger.record(
            "token.issue", seller_id, expires_at=token.expires_at.isoformat()
        )
        return token

    def _secret(self, kind: str) -> str:
        """A text nobody guesses without the seed, the same in every run with it."""
        settings = self._context.settings
        content = f"{kind}:{self._context.next_id(kind)}:{settings.app_secret}:{settings.seed}"
        return "50000" + hashlib.sha256(content.encode()).hexdigest()[:56]
