"""Finding in a shop's tree: by parent, and by words of every language."""

import msgspec
import pytest

from aliexpress.categories import Category
from catalog_service.categories.marketplace import _node
from catalog_service.categories.tree import Tree, TreeNode

NODES = [
    TreeNode("1", "0", "Shoes", False, {"en": "Shoes", "es": "Zapatos", "de": "Schuhe"}),
    TreeNode("2", "0", "Women's Clothing", False, {"en": "Women's Clothing", "fr": "Vêtements"}),
    TreeNode("10", "1", "Men's Shoes", False, {"en": "Men's Shoes", "de": "Herrenschuhe"}),
    TreeNode("100", "10", "Slippers", True, {"en": "Slippers", "es": "Zapatillas"}),
    TreeNode("101", "10", "Boots", True, {"en": "Boots", "es": "Botas", "de": "Stiefel"}),
    TreeNode("11", "1", "Rain Boots", True, {"en": "Rain Boots"}),
    TreeNode("20", "2", "Dresses", True, {"en": "Dresses", "fr": "Robes d'été"}),
    TreeNode("21", "2", "Boot Cut Jeans", True),
]
TREE = Tree(NODES)


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("slippers", ["100"]),
        ("BOOTS", ["101", "11", "21"]),
        ("oot", ["101", "11", "21"]),
        ("women", ["20", "21"]),
        ("men", ["101", "100"]),
        ("boot", ["101", "11", "21"]),
        ("rain boot", ["11"]),
        ("footwear slipper", ["100"]),
        ("dress", ["20"]),
        ("herren stiefel", ["101"]),
        ("men boots", ["101"]),
        ("mens boots", ["101"]),
        ("botas", ["101"]),
        ("stiefel herrenschuhe", ["101"]),
        ("zapatos", ["101", "100", "11"]),
        ("robes d'ete", ["20"]),
        ("vetements", ["20", "21"]),
        ("lamp", []),
        ("", ["101", "20", "100", "11", "21"]),
    ],
)
def test_words_find_leaves_in_every_language_the_best_first(words: str, found: list[str]) -> None:
    assert [node.category_id for node in TREE.search(words)] == found


def test_a_search_can_stay_below_a_category() -> None:
    assert [node.category_id for node in TREE.search("boots", below="10")] == ["101"]
    assert [node.category_id for node in TREE.search("", below="2")] == ["20", "21"]


def test_children_and_paths() -> None:
    assert [node.category_id for node in TREE.children()] == ["1", "2"]
    assert [node.category_id for node in TREE.children("1")] == ["10", "11"]
    assert TREE.path_names("100") == ["Shoes", "Men's Shoes", "Slippers"]
    assert TREE.path("none") == []
    assert TREE.is_leaf("100")
    assert not TREE.is_leaf("10")
    assert not TREE.is_leaf("none")


def test_a_category_below_itself_ends() -> None:
    loop = Tree([TreeNode("a", "b", "A", False), TreeNode("b", "a", "B", True)])
    assert len(loop.path("b")) == 20
    assert loop.search("a")


def test_all_names_of_a_category_are_kept_and_trees_without_them_are_read() -> None:
    names = {"es": "Botas", "en": "Boots"}
    node = _node(Category("101", "10", names, level=3, is_leaf=True))
    assert node == TreeNode("101", "10", "Boots", True, names)
    assert msgspec.json.decode(msgspec.json.encode(node), type=TreeNode) == node
    stored = msgspec.json.decode(b'["101", "10", "Boots", true]', type=TreeNode)
    assert stored == TreeNode("101", "10", "Boots", True)
    assert Tree([stored]).search("boot") == [stored]
