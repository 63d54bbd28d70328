"""What every event class has: its topic, its version, its key and its subject."""

import re
from typing import Annotated, ClassVar
from urllib.parse import quote

import msgspec

Identifier = Annotated[
    str, msgspec.Meta(min_length=1, max_length=64, pattern=r"^[A-Za-z0-9._~-]+$")
]
"""A name of ours (merchant, shop, catalogue, feed): safe in keys, URLs and file names."""

ExternalId = Annotated[str, msgspec.Meta(min_length=1, max_length=128, pattern=r"^[^\x00-\x1f]+$")]
"""Somebody else's id (product, family, SKU, order): any printable text."""

Revision = Annotated[int, msgspec.Meta(ge=0, le=2**63 - 1)]
"""A number that only rises for its key: the highest is the truth."""


_needs_no_encoding = re.compile(r"[A-Za-z0-9._~-]*").fullmatch


def key_of(*parts: str) -> str:
    """The record key of these parts, each percent-encoded, joined by `/`."""
    return "/".join([part if _needs_no_encoding(part) else quote(part, safe="") for part in parts])


class Event(msgspec.Struct, frozen=True, kw_only=True):
    """A typed, versioned event. Unknown fields are tolerated, so that producers may go first."""

    topic: ClassVar[str]
    schema_version: ClassVar[int] = 1

    merchant_id: Identifier

    def key(self) -> str:
        """The record key: one key is one order of events."""
        raise NotImplementedError

    @classmethod
    def type_name(cls) -> str:
        """The CloudEvents type, for example `channel.shop.state.v1`."""
        return f"channel.{cls.topic}.v{cls.schema_version}"
