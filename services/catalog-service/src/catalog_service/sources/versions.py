"""Which of two states of a source product is the newer one.

A catalogue declares how: `explicit`, a number in the event, the highest wins; or `arrival`, the
broker's append time, then the offset (sound because one product is one key and so one partition).
A file's rows carry the number of their import. Pure.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import blake2b
from typing import Literal, NamedTuple

import msgspec

from common.contracts.catalog import CatalogUpdated, FieldValue
from common.contracts.envelope import BadRecord

Versioning = Literal["explicit", "arrival"]
FedBy = Literal["events", "files"]

_encoder = msgspec.json.Encoder(order="deterministic")


@dataclass(frozen=True, slots=True)
class Catalogue:
    """How a catalogue's products come in and are versioned.

    `id_field` and `parent_field` name products and their parents in its generic files; None is
    found out.
    """

    merchant_id: str
    catalogue_id: str
    versioning: Versioning
    fed_by: FedBy
    id_field: str | None = None
    parent_field: str | None = None


class Content(NamedTuple):
    """What a state says of its product, as stored and as compared."""

    is_deleted: bool
    content_hash: bytes
    fields: str


class Version(NamedTuple):
    """What orders the states of a product; the highest is its newest."""

    version: int
    sub_version: int = 0


class SourceRow(NamedTuple):
    """A source product's state as stored; `version` then `sub_version` order the states. The
    database's type `source_state` has the same parts in this order."""

    merchant_id: str
    catalogue_id: str
    product_id: str
    version: int
    sub_version: int
    parent_id: str | None
    is_deleted: bool
    content_hash: bytes
    fields: str
    traceparent: str | None

    @property
    def family_id(self) -> str:
        """The product's family: its parent's id, or its own."""
        return self.parent_id or self.product_id


def content_of(parent_id: str | None, fields: Mapping[str, FieldValue] | None) -> Content:
    """The content of an upsert, or of a delete when `fields` is None."""
    body = b"{}" if fields is None else _encoder.encode(fields)
    head = "-" if fields is None else parent_id or ""
    content_hash = blake2b(f"{head}\n".encode() + body, digest_size=16).digest()
    return Content(fields is None, content_hash, body.decode())


def content_of_event(event: CatalogUpdated) -> Content:
    """The content an event asks for."""
    return content_of(event.parent_id, event.fields if event.action == "upsert" else None)


def source_row(  # noqa: PLR0917 - a row's parts, in the row's order
    catalogue: Catalogue,
    product_id: str,
    version: Version,
    parent_id: str | None,
    content: Content,
    traceparent: str | None = None,
) -> SourceRow:
    """The row of a product's state."""
    return SourceRow(
        catalogue.merchant_id,
        catalogue.catalogue_id,
        product_id,
        version.version,
        version.sub_version,
        parent_id,
        content.is_deleted,
        content.content_hash,
        content.fields,
        traceparent,
    )


def row_of_event(
    catalogue: Catalogue,
    event: CatalogUpdated,
    content: Content,
    *,
    timestamp_ms: int,
    offset: int,
    traceparent: str | None = None,
) -> SourceRow:
    """The row an event asks for. Raises `BadRecord` where the event does not fit the catalogue."""
    if catalogue.fed_by == "files":
        raise BadRecord(
            "fed-by-files",
            f"the catalogue {catalogue.catalogue_id} is fed by files",
            "Send its products as a file, or declare a catalogue fed by events.",
        )
    if event.parent_id == event.product_id:
        raise BadRecord(
            "own-parent",
            f"the product {event.product_id} names itself as its parent",
            "Leave parent_id out of parent rows and simple products.",
        )
    version = _version(catalogue, event, timestamp_ms, offset)
    return source_row(catalogue, event.product_id, version, event.parent_id, content, traceparent)


def _version(
    catalogue: Catalogue, event: CatalogUpdated, timestamp_ms: int, offset: int
) -> Version:
    if catalogue.versioning == "explicit":
        if event.version is None:
            raise BadRecord(
                "version-missing",
                f"the catalogue {catalogue.catalogue_id} is versioned explicitly",
                "Send `version`, a number that rises with every change of the product.",
            )
        return Version(event.version)
    if event.version is not None:
        raise BadRecord(
            "version-unwanted",
            f"the catalogue {catalogue.catalogue_id} is versioned by arrival",
            "Leave `version` out, or declare the catalogue as explicit.",
        )
    return Version(timestamp_ms, offset)


def is_newer(row: SourceRow, than: SourceRow) -> bool:
    """Whether `row` is the later state of the two."""
    return (row.version, row.sub_version) > (than.version, than.sub_version)


def is_conflict(row: SourceRow, other: SourceRow) -> bool:
    """Whether both claim the same version with different content."""
    same = (row.version, row.sub_version) == (other.version, other.sub_version)
    return same and row.content_hash != other.content_hash
