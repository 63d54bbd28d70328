"""A shop's category tree: its nodes, the paths of their names, and finding in it. Pure."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import msgspec

from aliexpress.categories import ROOT_CATEGORY_ID
from catalog_service.categories.words import plain, words_of

DEEPEST = 20


class TreeNode(msgspec.Struct, frozen=True, array_like=True):
    """A category in a shop's tree; `names` are all that AliExpress gave, by language."""

    category_id: str
    parent_id: str
    name: str
    is_leaf: bool
    names: dict[str, str] = {}

    @property
    def spellings(self) -> set[str]:
        """Its names in all languages."""
        return {self.name, *self.names.values()}


class Tree:
    """The categories of a shop, by id, by parent, and by words."""

    def __init__(self, nodes: Sequence[TreeNode]) -> None:
        self._nodes = {node.category_id: node for node in nodes}

    def find(self, category_id: str) -> TreeNode | None:
        """The category, or None where the shop has none of that id."""
        return self._nodes.get(category_id)

    def path(self, category_id: str) -> list[TreeNode]:
        """From its root to the category itself; empty for one the shop does not have."""
        path: list[TreeNode] = []
        node = self._nodes.get(category_id)
        while node is not None and len(path) < DEEPEST:
            path.insert(0, node)
            node = self._nodes.get(node.parent_id)
        return path

    def path_names(self, category_id: str) -> list[str]:
        """The names of its path."""
        return [node.name for node in self.path(category_id)]

    def leaves(self) -> Iterator[TreeNode]:
        """The categories in which the shop may sell (M2.1), in the tree's order."""
        return (node for node in self._nodes.values() if node.is_leaf)

    def is_leaf(self, category_id: str) -> bool:
        """Whether the shop may sell in it."""
        node = self._nodes.get(category_id)
        return node is not None and node.is_leaf

    def children(self, category_id: str = ROOT_CATEGORY_ID) -> Sequence[TreeNode]:
        """What stands right below it, in the tree's order."""
        return self._children.get(category_id, ())

    @cached_property
    def _children(self) -> Mapping[str, list[TreeNode]]:
        children: defaultdict[str, list[TreeNode]] = defaultdict(list)
        for node in self._nodes.values():
            children[node.parent_id].append(node)
        return children

    def search(self, words: str, *, below: str | None = None) -> list[TreeNode]:
        """Leaves whose path holds every word, its plural or a synonym, in whatever language; the
        best first: those that have all of them in their own name, then in parts, then above."""
        wanted = [
            _Wanted(word, _meant([word]), may_be_part=not words_of(word).audience)
            for word in plain(words).split()
        ]
        found: list[tuple[tuple[int, int, int], TreeNode]] = []
        for order, leaf in enumerate(self._searched):
            if not all(word.is_in(leaf.text, leaf.meant) for word in wanted):
                continue
            node = leaf.node
            if below is not None and all(n.category_id != below for n in self._above(node)):
                continue
            found.append(((_rank(wanted, leaf), len(node.name), order), node))
        return [node for _, node in sorted(found, key=lambda each: each[0])]

    def _above(self, node: TreeNode) -> list[TreeNode]:
        return self.path(node.category_id)[:-1]

    @cached_property
    def _searched(self) -> list["_Searched"]:
        """Each leaf with the words of its names and of its path's."""
        texts = {
            category_id: f" {plain(' '.join(sorted(node.spellings)))} "
            for category_id, node in self._nodes.items()
        }
        meant = {category_id: _meant(node.spellings) for category_id, node in self._nodes.items()}
        found = []
        for leaf in self.leaves():
            above = [node.category_id for node in self.path(leaf.category_id)]
            found.append(
                _Searched(
                    leaf,
                    texts[leaf.category_id],
                    meant[leaf.category_id],
                    "".join(texts[each] for each in above),
                    frozenset().union(*(meant[each] for each in above)),
                )
            )
        return found


@dataclass(frozen=True)
class _Searched:
    """A leaf: the words of its own names and what they mean, and those of its whole path."""

    node: TreeNode
    own_text: str
    own_meant: frozenset[str]
    text: str
    meant: frozenset[str]


@dataclass(frozen=True)
class _Wanted:
    """A word that is looked for, what it means, and whether it may be a part of another: men is
    none of women."""

    word: str
    meant: frozenset[str]
    may_be_part: bool

    def is_in(self, text: str, meant: frozenset[str]) -> bool:
        """Whether it is there in any form."""
        return (self.may_be_part and self.word in text) or self.is_whole_in(text, meant)

    def is_whole_in(self, text: str, meant: frozenset[str]) -> bool:
        """Whether it is there as a word of its own, or as its plural or a synonym."""
        return f" {self.word} " in text or bool(self.meant and self.meant <= meant)


def _meant(names: Iterable[str]) -> frozenset[str]:
    """What words mean: their stems, and for whom each name is."""
    meant: set[str] = set()
    for name in names:
        words = words_of(name)
        meant.update(words.products)
        if words.audience:
            meant.add(" ".join(sorted(words.audience)))
    return frozenset(meant)


def _rank(wanted: Sequence[_Wanted], leaf: _Searched) -> int:
    tests = (
        all(each.is_whole_in(leaf.own_text, leaf.own_meant) for each in wanted),
        all(f" {each.word}" in leaf.own_text for each in wanted),
        all(each.is_whole_in(leaf.text, leaf.meant) for each in wanted),
        all(each.word in leaf.own_text for each in wanted),
    )
    return next((place for place, holds in enumerate(tests) if holds), len(tests))
