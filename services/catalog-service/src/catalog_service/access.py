"""Who may call which routes of the service, and the ids their paths carry."""

from typing import Annotated

from fastapi import Path, Query
from pydantic import Field

from common.contracts.catalog import LONGEST_FIELD_NAME
from common.contracts.event import LONGEST_EXTERNAL_ID
from common.web.identity import (
    IDENTIFIER_PATTERN,
    OPERATOR,
    Identity,
    caller_with,
    merchant_with,
)

CatalogueReader = Annotated[str, merchant_with("catalogue:read")]
"""The path's merchant, for a caller that may read its catalogues."""
CatalogueWriter = Annotated[str, merchant_with("catalogue:write")]
"""The path's merchant, for a caller that may fill its catalogues."""
FeedReader = Annotated[str, merchant_with("feeds:read")]
"""The path's merchant, for a caller that may read its feeds."""
FeedWriter = Annotated[str, merchant_with("feeds:write")]
"""The path's merchant, for a caller that may change its feeds."""
Operator = Annotated[Identity, caller_with(OPERATOR)]
"""An operator of the channel."""

CatalogueId = Annotated[str, Path(pattern=IDENTIFIER_PATTERN)]
FeedId = Annotated[str, Path(pattern=IDENTIFIER_PATTERN)]
ShopId = Annotated[str, Path(pattern=IDENTIFIER_PATTERN)]
CategoryId = Annotated[str, Path(pattern=r"^[1-9][0-9]{0,17}$")]
ProductId = Annotated[str, Path(max_length=LONGEST_EXTERNAL_ID, pattern=r"^[^\x00-\x1f]+$")]
FamilyId = ProductId
"""A family is named like its parent."""
VersionNumber = Annotated[int, Path(ge=1, le=2**31 - 1)]
DraftId = Annotated[int, Path(ge=1, le=2**63 - 1)]
ImportId = Annotated[int, Path(ge=1, le=2**63 - 1)]

ShopName = Annotated[str, Field(pattern=IDENTIFIER_PATTERN)]
CatalogueName = Annotated[str, Field(pattern=IDENTIFIER_PATTERN)]
"""Ids in queries, by which lists are narrowed."""

ColumnName = Annotated[str, Field(max_length=LONGEST_FIELD_NAME, pattern=r"^[^\x00-\x1f]*$")]
"""A column of a catalogue file; blank is none."""

Note = Annotated[str | None, Query(max_length=500, pattern=r"^[^\x00]*$", description="Why.")]
"""Why a configuration is saved, for those who look at its versions."""

SearchedText = Annotated[str | None, Query(max_length=1_000, pattern=r"^[^\x00]*$")]
"""A text that is looked for in a list."""
