"""Who may call this service's routes, and the ids their paths carry."""

from typing import Annotated

from fastapi import Depends, Path

from common.web.identity import (
    IDENTIFIER_PATTERN,
    OPERATOR,
    Identity,
    ScopeMissing,
    caller_with,
    merchant_with,
)

TOKEN_READ = "token:read"  # noqa: S105 - a scope, not a secret  # nosec B105

Reader = Annotated[str, merchant_with("shops:read")]
"""The path's merchant, for a caller that may read its shops."""
Writer = Annotated[str, merchant_with("shops:write")]
"""The path's merchant, for a caller that may change its shops."""

operators_only = caller_with(OPERATOR)


async def _holds_tokens(caller: Annotated[Identity, caller_with(TOKEN_READ)]) -> None:
    if TOKEN_READ not in caller.scopes:
        raise ScopeMissing(TOKEN_READ)


services_only = Depends(_holds_tokens)
"""For our services. Operators may do everything but hold a shop's token."""

MerchantId = Annotated[str, Path(pattern=IDENTIFIER_PATTERN)]
ShopId = Annotated[str, Path(pattern=IDENTIFIER_PATTERN)]
