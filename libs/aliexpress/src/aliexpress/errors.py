"""What can go wrong with a call, by what the caller may do next.

    MarketplaceFailure        operation, message, code, sub_code, request_id
    ├── CallerFault           ours or the merchant's fault: do not repeat unchanged
    │   └── BusinessError     refused inside `result`, the call itself was well formed
    ├── TokenDead             the token is invalid, expired or revoked: connect the shop again
    ├── PlatformFault         (an Outage) AliExpress or the way to it is down: repeat later
    │   └── AppRefused        our app is refused, whatever is asked: an operator puts it right
    ├── LimitReached          (an Outage) a quota is used up or a ban runs: repeat after `ban`
    ├── OutcomeUnknown        a write whose answer was lost: settle by reading, never repeat blindly
    └── BadAnswer             a read answered in no documented form: repeat later, inform a person

A write that is answered in no documented form is an `OutcomeUnknown`, since it may have been done.
`may_repeat` is the one place that says whether the same call may be made again.
"""

from datetime import timedelta
from typing import Literal

from common.errors import Outage

LimitScope = Literal["app", "app-operation", "seller-operation"]


class MarketplaceFailure(Exception):
    """A call that did not succeed. `request_id` is AliExpress's own name of the call, if given.

    `code`, `sub_code` and `message` are kept as received: `code` is a TOP number, an IOP name or a
    business code, or one of ours (lower case, with hyphens) where AliExpress gave none.
    """

    def __init__(
        self,
        operation: str,
        message: str,
        *,
        code: str = "",
        sub_code: str = "",
        request_id: str | None = None,
    ) -> None:
        self.operation = operation
        self.message = message
        self.code = code
        self.sub_code = sub_code
        self.request_id = request_id
        super().__init__(self._text())

    @property
    def codes(self) -> str:
        """Code and sub-code, as far as there are any."""
        return " ".join(filter(None, (self.code, self.sub_code)))

    def _text(self) -> str:
        named = f" ({self.codes})" if self.codes else ""
        return f"{self.operation}: {self.message}{named}"


class CallerFault(MarketplaceFailure):
    """The request is wrong or not allowed; repeated unchanged it fails again."""


class BusinessError(CallerFault):
    """AliExpress understood the request and refused it inside `result`."""


class TokenDead(MarketplaceFailure):
    """The access (or refresh) token is invalid, expired or revoked."""


class PlatformFault(MarketplaceFailure, Outage):
    """AliExpress failed, or was never reached; nothing was done. The same call may succeed later.

    `retry_after` (of `Outage`) is None: the caller's own back-off decides.
    """


class AppRefused(PlatformFault):
    """AliExpress refuses our app, whatever is asked (key, signature, address, permissions); nothing
    was done.

    No merchant's data and no seller's token is at fault: the same calls succeed once an operator
    has put the app right, which `remedy` says how to do. Its text is for merchants.
    """

    def __init__(
        self,
        operation: str,
        message: str,
        *,
        remedy: str,
        code: str = "",
        sub_code: str = "",
        request_id: str | None = None,
    ) -> None:
        super().__init__(operation, message, code=code, sub_code=sub_code, request_id=request_id)
        self.remedy = remedy

    def _text(self) -> str:
        return f"AliExpress refuses our app ({self.codes}): the operator was told"

    @property
    def trouble(self) -> str:
        """What work that waits for it shows."""
        return f"{self}; nothing is lost, it goes on by itself"


class LimitReached(MarketplaceFailure, Outage):
    """A limit refused the call, AliExpress's or, before anything was sent, our own bucket.

    `ban` is how long the refusal lasts from now on, `scope` what it holds for.
    """

    def __init__(
        self,
        operation: str,
        message: str,
        *,
        ban: timedelta,
        scope: LimitScope = "seller-operation",
        code: str = "",
        sub_code: str = "",
        request_id: str | None = None,
    ) -> None:
        super().__init__(operation, message, code=code, sub_code=sub_code, request_id=request_id)
        self.ban = ban
        self.scope = scope
        self.retry_after = ban


class OutcomeUnknown(MarketplaceFailure):
    """The request may have taken effect, but no usable answer arrived."""


class BadAnswer(MarketplaceFailure):
    """The answer to a read is not of the documented form; `message` names the place."""


def may_repeat(failure: MarketplaceFailure) -> bool:
    """Whether the same call may be made again: later, and for a limit not before its ban ends."""
    return isinstance(failure, PlatformFault | LimitReached | BadAnswer)
