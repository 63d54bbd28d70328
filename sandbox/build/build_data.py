"""Build the sandbox's own data files from the collected facts about AliExpress's categories.

    python sandbox/build/build_data.py FOLDER

FOLDER holds `categories.csv` and `attributes.json`. The result is committed, so this is run only
when the facts change. Ids are taken as they are; where only a name is known the sandbox gives an
id of its own range and marks the row, and nothing else is invented.
"""

import csv
import json
import re
import sys
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

DATA = Path(__file__).parent.parent / "src" / "sandbox" / "data"
CHOICES: dict[str, Any] = json.loads(Path(__file__).with_name("profiles.json").read_text("utf-8"))
BRANCHES: dict[str, str] = CHOICES["branches"]
PROFILES: dict[str, dict[str, list[str]]] = CHOICES["profiles"]
OWN_LEAF_IDS = 980_000_001
OWN_ATTRIBUTE_IDS = 990_000_001
OWN_VALUE_IDS = 991_000_001
OTHER = 4

# Leaves of which only a product was seen: their branch and a name taken from that product.
SEEN_BY_PRODUCT = {
    "200001004": ("200133142", "Women's Slippers"),
    "440504": ("100001205", "USB Data Cables"),
    "201375514": ("202242202", "Phone Lens Protectors"),
    "200001173": ("200001168", "Hair Dye Shampoos"),
    "200301151": ("100000041", "Portable Juicers"),
    "200034143": ("200362146", "Men's Quartz Watches"),
    "200001427": ("200001355", "Lumbar Belts"),
    "200015143": ("100005529", "Paracord"),
    "100007323": ("1509", "Fashion Rings"),
    "200001411": ("200001385", "Camera Drones"),
    "200000241": ("200003427", "Car Stickers"),
    "200297146": ("200003937", "Wooden Craft Cut-outs"),
    "200004063": ("200000212", "Engine Air Filters"),
    "33902": ("200000440", "Sunglasses"),
    "200002226": ("200000212", "Fuel Injectors"),
    "200004103": ("200000212", "Common Rail Injector Assemblies"),
    "200375150": ("200259142", "Engine Compression Testers"),
    "200000377": ("200259142", "OBD Car Scanners"),
    "100003261": ("200066144", "Kitchen Sink Strainers"),
    "100003327": ("200000920", "Sink Strainers"),
    "100007128": ("200000920", "Kitchen Racks"),
    "200089142": ("1541", "Kitchen Storage Racks"),
    "200042150": ("1541", "Kitchen Shelves"),
}
# Names of roots on the old buyer site, where a source gives a path of that site only.
OLD_ROOTS = {
    "Home Improvement": "13",
    "Industry & Business": "200001996",
    "Computers & Networking": "7",
    "Consumer Electronics": "44",
    "Phones & Telecommunications": "509",
    "Office & School Supplies": "21",
    "Sports & Entertainment": "18",
    "Home Appliances": "6",
    "Lights & Lighting": "39",
    "Electronic Components & Supplies": "502",
    "Furniture": "1503",
    "Automobiles & Motorcycles": "34",
    "Food": "2",
    "Home & Garden": "15",
    "Toys & Hobbies": "26",
    "Shoes": "322",
    "Luggage & Bags": "1524",
    "Beauty & Health": "66",
    "Watches": "1511",
    "Apparel & Accessories": "3",
    "Electrical Equipment & Supplies": "5",
}
FALLBACK_ROOT = "15"


@dataclass
class Node:
    """A category on its way into the tree."""

    id: str
    parent: str
    name: str
    is_known_leaf: bool = False
    is_own: bool = False
    children: list["Node"] = field(default_factory=list)


def read_nodes(path: Path) -> dict[str, Node]:
    """All categories with an id, each with a parent that is among them."""
    with path.open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file) if not is_test_entry(row)]
    nodes: dict[str, Node] = {}
    named: list[tuple[str, str]] = []
    paths: dict[str, list[str]] = {}
    for row in rows:
        identity = row["category_id"]
        if not identity:
            named.append((row["parent_id"], row["name_en"].strip()))
            continue
        parent, name = row["parent_id"], row["name_en"].strip()
        if identity in SEEN_BY_PRODUCT:
            parent, name = SEEN_BY_PRODUCT[identity]
        nodes[identity] = Node(identity, parent, name, row["is_leaf"] == "true")
        if not parent and row["level"] != "1":
            paths[identity] = site_path(row["source"])
    for identity, steps in paths.items():
        nodes[identity].parent = guess_parent(nodes, identity, steps)
    add_named(nodes, named)
    return nodes


def is_test_entry(row: dict[str, str]) -> bool:
    """Whether the platform itself keeps this category for its tests."""
    return "platform test entry" in row["source"] or row["name_en"] in {
        "newlv1categorytest",
        "test zy sop leaf1",
    }


def site_path(source: str) -> list[str]:
    """The path of names in a source note, outermost first; empty when it gives none."""
    found = re.search(r"path ([^,;]+(?:, [A-Z][^,;>]*)*)", source)
    return [step.strip() for step in found.group(1).split(" > ")] if found else []


def guess_parent(nodes: dict[str, Node], identity: str, steps: list[str]) -> str:
    """The nearest ancestor by name whose id is known, else the root of that name."""
    root = OLD_ROOTS.get(steps[0], FALLBACK_ROOT) if steps else FALLBACK_ROOT
    by_name = {node.name: node.id for node in nodes.values() if node.parent == root}
    for step in reversed(steps[1:-1]):
        if by_name.get(step, identity) != identity:
            return by_name[step]
    return root


