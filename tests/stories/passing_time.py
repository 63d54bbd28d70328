"""Time passes, for the marketplace and for those who follow its clock."""

import base64
import json
from datetime import datetime

import httpx2

from channel_cli.settings import AUTH
from channel_demo.session import Session
from stack.testing import eventually

WITHIN = 30.0
"""Seconds until a service has looked at the clock again, on a busy machine."""


async def let_time_pass(session: Session, seconds: float) -> None:
    """Move the marketplace's clock; returns when auth-service issues tokens of the new time.

    Until it does, a token that ran out for the others cannot be replaced by one that they take.
    """
    await session.sandbox.move_clock(seconds)
    reading = await session.sandbox.http.get("/control/clock")
    moved_to = datetime.fromisoformat(reading.raise_for_status().json()["now"])

    async def is_followed() -> bool:
        try:
            return await _issued_at(session) >= int(moved_to.timestamp())
        except httpx2.HTTPError:
            return False  # it is being started again

    await eventually(is_followed, within=WITHIN)


async def _issued_at(session: Session) -> int:
    asking = session.channel.session
    grant = {
        "grant_type": "client_credentials",
        "client_id": asking.access.client_id,
        "client_secret": asking.access.client_secret.get_secret_value(),
    }
    answer = await asking.http.post(asking.url(AUTH) + "/v1/token", data=grant)
    claims = answer.raise_for_status().json()["access_token"].split(".")[1]
    issued: int = json.loads(base64.urlsafe_b64decode(claims + "=" * (-len(claims) % 4)))["iat"]
    return issued
