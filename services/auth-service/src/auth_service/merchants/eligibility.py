"""Only merchants known as AliExpress sellers use the channel (M1.1). Pure."""

from common.errors import Refusal


class NotEligible(Refusal):
    """The merchant is not known to the channel as an AliExpress seller."""

    def __init__(self, merchant_id: str, contact: str) -> None:
        super().__init__(
            f"{merchant_id} is not known to this channel as an AliExpress seller",
            status=403,
            slug="not-eligible",
            rule="M1.1",
            remedy=f"Ask {contact} to admit this merchant, then try again.",
        )


def require_eligible(merchant_id: str, is_eligible: bool, contact: str) -> None:
    """Raises `NotEligible` with whom to ask."""
    if not is_eligible:
        raise NotEligible(merchant_id, contact)
