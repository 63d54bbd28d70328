"""`catalog.updated`: other systems tell of one source product."""

from typing import Annotated, ClassVar, Literal

import msgspec

from common.contracts.event import Event, ExternalId, Identifier, key_of

FieldValue = (
    Annotated[str, msgspec.Meta(max_length=200_000)]
    | int
    | float
    | bool
    | None
    | Annotated[list[str], msgspec.Meta(max_length=1_000)]
)
"""A source field: text, number, boolean, nothing, or a list of texts. Send money as text."""


class CatalogUpdated(Event, frozen=True, kw_only=True):
    """One source product as its merchant's system now knows it, or its deletion.

    `version` is needed in a catalogue declared `explicit` and refused in an `arrival` one; the
    highest version wins. `parent_id` names the parent row of a variation (M4.1). `fields` are the
    product's own fields in the merchant's words; an upsert replaces them all.
    """

    topic: ClassVar[str] = "catalog.updated"

    catalogue_id: Identifier
    product_id: ExternalId
    action: Literal["upsert", "delete"]
    version: Annotated[int, msgspec.Meta(ge=0, le=2**63 - 1)] | None = None
    parent_id: ExternalId | None = None
    fields: dict[Annotated[str, msgspec.Meta(min_length=1, max_length=128)], FieldValue] = (
        msgspec.field(default_factory=dict)
    )

    def key(self) -> str:
        """merchant/catalogue/product."""
        return key_of(self.merchant_id, self.catalogue_id, self.product_id)
