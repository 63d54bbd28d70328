"""Who may call this service's routes, and the ids their paths carry."""

from typing import Annotated

from fastapi import Path

from common.contracts.event import LONGEST_EXTERNAL_ID
from common.web.identity import IDENTIFIER_PATTERN, OPERATOR, caller_with, merchant_with

Reader = Annotated[str, merchant_with("orders:read")]
"""The path's merchant, for a caller that may read its orders."""
Writer = Annotated[str, merchant_with("orders:write")]
"""The path's merchant, for a caller that may import and ship its orders."""

Shipper = Annotated[str, merchant_with("orders:ship")]
"""The path's merchant, for a caller that may ship its orders and ask for imports of them."""

operators_only = caller_with(OPERATOR)

ShopId = Annotated[str, Path(pattern=IDENTIFIER_PATTERN)]
OrderId = Annotated[
    str, Path(min_length=1, max_length=LONGEST_EXTERNAL_ID, pattern=r"^[^\x00-\x1f/]+$")
]
ShipmentId = Annotated[str, Path(pattern=IDENTIFIER_PATTERN)]
