"""Money: a decimal string and an ISO 4217 currency; never a float."""

from decimal import Decimal
from typing import Annotated

import msgspec

Amount = Annotated[str, msgspec.Meta(pattern=r"^-?\d{1,12}(\.\d{1,4})?$", max_length=18)]
"""An exact amount such as `12.90`."""

Currency = Annotated[str, msgspec.Meta(pattern=r"^[A-Z]{3}$")]
"""An ISO 4217 code such as `USD`."""


class Money(msgspec.Struct, frozen=True):
    """An exact amount in a currency."""

    amount: Amount
    currency: Currency

    def decimal(self) -> Decimal:
        """The amount as a `Decimal`."""
        return Decimal(self.amount)
