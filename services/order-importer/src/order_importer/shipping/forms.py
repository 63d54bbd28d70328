"""The forms of what is asked of shipping over REST."""

from typing import Annotated

from pydantic import Field

from common.contracts.event import LONGEST_EXTERNAL_ID
from order_importer.carriers.tracking_number import MAX_WRITTEN

MAX_NOTE = 400
MAX_LINES = 500

_PRINTABLE = r"^[^\x00-\x1f]+$"

LineId = Annotated[str, Field(min_length=1, max_length=LONGEST_EXTERNAL_ID, pattern=_PRINTABLE)]
Carrier = Annotated[str, Field(min_length=1, max_length=100, pattern=_PRINTABLE)]
TrackingNumber = Annotated[
    str,
    Field(
        min_length=1,
        max_length=MAX_WRITTEN,
        description="As the carrier printed it: blanks, dashes, invisible characters and case are "
        "left out of account; what is kept and sent is in the answer.",
    ),
]
TrackingWebsite = Annotated[str, Field(min_length=4, max_length=200, pattern=r"^[\x21-\x7e]+$")]
Note = Annotated[str, Field(max_length=MAX_NOTE, pattern=r"^[\x20-\x7e]*$")]
