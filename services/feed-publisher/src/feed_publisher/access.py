"""Who may call this service's routes, and the ids their paths carry."""

from typing import Annotated

from fastapi import Path

from common.web.identity import (
    IDENTIFIER_PATTERN,
    OPERATOR,
    Identity,
    caller_with,
    merchant_with,
)

Reader = Annotated[str, merchant_with("feeds:read")]
"""The merchant's id, of a caller that may read its feeds."""
Writer = Annotated[str, merchant_with("feeds:write")]
"""The merchant's id, of a caller that may change its feeds."""
Runner = Annotated[str, merchant_with("feeds:run")]
"""The merchant's id, of a caller that may run its feeds, pause them and confirm their plans."""
Operator = Annotated[Identity, caller_with(OPERATOR)]
"""An operator of the channel."""

STORABLE = r"^[^\x00]+$"
"""Texts that Postgres can hold."""

FeedId = Annotated[str, Path(pattern=IDENTIFIER_PATTERN)]
ShopId = Annotated[str, Path(pattern=IDENTIFIER_PATTERN)]
RunId = Annotated[str, Path(pattern=IDENTIFIER_PATTERN)]
FamilyId = Annotated[str, Path(pattern=STORABLE)]
SkuCode = Annotated[str, Path(pattern=STORABLE)]
