"""What feed-publisher sees of auth-service: callers' tokens and the issue of shop tokens."""

import base64
from datetime import timedelta
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from fastapi import FastAPI, HTTPException

from common import clock
from common.web.identity import AUDIENCE, ISSUER

MERCHANT, SELLER = "acme", "2200100001"
KEY = Ed25519PrivateKey.generate()


def public_key() -> jwt.PyJWK:
    public = KEY.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    x = base64.urlsafe_b64encode(public).decode().rstrip("=")
    return jwt.PyJWK({"kty": "OKP", "crv": "Ed25519", "x": x, "kid": "k1", "alg": "EdDSA"})


def bearer(*scopes: str, merchant: str | None = MERCHANT) -> dict[str, str]:
    claims = {
        "iss": ISSUER,
        "aud": AUDIENCE,
        "sub": "test",
        "scope": " ".join(scopes),
        "exp": int((clock.now() + timedelta(minutes=5)).timestamp()),
    } | ({"merchant": merchant} if merchant else {})
    signed = jwt.encode(claims, KEY, algorithm="EdDSA", headers={"kid": "k1"})
    return {"authorization": f"Bearer {signed}"}


class TokenIssuer:
    """auth-service's issue of tokens, as far as others see it."""

    def __init__(self) -> None:
        self.begin_anew()
        self.app = FastAPI()
        self.app.post("/v1/token")(self._service_token)
        self.app.get("/internal/v1/shops/{merchant_id}/{shop_id}/token")(self._issue_token)
        self.app.post("/internal/v1/shops/{merchant_id}/{shop_id}/token/dead")(self._dead)

    def begin_anew(self) -> None:
        """Nobody is connected, and nothing was reported."""
        self.token: str | None = None
        self.generation = 0
        self.reported: list[int] = []
        self.can_confirm = True
        """Whether AliExpress answers auth-service, which is asked about a token reported dead."""
        self.others: dict[str, tuple[str, str]] = {}
        """Sellers of other merchants than `MERCHANT`, and their tokens."""

    async def _service_token(self) -> dict[str, Any]:
        return {"access_token": "service", "token_type": "bearer", "expires_in": 600}

    async def _issue_token(self, merchant_id: str, shop_id: str) -> dict[str, Any]:
        if self.token is None:
            raise HTTPException(409, "not connected")
        seller_id, token = self.others.get(merchant_id, (SELLER, self.token))
        return {
            "access_token": token,
            "seller_id": seller_id,
            "generation": self.generation,
            "expires_at": (clock.now() + timedelta(days=30)).isoformat(),
        }

    async def _dead(self, merchant_id: str, shop_id: str, report: dict[str, int]) -> None:
        self.reported.append(report["generation"])
        if not self.can_confirm:
            raise HTTPException(503, "AliExpress refuses our app")
        if report["generation"] == self.generation:
            self.token = None
