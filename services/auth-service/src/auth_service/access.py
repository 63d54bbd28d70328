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

TOKEN_READ = "token:read"  # noqa: S105 - a scope, not a secret

Reader = Annotated[str, merchant_with("shops:read")]
"""The path's merchant, for a caller that may read its shops."""
Writer = Annotated[str, merchant_with("shops:write")]
"""The path's merchant, for a caller that may change its shops."""

MemberReader = Annotated[str, merchant_with("members:read")]
"""The path's merchant, for a person that may see who works for it."""
MemberWriter = Annotated[str, merchant_with("members:write")]
"""The path's merchant, for a person that may say who works for it."""
ClientReader = Annotated[str, merchant_with("clients:read")]
"""The path's merchant, for a person that may see its API clients."""
ClientWriter = Annotated[str, merchant_with("clients:write")]
"""The path's merchant, for a person that may make and end its API clients."""

AlertReader = Annotated[str, merchant_with("alerts:read")]
"""The path's merchant, for a caller that may see its troubles."""
AlertWriter = Annotated[str, merchant_with("alerts:write")]
"""The path's merchant, for a caller that may acknowledge them and have itself told."""
WebhookReader = Annotated[str, merchant_with("webhooks:read")]
"""The path's merchant, for a caller that may see its webhooks and their deliveries."""
WebhookWriter = Annotated[str, merchant_with("webhooks:write")]
"""The path's merchant, for a caller that may say which systems are told."""

operators_only = caller_with(OPERATOR)


async def _holds_tokens(caller: Annotated[Identity, caller_with(TOKEN_READ)]) -> None:
    if TOKEN_READ not in caller.scopes:
        raise ScopeMissing(TOKEN_READ)


services_only = Depends(_holds_tokens)
"""For our services. Operators may do everything but hold a shop's token."""

MerchantId = Annotated[str, Path(pattern=IDENTIFIER_PATTERN)]
ShopId = Annotated[str, Path(pattern=IDENTIFIER_PATTERN)]
ClientId = Annotated[str, Path(max_length=128, pattern=r"^[^\x00-\x1f]+$")]
RowId = Annotated[str, Path(pattern=r"^[0-9a-f]{32}$")]
"""An id we made: of a trouble, a webhook endpoint, a delivery."""
PersonId = Annotated[str, Path(pattern=IDENTIFIER_PATTERN)]
SessionId = Annotated[str, Path(pattern=IDENTIFIER_PATTERN)]
