"""A shop's category tree: its nodes, the paths of their names, and finding in it. Pure."""

import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property

import msgspec

from aliexpress.categories import ROOT_CATEGORY_ID

DEEPEST = 20
_WORD = re.compile(r"[^\W_]+")


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
        """Leaves whose path holds every word, in whatever language, the best first: those that have
        all of them whole in their own name, then in parts, then those that have them above."""
        wanted = plain(words).split()
        found: list[tuple[tuple[int, int, int], TreeNode]] = []
        for order, (node, own, whole) in enumerate(self._searched):
            if not all(word in whole for word in wanted):
                continue
            if below is not None and all(n.category_id != below for n in self._above(node)):
                continue
            found.append(((_rank(wanted, own, whole), len(node.name), order), node))
        return [node for _, node in sorted(found, key=lambda each: each[0])]

    def _above(self, node: TreeNode) -> list[TreeNode]:
        return self.path(node.category_id)[:-1]

    @cached_property
    def _searched(self) -> list[tuple[TreeNode, str, str]]:
        """Each leaf, the words of its names and those of its path's."""
        texts = {
            category_id: f" {plain(' '.join(sorted(node.spellings)))} "
            for category_id, node in self._nodes.items()
        }
        return [
            (
                node,
                texts[node.category_id],
                "".join(texts[each.category_id] for each in self.path(node.category_id)),
            )
            for node in self.leaves()
        ]


def _rank(wanted: Sequence[str], own: str, whole: str) -> int:
    tests = (
        all(f" {word} " in own for word in wanted),
        all(f" {word}" in own for word in wanted),
        all(f" {word} " in whole for word in wanted),
        all(word in own for word in wanted),
    )
    return next((place for place, holds in enumerate(tests) if holds), len(tests))


def plain(text: str) -> str:
    """The text's words in lower case, without accents, one blank between them."""
    decomposed = unicodedata.normalize("NFKD", text)
    bare = "".join(sign for sign in decomposed if not unicodedata.combining(sign))
    return " ".join(_WORD.findall(bare.casefold().replace("'", "").replace("\u2019", "")))
