"""`catalog.updated`: other systems tell of one source product."""

from typing import Annotated, ClassVar, Literal

import msgspec

from common.contracts.event import (
    LONGEST_EXTERNAL_ID,
    Event,
    UncheckedExternalId,
    UncheckedIdentifier,
    check_external_id,
    check_identifiers,
    key_of,
)

LONGEST_FIELD_NAME = LONGEST_EXTERNAL_ID
"""Characters of a source field's name: columns of shops' extensions carry theirs in their names."""

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

    merchant_id: UncheckedIdentifier
    catalogue_id: UncheckedIdentifier
    product_id: UncheckedExternalId
    action: Literal["upsert", "delete"]
    version: Annotated[int, msgspec.Meta(ge=0, le=2**63 - 1)] | None = None
    parent_id: UncheckedExternalId | None = None
    fields: dict[
        Annotated[str, msgspec.Meta(min_length=1, max_length=LONGEST_FIELD_NAME)], FieldValue
    ] = msgspec.field(default_factory=dict)

    def key(self) -> str:
        """merchant/catalogue/product."""
        return key_of(self.merchant_id, self.catalogue_id, self.product_id)

    def check(self) -> None:
        """Raises `msgspec.ValidationError` where an id is not of its pattern."""
        check_identifiers(merchant_id=self.merchant_id, catalogue_id=self.catalogue_id)
        check_external_id("product_id", self.product_id)
        if self.parent_id is not None:
            check_external_id("parent_id", self.parent_id)
