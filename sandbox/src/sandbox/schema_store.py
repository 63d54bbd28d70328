"""Schemas per category and seller, kept once built, and changed by the control API."""

import msgspec

from sandbox.catalogue import Catalogue, Category
from sandbox.schemas import Schema, build_schema
from sandbox.sellers import Seller
from sandbox.wire import json_text


class SchemaChange(msgspec.Struct, forbid_unknown_fields=True):
    """From now on a category also requires these attributes, or lacks these values."""

    category_id: int
    require: list[str] = []
    drop_values: dict[str, list[str]] = {}


class SchemaStore:
    """Builds a schema on first use; forgets those a change touches."""

    def __init__(
        self, catalogue: Catalogue, changes: list[SchemaChange], *, group_required: bool
    ) -> None:
        self._catalogue = catalogue
        self._group_required = group_required
        self._changes = changes
        self._schemas: dict[tuple[int, str], Schema] = {}
        self._texts: dict[tuple[int, str], str] = {}

    def of(self, leaf: Category, seller: Seller) -> Schema:
        """The schema as it is now."""
        key = (leaf.id, seller.id)
        if key not in self._schemas:
            self._schemas[key] = self._build(leaf, seller)
        return self._schemas[key]

    def text(self, leaf: Category, seller: Seller) -> str:
        """The schema as the JSON text the API returns."""
        key = (leaf.id, seller.id)
        if key not in self._texts:
            self._texts[key] = json_text(self.of(leaf, seller))
        return self._texts[key]

    def change(self, change: SchemaChange) -> None:
        """Apply a change. Raises `KeyError` for a category or attribute that is none."""
        leaf = self._catalogue.categories[change.category_id]
        known = {*self._catalogue.required(leaf), *self._catalogue.optional(leaf)}
        for name in (*change.require, *change.drop_values):
            if name not in known:
                raise KeyError(name)
        self._changes.append(change)
        self.forget()

    def forget(self) -> None:
        """Drop what was built."""
        self._schemas.clear()
        self._texts.clear()

    def _build(self, leaf: Category, seller: Seller) -> Schema:
        changes = [change for change in self._changes if change.category_id == leaf.id]
        required = self._catalogue.required(leaf)
        for change in changes:
            required += [name for name in change.require if name not in required]
        schema = build_schema(self._catalogue, leaf, seller, required)
        if self._group_required and seller.groups:
            schema["required"] = [*schema["required"], "product_group_id"]
        attributes = schema["properties"]["category_attributes"]["properties"]
        for change in changes:
            for name, dropped in change.drop_values.items():
                value = attributes[name]["properties"]["value"]
                holder = value.get("items", value)
                holder["oneOf"] = [c for c in holder["oneOf"] if c["const"] not in dropped]
        return schema