def add_named(nodes: dict[str, Node], named: list[tuple[str, str]]) -> None:
    """Give categories known by name alone an id of the sandbox's own range."""
    taken = {(node.parent, node.name.casefold()) for node in nodes.values()}
    next_id = OWN_LEAF_IDS
    for parent, name in named:
        if parent not in nodes or not name or (parent, name.casefold()) in taken:
            continue
        if nodes[parent].is_known_leaf:
            continue
        taken.add((parent, name.casefold()))
        nodes[str(next_id)] = Node(str(next_id), parent, name, is_own=True)
        next_id += 1
    with_children = {node.parent for node in nodes.values()}
    for node in list(nodes.values()):
        if node.id not in with_children and not node.is_known_leaf and not node.is_own:
            # Whether it is a leaf is not known, so it holds one of ours.
            name = node.name if node.name.startswith("Other") else f"Other {node.name}"
            nodes[str(next_id)] = Node(str(next_id), node.id, name, is_own=True)
            next_id += 1


def level_of(nodes: dict[str, Node], node: Node) -> int:
    """1 for a root."""
    return 1 if not node.parent else 1 + level_of(nodes, nodes[node.parent])


def profile_of(nodes: dict[str, Node], node: Node) -> str:
    """The attribute profile of the nearest branch that has one."""
    if node.id in BRANCHES:
        return BRANCHES[node.id]
    return profile_of(nodes, nodes[node.parent])


def category_rows(nodes: dict[str, Node]) -> list[list[object]]:
    """`[id, parent id, name, is leaf, is own, profile of a leaf]`, parents before children."""
    children: dict[str, list[Node]] = defaultdict(list)
    for node in nodes.values():
        children[node.parent].append(node)
    rows: list[list[object]] = []
    waiting = sorted(children[""], key=lambda node: node.name)
    while waiting:
        node = waiting.pop(0)
        below = sorted(children[node.id], key=lambda child: child.name)
        profile = profile_of(nodes, node) if not below else ""
        rows.append(
            [
                int(node.id),
                int(node.parent or 0),
                node.name,
                int(not below),
                int(node.is_own),
                profile,
            ]
        )
        waiting += below
    return rows


def attribute_table(path: Path) -> dict[str, dict[str, object]]:
    """By name: id, kind (`one`, `many`, `text`) and values `[id, name]` or `[id, name, 1]`."""
    by_name: dict[str, dict[str, Any]] = {}
    for fact in json.loads(path.read_text(encoding="utf-8"))["attributes"]:
        if CHOICES["chosen_ids"].get(fact["name_en"], fact["id"]) == fact["id"]:
            by_name.setdefault(fact["name_en"], fact)
    table: dict[str, dict[str, object]] = {}
    own_attributes, own_values = count(OWN_ATTRIBUTE_IDS), count(OWN_VALUE_IDS)
    for name in sorted(used_attributes()):
        found = by_name.get(name)
        kind = kind_of(name)
        entry: dict[str, object] = {"id": found["id"] if found else next(own_attributes)}
        entry |= {"kind": kind} if found else {"kind": kind, "own": 1}
        if kind != "text":
            values = values_of(name, found.get("values", []) if found else [], own_values)
            if kind == "one" and name not in CHOICES["common_required"] and not is_sku_only(name):
                values.append([OTHER, "Other"])
            entry["values"] = values
        table[name] = entry
    return table


def kind_of(name: str) -> str:
    """Whether a product has one value of an attribute, many, or a text."""
    if name in CHOICES["free_text"]:
        return "text"
    return "many" if name in CHOICES["multiple"] else "one"


def values_of(
    name: str, known: list[dict[str, Any]], own_values: Iterator[int]
) -> list[list[object]]:
    """The known values of an attribute, then the sandbox's own; no name twice."""
    values: list[list[object]] = []
    seen = {"other"}
    for value in known:
        if value["en"].casefold() not in seen:
            seen.add(value["en"].casefold())
            values.append([value["id"], value["en"]])
    missing = (own for own in CHOICES["own_values"].get(name, ()) if own.casefold() not in seen)
    return values + [[next(own_values), own, 1] for own in missing]


def used_attributes() -> set[str]:
    """Every attribute name a profile uses."""
    names = set(CHOICES["common_required"]) | set(CHOICES["common_optional"])
    for profile in PROFILES.values():
        names |= {*profile["required"], *profile["optional"], *profile["sku"]}
    return names


def is_sku_only(name: str) -> bool:
    """Whether it only ever distinguishes the SKUs of a product."""
    return not any(name in (*one["required"], *one["optional"]) for one in PROFILES.values())


def write(name: str, content: object) -> None:
    """Write compact JSON, one row a line where it is a list of rows."""
    text = json.dumps(content, ensure_ascii=False, separators=(",", ":"))
    if isinstance(content, list):
        lines = (json.dumps(row, ensure_ascii=False, separators=(",", ":")) for row in content)
        text = "[\n" + ",\n".join(lines) + "\n]"
    (DATA / name).write_text(text + "\n", encoding="utf-8")


def main() -> None:
    """Build both files and print what they hold."""
    folder = Path(sys.argv[1])
    nodes = read_nodes(folder / "categories.csv")
    rows = category_rows(nodes)
    write("categories.json", rows)
    write(
        "attributes.json",
        {
            "attributes": attribute_table(folder / "attributes.json"),
            "common_required": CHOICES["common_required"],
            "common_optional": CHOICES["common_optional"],
            "profiles": PROFILES,
        },
    )
    leaves = [row for row in rows if row[3]]
    own = sum(1 for row in leaves if row[4])
    depth = max(level_of(nodes, node) for node in nodes.values())
    sys.stdout.write(f"{len(rows)} categories, {len(leaves)} leaves ({own} own), {depth} levels\n")


if __name__ == "__main__":
    main()
