"""What every event class has: its topic, its version, its key and its subject."""

import re
from functools import lru_cache
from typing import Annotated, ClassVar
from urllib.parse import quote

import msgspec

_IDENTIFIER = r"^[A-Za-z0-9._~-]+$"
_EXTERNAL_ID = r"^[^\x00-\x1f]+$"
PYTHON_ONLY = r"(?!\n)"
"""Ends our patterns: Python's `$` also stands before a last newline, that of JSON Schema not."""

LONGEST_EXTERNAL_ID = 255
"""Characters of somebody else's id: Shopify's handles are the longest of those we know."""

Identifier = Annotated[
    str, msgspec.Meta(min_length=1, max_length=64, pattern=_IDENTIFIER + PYTHON_ONLY)
]
"""A name of ours (merchant, shop, catalogue, feed): safe in keys, URLs and file names."""

ExternalId = Annotated[
    str,
    msgspec.Meta(min_length=1, max_length=LONGEST_EXTERNAL_ID, pattern=_EXTERNAL_ID + PYTHON_ONLY),
]
"""Somebody else's id (product, family, SKU, order): any printable text."""

UncheckedIdentifier = Annotated[
    str, msgspec.Meta(min_length=1, max_length=64, extra_json_schema={"pattern": _IDENTIFIER})
]
"""An `Identifier` whose pattern its event checks: by the type it takes most of decoding's time."""

UncheckedExternalId = Annotated[
    str,
    msgspec.Meta(
        min_length=1,
        max_length=LONGEST_EXTERNAL_ID,
        extra_json_schema={"pattern": _EXTERNAL_ID},
    ),
]
"""An `ExternalId` whose pattern its event checks, for the same reason."""

Revision = Annotated[int, msgspec.Meta(ge=0, le=2**63 - 1)]
"""A number that only rises for its key: the highest is the truth."""


_needs_no_encoding = re.compile(r"[A-Za-z0-9._~/-]*").fullmatch
_is_identifier = re.compile(_IDENTIFIER + PYTHON_ONLY).match
_is_external_id = re.compile(_EXTERNAL_ID + PYTHON_ONLY).match


@lru_cache(10_000)
def check_identifiers(**identifiers: str) -> None:
    """Raises `msgspec.ValidationError` naming the first that is no `Identifier`."""
    for name, text in identifiers.items():
        if not _is_identifier(text):
            raise msgspec.ValidationError(
                f"Expected `str` matching regex {_IDENTIFIER!r} - at `$.{name}`"
            )


def check_external_id(name: str, text: str) -> None:
    """Raises `msgspec.ValidationError` when the text is no `ExternalId`."""
    if not text.isprintable() and not _is_external_id(text):
        raise msgspec.ValidationError(
            f"Expected `str` matching regex {_EXTERNAL_ID!r} - at `$.{name}`"
        )


def key_of(*parts: str) -> str:
    """The record key of these parts, each percent-encoded, joined by `/`."""
    key = "/".join(parts)
    if _needs_no_encoding(key) and key.count("/") == len(parts) - 1:
        return key
    return "/".join([quote(part, safe="") for part in parts])


class Event(msgspec.Struct, frozen=True, kw_only=True):
    """A typed, versioned event. Unknown fields are tolerated, so that producers may go first."""

    topic: ClassVar[str]
    schema_version: ClassVar[int] = 1

    merchant_id: Identifier

    def key(self) -> str:
        """The record key: one key is one order of events."""
        raise NotImplementedError

    def check(self) -> None:
        """Raises `msgspec.ValidationError` where a text breaks a rule its type leaves to us."""

    @classmethod
    def type_name(cls) -> str:
        """The CloudEvents type, for example `channel.shop.state.v1`."""
        return f"channel.{cls.topic}.v{cls.schema_version}"
