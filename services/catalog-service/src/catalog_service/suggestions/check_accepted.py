"""Whether what is accepted exists: leaves in the shop's tree, columns in the catalogue, values
among those that the attribute allows. What is not known yet is let pass."""

from collections.abc import Iterable, Sequence

from rapidfuzz import process

from catalog_service.categories.shop_trees import ShopTrees
from catalog_service.feeds.store import Feed
from catalog_service.fields.read_summary import read_summary
from catalog_service.suggestions.accept import Accepted
from catalog_service.suggestions.for_attributes import Forms, load_forms, titles_of
from catalog_service.suggestions.nearest import nearest_values
from common.errors import Refusal
from common.postgres.pool import Pool

NAMED = 5
"""How many of the choices a refusal names."""


async def check_accepted(
    pool: Pool, trees: ShopTrees, feed: Feed, accepted: Sequence[Accepted]
) -> None:
    """Raises `Refusal` for the first that does not exist (M2.1, M3.12)."""
    await _check_leaves(trees, feed, [each.take for each in accepted if each.kind == "categories"])
    await _check_columns(pool, feed, [each.take for each in accepted if each.kind == "attributes"])
    values = [each for each in accepted if each.kind == "values"]
    if values:
        forms = await load_forms(pool, feed)
        for each in values:
            _check_value(each, forms)


async def _check_leaves(trees: ShopTrees, feed: Feed, leaves: Iterable[str]) -> None:
    wanted = set(leaves)
    if not wanted:
        return
    tree = await trees.load((feed.merchant_id, feed.shop_id))
    for leaf in sorted(wanted):
        if not tree.is_leaf(leaf):
            raise Refusal(
                f"the shop may not sell in {leaf}: it is no leaf of its tree",
                status=422,
                slug="category-refused",
                field="accepted",
                rule="M2.1",
                remedy="Take a leaf; the list of the shop's categories searches the tree.",
            )


async def _check_columns(pool: Pool, feed: Feed, columns: Iterable[str]) -> None:
    wanted = set(columns)
    if not wanted:
        return
    summary = (await read_summary(pool, feed.merchant_id, feed.catalogue_id)).summary
    if not summary.products or summary.is_sample:
        return
    for column in sorted(wanted):
        if summary.find(column) is None:
            names = [field.name for field in summary.fields]
            near = [name for name, _, _ in process.extract(column, names, limit=NAMED)]
            raise Refusal(
                f"the catalogue has no field {column!r}",
                status=422,
                slug="field-unknown",
                field="accepted",
                rule="M3.12",
                remedy=f"Take one that it has: {', '.join(near)}.",
            )


def _check_value(accepted: Accepted, forms: Forms) -> None:
    of_leaves = forms.get((accepted.section == "sku_attributes", accepted.attribute or ""), ())
    titles = titles_of(of_leaves)
    if not titles or any(form.choices.find(accepted.take) for _, form in of_leaves):
        return
    near = [each.name for each in nearest_values(accepted.take, titles, limit=NAMED)]
    shown = near or sorted(titles.values())[:NAMED]
    raise Refusal(
        f"{accepted.take!r} is no value of {accepted.attribute}",
        status=422,
        slug="value-not-allowed",
        field="accepted",
        rule="M3.12",
        remedy=f"Take one that it allows, such as: {', '.join(shown)}.",
    )
