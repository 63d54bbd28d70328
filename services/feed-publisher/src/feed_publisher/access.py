"""Who may call which routes of the service."""

from typing import Annotated

from fastapi import Depends

from common.web.identity import OPERATOR, Identity, caller_with, merchant_with

Reader = Annotated[str, Depends(merchant_with("feeds:read"))]
"""The merchant's id, of a caller that may read its feeds."""
Writer = Annotated[str, Depends(merchant_with("feeds:write"))]
"""The merchant's id, of a caller that may change its feeds."""
Operator = Annotated[Identity, Depends(caller_with(OPERATOR))]
"""An operator of the channel."""
