"""The category tree and the attributes, as the data files hold them.

`python -m sandbox.catalogue LEAF_ID` prints a leaf's path and schema; with words instead of an
id it lists the leaves whose path holds them all.
"""

import json
import sys
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

import msgspec

OTHER_VALUE = 4
"""The value that asks for a text of the seller's own."""


@dataclass(frozen=True, slots=True)
class Category:
    """One node; `is_own` marks an id of the sandbox's own range, `profile` is a leaf's."""

    id: int
    parent_id: int
    name: str
    is_leaf: bool
    is_own: bool
    profile: str
    level: int


class Value(msgspec.Struct, frozen=True, array_like=True):
    """One allowed value; `own` marks an id of the sandbox's own range."""

    id: int
    name: str
    own: int = 0


class Attribute(msgspec.Struct, frozen=True):
    """An attribute: `kind` is one, many or text."""

    id: int
    kind: str
    values: list[Value] = []
    own: int = 0

    def value_named(self, value_id: str) -> str:
        """The name of a value id, or the id itself when it is none of the list."""
        return next((value.name for value in self.values if str(value.id) == value_id), value_id)


class Profile(msgspec.Struct, frozen=True):
    """Attribute names of a branch."""

    required: list[str]
    optional: list[str]
    sku: list[str]


class _AttributeFile(msgspec.Struct):
    attributes: dict[str, Attribute]
    common_required: list[str]
    common_optional: list[str]
    profiles: dict[str, Profile]


class Catalogue:
    """Every category by id, the children of each, and what a leaf asks for."""

    def __init__(self) -> None:
        folder = files("sandbox") / "data"
        rows = msgspec.json.decode(
            (folder / "categories.json").read_bytes(),
            type=list[tuple[int, int, str, int, int, str]],
        )
        table = msgspec.json.decode((folder / "attributes.json").read_bytes(), type=_AttributeFile)
        self.attributes = table.attributes
        self._table = table
        self.categories: dict[int, Category] = {}
        self.children: dict[int, list[Category]] = defaultdict(list)
        for identity, parent, name, is_leaf, is_own, profile in rows:
            level = self.categories[parent].level + 1 if parent else 1
            category = Category(identity, parent, name, bool(is_leaf), bool(is_own), profile, level)
            self.categories[identity] = category
            self.children[parent].append(category)

    def leaves(self) -> Iterator[Category]:
        """Every category a product can be posted in."""
        return (category for category in self.categories.values() if category.is_leaf)

    def path(self, category: Category) -> list[Category]:
        """From the root to the category itself."""
        path = [category]
        while path[0].parent_id:
            path.insert(0, self.categories[path[0].parent_id])
        return path

    def path_name(self, category: Category) -> str:
        """The path as people write it."""
        return " > ".join(step.name for step in self.path(category))

    def required(self, leaf: Category) -> list[str]:
        """Names of the attributes a product of this leaf must have."""
        return [*self._table.common_required, *self._table.profiles[leaf.profile].required]

    def optional(self, leaf: Category) -> list[str]:
        """Names of the attributes a product of this leaf may have."""
        return [*self._table.profiles[leaf.profile].optional, *self._table.common_optional]

    def sku(self, leaf: Category) -> list[str]:
        """Names of the attributes that distinguish this leaf's SKUs."""
        return self._table.profiles[leaf.profile].sku

    def search(self, words: list[str]) -> list[Category]:
        """Leaves whose path holds every word, in the order of the tree."""
        wanted = [word.casefold() for word in words]
        return [
            leaf
            for leaf in self.leaves()
            if all(word in self.path_name(leaf).casefold() for word in wanted)
        ]


def describe(catalogue: Catalogue, leaf: Category) -> dict[str, Any]:
    """What a person filling a feed's configuration needs to know of a leaf."""

    def values(name: str) -> list[str] | str:
        attribute = catalogue.attributes[name]
        if attribute.kind == "text":
            return "free text"
        return [f"{value.id} {value.name}" for value in attribute.values]

    return {
        "category_id": leaf.id,
        "path": catalogue.path_name(leaf),
        "own": leaf.is_own,
        "required": {name: values(name) for name in catalogue.required(leaf)},
        "optional": {name: values(name) for name in catalogue.optional(leaf)},
        "sku": {name: values(name) for name in catalogue.sku(leaf)},
    }


def main() -> None:
    """Print one leaf by id, or the leaves whose path holds all the words given."""
    catalogue = Catalogue()
    words = sys.argv[1:]
    if len(words) == 1 and words[0].isdigit():
        leaf = catalogue.categories.get(int(words[0]))
        if leaf is None or not leaf.is_leaf:
            sys.exit(f"{words[0]} is not a leaf of this tree; give words to search for one")
        text = json.dumps(describe(catalogue, leaf), ensure_ascii=False, indent=1)
        sys.stdout.write(text + "\n")
        return
    for leaf in catalogue.search(words):
        mark = " (own id)" if leaf.is_own else ""
        sys.stdout.write(f"{leaf.id}\t{catalogue.path_name(leaf)}{mark}\t{leaf.profile}\n")


if __name__ == "__main__":
    main()
