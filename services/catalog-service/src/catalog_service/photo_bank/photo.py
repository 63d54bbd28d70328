"""A picture and the photo bank of a shop. Pure."""

from dataclasses import dataclass

BANK_FULL = "the shop's photo bank is full"


@dataclass(frozen=True)
class Photo:
    """A good picture in a shop's photo bank: under which `address` products may name it, or why
    AliExpress did not take it (`reason`); neither while it is still to be uploaded."""

    address: str | None = None
    reason: str | None = None

    @property
    def is_pending(self) -> bool:
        """Whether it is still to be uploaded, for the first time."""
        return self.address is None and self.reason is None

    @property
    def remedy(self) -> str:
        """What to do about `reason`."""
        if self.reason == BANK_FULL:
            return (
                "Delete pictures that no product needs from the photo bank in AliExpress's seller"
                " centre, or have it enlarged; it is tried again every hour."
            )
        return "Replace the picture by another JPEG or PNG; it is tried again in a day."
