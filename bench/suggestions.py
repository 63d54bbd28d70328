"""How often the right leaf is suggested: `make bench-suggestions` (DATA=../shared/data).

For each catalogue whose configuration in `examples/` says which leaf each category goes to, that
part of it is taken away and the leaves are suggested again, on the simulator's tree: by the names
alone, and with the first three titles of each category, as `channel feeds suggest` does. Figures:
the share of products whose configured leaf is the first suggestion, among the first three, or has a
sister among them. What AliExpress itself would suggest for the titles is not in them: the
simulator's own suggestions say nothing of it. Written to `bench/results/suggestions.json`; `-v`
lists the categories without a right one.
"""

import json
import os
import sys
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec
import yaml
from bench.ratios import results_file

from catalog_service.categories.suggest import LeafNames, Suggested
from catalog_service.categories.tree import Tree, TreeNode
from catalog_service.feeds.compile import CompiledFeed, compile_feed
from catalog_service.feeds.configuration import FeedConfiguration
from catalog_service.feeds.matching import Row
from catalog_service.files.readers.items import Item
from catalog_service.files.readers.recognise import Options, recognise
from common.contracts.catalog import CatalogUpdated
from sandbox.catalogue import Catalogue

ROOT = Path(__file__).parent.parent
DATA = Path(os.environ.get("DATA", ROOT.parent / "shared" / "data"))
RESULTS = results_file("suggestions")
TITLES = 3
SOURCES = {
    "sample": ("examples/sample/feed.yaml", ROOT / "examples" / "sample" / "products.jsonl"),
    "shein-products": ("examples/feeds/shein.yaml", DATA / "shein-products.csv"),
    "shopify-apparel": ("examples/feeds/shopify.yaml", DATA / "shopify-apparel.csv"),
}
"""Each catalogue: its configuration, and its products."""


@dataclass
class Category:
    """A category of a catalogue: its configured leaf, how many products it has, some titles."""

    leaf: str
    products: int = 0
    titles: list[str] = field(default_factory=list)


def sandbox_tree() -> Tree:
    """The simulator's whole tree."""
    categories = Catalogue().categories.values()
    return Tree([TreeNode(str(c.id), str(c.parent_id), c.name, c.is_leaf) for c in categories])


def rows_of(file: Path) -> Iterator[Row]:
    """The products of a file, or of events; children are left out."""
    if file.suffix == ".jsonl":
        for line in file.read_bytes().splitlines():
            event = msgspec.json.decode(line, type=CatalogUpdated)
            if event.fields and event.parent_id is None:
                yield Row(event.product_id, None, event.fields)
        return
    options = Options()
    for entry in recognise(file, options).products(options, {}):
        if isinstance(entry, Item) and entry.parent_id is None:
            yield Row(entry.product_id, None, entry.fields)


def categories_of(feed: CompiledFeed, rows: Iterable[Row]) -> Mapping[str, Category]:
    """The categories that the configuration gives a leaf."""
    found: dict[str, Category] = {}
    match = feed.matches(None).languages.titles[feed.form.main_locale]
    for row in rows:
        located = feed.category.look_up(row)
        if located.category_id is None:
            continue
        path = found.setdefault(located.path, Category(located.category_id))
        path.products += 1
        title = match.text(row)
        if title and len(path.titles) < TITLES:
            path.titles.append(title)
    return found


def share_of(
    tree: Tree,
    names: LeafNames,
    separator: str,
    paths: Mapping[str, Category],
    *,
    with_titles: bool,
) -> dict[str, float]:
    """The shares of products, with the right leaf first, among three, and with a sister among
    them."""
    counts: Counter[str] = Counter()
    for path, known in paths.items():
        titles = known.titles if with_titles else []
        found = names.suggest(path.split(separator.strip()), titles=titles)
        for place in places_of(tree, known.leaf, found):
            counts[place] += known.products
        if "among_three" not in places_of(tree, known.leaf, found) and "-v" in sys.argv:
            print(path, "|", " > ".join(tree.path_names(known.leaf)), "|", shown(found))
    whole = sum(known.products for known in paths.values())
    return {name: round(counts[name] / whole, 4) for name in ("first", "among_three", "sister")}


def places_of(tree: Tree, leaf: str, found: Sequence[Suggested]) -> list[str]:
    """Where the right leaf stands among the suggestions."""
    ids = [one.category_id for one in found]
    above = [path[-2].category_id for each in ids if len(path := tree.path(each)) > 1]
    places = ["first"] if ids[:1] == [leaf] else []
    places += ["among_three"] if leaf in ids else []
    right = tree.path(leaf)
    return places + (["sister"] if len(right) > 1 and right[-2].category_id in above else [])


def shown(found: Sequence[Suggested]) -> str:
    """The suggestions on one line."""
    return "; ".join(f"{one.score:.2f} {' > '.join(one.path)}" for one in found)


def measure() -> dict[str, Any]:
    """The figures of every catalogue that is here, and of all together."""
    tree = sandbox_tree()
    names = LeafNames(tree)
    figures: dict[str, Any] = {}
    sums: dict[str, defaultdict[str, float]] = {
        key: defaultdict(float) for key in ("by_names", "with_titles")
    }
    products = 0
    for name, (configuration, file) in SOURCES.items():
        form = FeedConfiguration.model_validate(yaml.safe_load((ROOT / configuration).read_text()))
        paths = categories_of(compile_feed("m", "f", 1, form), rows_of(file))
        whole = sum(path.products for path in paths.values())
        products += whole
        figures[name] = {"products": whole, "categories": len(paths)}
        for key, with_titles in (("by_names", False), ("with_titles", True)):
            shares = share_of(tree, names, form.category.separator, paths, with_titles=with_titles)
            figures[name][key] = shares
            for place, share in shares.items():
                sums[key][place] += share * whole
    figures["all"] = {
        "products": products,
        **{
            key: {place: round(count / products, 4) for place, count in counts.items()}
            for key, counts in sums.items()
        },
    }
    return figures


def main() -> None:
    """Measure and write."""
    result = {"command": "make bench-suggestions", **measure()}
    RESULTS.write_text(json.dumps(result, indent=1) + "\n")
    print(json.dumps(result["all"], indent=1))


if __name__ == "__main__":
    main()
