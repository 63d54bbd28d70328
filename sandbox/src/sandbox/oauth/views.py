"""Tokens as the two platforms write them."""

from datetime import datetime
from typing import Any

from sandbox.oauth.service import Token
from sandbox.sellers import SELLERS
from sandbox.settings import Settings

LOCALE = "zh_CN"
PLATFORM = "ae"


def new_form(token: Token, settings: Settings, *, numbers_as_text: bool) -> dict[str, Any]:
    """A token as the new platform writes it; its numbers may come as texts."""
    seller = SELLERS[token.seller_id]
    numbers: dict[str, Any] = {
        "expires_in": settings.token_seconds,
        "refresh_expires_in": settings.refresh_life,
        "expire_time": _milliseconds(token.expires_at),
        "refresh_token_valid_time": _milliseconds(token.refresh_until),
    }
    if numbers_as_text:
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


def old_form(token: Token) -> dict[str, Any]:
    """A token as the old platform writes it."""
    seller = SELLERS[token.seller_id]
    expires, refresh_until = _milliseconds(token.expires_at), _milliseconds(token.refresh_until)
    return {
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


def _milliseconds(moment: datetime) -> int:
    return int(moment.timestamp() * 1000)
