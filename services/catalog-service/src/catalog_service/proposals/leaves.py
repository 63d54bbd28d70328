"""Leaves of the shop's tree for a catalogue's categories, and what they ask for."""

import asyncio
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence

from catalog_service.categories.schema import CategorySchema
from catalog_service.categories.store import load_bodies
from catalog_service.categories.suggest import LeafNames
from catalog_service.categories.tree import Tree, TreeNode
from catalog_service.proposals.draft import LeafSuggestion, RequiredAttribute
from catalog_service.proposals.texts import HIGH_LIKENESS, CategorySource
from common.postgres.pool import Connection

MOST_SOUGHT = 300
"""Categories for which a leaf is sought, those with the most rows first."""
MOST_SCHEMAS = 50
SHOWN_VALUES = 8


async def find_suggestions(
    tree: Sequence[TreeNode], source: CategorySource
) -> dict[str, LeafSuggestion]:
    """The likeliest leaf of the shop's tree by category path; in a thread, since it takes long."""
    if not tree or source.column is None:
        return {}
    ranked = sorted(source.paths, key=lambda path: -source.paths[path])[:MOST_SOUGHT]
    return await asyncio.to_thread(_suggested, tree, ranked, source.separator)


def _suggested(
    tree: Sequence[TreeNode], paths: Collection[str], separator: str
) -> dict[str, LeafSuggestion]:
    names = LeafNames(Tree(tree))
    suggestions: dict[str, LeafSuggestion] = {}
    for path in paths:
        for found in names.suggest(path.split(separator), limit=1):
            suggestions[path] = LeafSuggestion(
                found.category_id, " > ".join(found.path), 100 * found.score
            )
    return suggestions


async def find_required(
    connection: Connection,
    merchant_id: str,
    shop_id: str,
    source: CategorySource,
    suggestions: Mapping[str, LeafSuggestion],
) -> list[RequiredAttribute]:
    """What the leaves that are matched ask for, as far as their schemas are here; by rows."""
    rows: defaultdict[str, int] = defaultdict(int)
    for path, found in suggestions.items():
        if found.likeness >= HIGH_LIKENESS:
            rows[found.category_id] += source.paths[path]
    if not rows:
        return []
    bodies = await load_bodies(connection, merchant_id, shop_id, rows, limit=MOST_SCHEMAS)
    return await asyncio.to_thread(_required, bodies, rows)


def _required(
    bodies: Sequence[tuple[str, str]], rows: Mapping[str, int]
) -> list[RequiredAttribute]:
    found: dict[tuple[str, bool], RequiredAttribute] = {}
    for category_id, body in bodies:
        schema = CategorySchema(category_id, body)
        for is_sku, forms in ((False, schema.category_attributes), (True, schema.sku_attributes)):
            for form in forms.values():
                if not form.is_required:
                    continue
                known = found.get((form.name, is_sku))
                before = known.products if known is not None else 0
                values = tuple(form.choices.titles.values())[:SHOWN_VALUES]
                found[form.name, is_sku] = RequiredAttribute(
                    form.name, is_sku, before + rows[category_id], values
                )
    return sorted(found.values(), key=lambda each: -each.products)
