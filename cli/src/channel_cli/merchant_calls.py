"""Merchants: made where there is none of the id, read, changed. Raises as every call here."""

from collections.abc import Mapping
from dataclasses import dataclass

from channel_cli.answers import Merchant
from channel_cli.client import route_of
from channel_cli.session import Problem, Session
from channel_cli.settings import AUTH

PRECONDITION_FAILED = 412


@dataclass(frozen=True)
class Merchants:
    """What is asked of auth-service about merchants."""

    session: Session

    async def make(self, merchant: str, *, name: str, is_eligible: bool) -> Merchant | None:
        """A new merchant; None where there is one of this id."""
        try:
            return await self._put(merchant, name, is_eligible, {"If-None-Match": "*"})
        except Problem as problem:
            if problem.details.status == PRECONDITION_FAILED:
                return None
            raise

    async def change(self, merchant: str, *, name: str, is_eligible: bool) -> Merchant:
        """Call the merchant so, and say whether it may sell."""
        return await self._put(merchant, name, is_eligible, {})

    async def read(self, merchant: str) -> Merchant:
        """The merchant as registered."""
        return await self.session.get(AUTH, route_of(merchant), Merchant)

    async def _put(
        self, merchant: str, name: str, is_eligible: bool, headers: Mapping[str, str]
    ) -> Merchant:
        body = {"name": name, "is_eligible": is_eligible}
        return await self.session.send(
            "PUT", AUTH, route_of(merchant), Merchant, body=body, headers=headers
        )
