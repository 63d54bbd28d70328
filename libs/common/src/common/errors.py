"""The three typed failures of the channel; everything else is a bug: stop and alarm.

Issue     a value: this product (or row, or event) cannot go on, and the remedy
Refusal   raised: the caller asked for something that cannot be done; carries an HTTP status
Outage    raised: not now; the caller backs off and tries again
"""

from datetime import timedelta
from typing import Literal

import msgspec

Severity = Literal["error", "advice"]
Refuser = Literal["aliexpress", "channel"]


class Issue(msgspec.Struct, frozen=True, omit_defaults=True):
    """Why a product cannot be listed as it is, in words its merchant can act on.

    `rule` is a mission rule id (M3.5), `field` the channel attribute or source field, `value` what
    stands there now, `remedy` the next step. An issue of severity `advice` blocks nothing (M3.14).
    `refused_by` is who would refuse the product for it: AliExpress, or the channel alone, since
    what AliExpress would take is not what the merchant means.
    """

    rule: str
    field: str
    message: str
    remedy: str
    value: str | None = None
    sku: str | None = None
    severity: Severity = "error"
    refused_by: Refuser = "aliexpress"


class Refusal(Exception):
    """The request cannot be carried out, and repeating it unchanged will not help.

    Answered as RFC 9457 problem details: `status` (HTTP), `slug` (the problem's type), `title` is
    the exception's text; `field`, `rule` and `remedy` say where, why and what next.
    `retry_after` is when it may be asked for again, where time is all it takes.
    """

    def __init__(
        self,
        title: str,
        *,
        status: int,
        slug: str,
        remedy: str,
        field: str | None = None,
        rule: str | None = None,
        retry_after: timedelta | None = None,
    ) -> None:
        super().__init__(title)
        self.retry_after = retry_after
        self.title = title
        self.status = status
        self.slug = slug
        self.remedy = remedy
        self.field = field
        self.rule = rule


class NotFound(Refusal):
    """Nothing of that name for this merchant; a foreign merchant's thing answers the same."""

    def __init__(self, what: str, *, remedy: str = "Check the identifier.") -> None:
        super().__init__(f"{what} not found", status=404, slug="not-found", remedy=remedy)


class Outage(Exception):
    """Something needed does not answer now; the same attempt may succeed later."""

    def __init__(self, message: str, *, retry_after: timedelta | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after
