"""`token.expiring`, `token.expired`, `token.renewed`: for people and other systems (M9.1)."""

from datetime import datetime
from typing import ClassVar, Literal

from common.contracts.event import Event, Identifier, key_of


class _TokenFact(Event, frozen=True, kw_only=True):
    shop_id: Identifier
    seller_id: str
    generation: int
    expires_at: datetime

    def key(self) -> str:
        """merchant/shop."""
        return key_of(self.merchant_id, self.shop_id)


class TokenExpiring(_TokenFact, frozen=True, kw_only=True):
    """The token of this generation expires soon; each step is published once per generation."""

    topic: ClassVar[str] = "token.expiring"

    step: Literal["14d", "7d", "3d", "1d", "6h"]
    seconds_left: int


EndCause = Literal["time", "taken_back"]
"""time: its 30 days are over; taken_back: AliExpress calls it dead before, since the seller took
the authorisation back."""


class TokenExpired(_TokenFact, frozen=True, kw_only=True):
    """The token ended, by the cause named: products, offers and orders stand still until it is
    renewed (M1.3). Published once per generation."""

    topic: ClassVar[str] = "token.expired"

    cause: EndCause = "time"


Cause = Literal["person", "refresh"]
"""person: somebody agreed on AliExpress's pages; refresh: the channel refreshed it (M1.8)."""


class TokenRenewed(_TokenFact, frozen=True, kw_only=True):
    """The shop was connected or renewed, by the cause named; everything resumes and catches up."""

    topic: ClassVar[str] = "token.renewed"

    cause: Cause = "person"
