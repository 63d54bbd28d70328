"""Find leaves by words, and suggest leaves for a catalogue's own category (M2.2). Pure.

Suggestions are ranked by similarity and never applied unasked.
"""

from collections.abc import Sequence

import msgspec
from rapidfuzz import fuzz, process, utils

LIKELY = 40.0


class TreeNode(msgspec.Struct, frozen=True, array_like=True):
    """A category in a shop's tree."""

    category_id: str
    parent_id: str
    name: str
    is_leaf: bool


def path_names(tree: Sequence[TreeNode]) -> dict[str, list[str]]:
    """Each category's path of names from its root, by id."""
    nodes = {node.category_id: node for node in tree}
    paths: dict[str, list[str]] = {}
    for node in tree:
        steps = [node.name]
        above = nodes.get(node.parent_id)
        while above is not None and len(steps) < 20:
            steps.insert(0, above.name)
            above = nodes.get(above.parent_id)
        paths[node.category_id] = steps
    return paths


def search(tree: Sequence[TreeNode], words: str, *, limit: int) -> list[tuple[TreeNode, list[str]]]:
    """Leaves whose path holds every word, those with them in the name first."""
    paths = path_names(tree)
    wanted = words.casefold().split()
    found = [
        (node, paths[node.category_id])
        for node in tree
        if node.is_leaf
        and all(word in " ".join(paths[node.category_id]).casefold() for word in wanted)
    ]
    found.sort(
        key=lambda item: (
            not all(word in item[0].name.casefold() for word in wanted),
            len(item[0].name),
            item[1],
        )
    )
    return found[:limit]


def suggest(leaves: dict[str, str], path: str, *, limit: int = 3) -> list[tuple[str, str, float]]:
    """The leaves (id to path text) most like a catalogue path: id, path, likeness of 0 to 100.

    A path's last steps say what a product is, its first ones only where it is sold.
    """
    ends = {category_id: _end(text) for category_id, text in leaves.items()}
    near = process.extract(
        _end(path),
        ends,
        scorer=fuzz.token_sort_ratio,
        processor=utils.default_process,
        limit=limit * 10,
    )
    ranked = sorted(
        (
            (
                category_id,
                leaves[category_id],
                round(0.75 * score + 0.25 * _likeness(path, leaves[category_id]), 1),
            )
            for _, score, category_id in near
        ),
        key=lambda found: -found[2],
    )
    return [found for found in ranked if found[2] >= LIKELY][:limit]


def _likeness(path: str, other: str) -> float:
    return fuzz.token_set_ratio(path, other, processor=utils.default_process)


def _end(path: str) -> str:
    """The last step, after the one above it where that adds a word."""
    return " ".join(path.split(">")[-2:])
