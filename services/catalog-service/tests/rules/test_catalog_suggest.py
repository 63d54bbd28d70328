"""Which leaves are suggested for a category of the catalogue, and in which order (M2.2)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalog_service.categories.suggest import LEAST, LeafNames
from catalog_service.categories.tree import Tree, TreeNode
from catalog_service.categories.words import contradict, stem, words_of

PATHS = {
    "1": "Shoes > Men's Shoes > Slippers",
    "2": "Shoes > Men's Shoes > Sneakers",
    "3": "Shoes > Women's Shoes > Sneakers",
    "4": "Shoes > Women's Shoes > Boots",
    "5": "Men's Clothing > Pants > Casual Pants",
    "6": "Women's Clothing > Bottoms > Pants",
    "7": "Mother & Kids > Children's Clothing > Pants",
    "8": "Mother & Kids > Baby Clothing > Pants",
    "9": "Mother & Kids > Baby Shoes > Crib Shoes",
    "10": "Lights & Lighting > Indoor Lighting > Table Lamps",
    "11": "Lights & Lighting > Outdoor Lighting > Solar Lamps",
    "12": "Home & Garden > Gifts & Crafts > Other Gifts & Crafts",
    "13": "Home & Garden > Home Decor > Clocks > Wall Clocks",
    "14": "Watches > Men's Watches",
    "15": "Watches > Women's Watches",
    "16": "Jewelry & Accessories > Jewelry Packaging & Display > Bags",
    "17": "Luggage & Bags > Women's Handbags > Shoulder Bags",
    "18": "Luggage & Bags > Men's Bags > Briefcases",
    "19": "Home & Garden > Kitchen,Dining & Bar > Kitchen Knives",
    "20": "Apparel Accessories > Scarves",
    "21": "Phones & Telecommunications Accessories > Phone Cases",
    "22": "Building Supplies > Cement",
    "23": "Beauty & Health > Manicure",
}
SPANISH = {
    "Pants": "Pantalones",
    "Men's Clothing": "Ropa de hombre",
    "Casual Pants": "Pantalones casuales",
    "Wall Clocks": "Relojes de pared",
    "Table Lamps": "Lámparas de mesa",
}


def tree_of(paths: dict[str, str]) -> Tree:
    nodes: dict[str, TreeNode] = {}
    for leaf, path in paths.items():
        steps = path.split(" > ")
        above = "0"
        for place, step in enumerate(steps):
            is_leaf = place == len(steps) - 1
            key = leaf if is_leaf else " > ".join(steps[: place + 1])
            names = {"en": step} | ({"es": SPANISH[step]} if step in SPANISH else {})
            nodes.setdefault(key, TreeNode(key, above, step, is_leaf, names))
            above = key
    return Tree([*nodes.values()])


NAMES = LeafNames(tree_of(PATHS))


def found(path: str, **more: object) -> list[str]:
    steps = path.split(" > ")
    return [one.category_id for one in NAMES.suggest(steps, **more)]  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("path", "first"),
    [
        ("Men > Trousers", "5"),
        ("Women > Trousers", "6"),
        ("Boys > Trousers", "7"),
        ("Kids > Clothing > Pants", "7"),
        ("Baby > Pants", "8"),
        ("Men > Footwear > Slipper", "1"),
        ("Men > Shoes > Sneakers", "2"),
        ("Ladies > Trainers", "3"),
        ("Women > Boots", "4"),
        ("Home > Lamps > Men's gifts", "12"),
        ("Home > Lamps > Table lamp", "10"),
        ("Lighting > Solar lamps", "11"),
        ("Clocks > Wall", "13"),
        ("Wristwatches > For men", "14"),
        ("Watch > Ladies'", "15"),
        ("Women > Bags > Shoulder Bag", "17"),
        ("Kitchen > Knife", "19"),
        ("Accessories > Scarf", "20"),
        ("Mobile phone cases", "21"),
        ("Hombre > Pantalón", "5"),
        ("Iluminación > Lámpara de mesa", "10"),
        ("Damen > Schuhe > Sneaker", "3"),
        ("Mujer > Bolsos", "17"),
        ("Accesorios > Bufandas", "20"),
    ],
)
def test_the_likeliest_leaf_comes_first(path: str, first: str) -> None:
    assert found(path)[:1] == [first]


@pytest.mark.parametrize(
    ("path", "never"),
    [
        ("Men > Trousers", {"1", "6", "7", "8"}),
        ("Women > Sneakers", {"1", "2"}),
        ("Home > Lamps > Men's gifts", {"6", "15", "17", "3"}),
        ("Baby > Shoes", {"1", "2", "3", "4"}),
        ("Women > Bags", {"18"}),
        ("Men", {"22", "23", "1"}),
        ("Zubehör > Türgriffe", set(PATHS)),
        ("", set(PATHS)),
        (" > > ", set(PATHS)),
    ],
)
def test_what_contradicts_the_path_or_only_holds_its_letters_is_not_suggested(
    path: str, never: set[str]
) -> None:
    assert not never & {*found(path)[:3]}


def test_every_suggestion_has_a_score_and_says_why() -> None:
    best = NAMES.suggest(["Men", "Trousers"])[0]
    assert best.path == ("Men's Clothing", "Pants", "Casual Pants")
    assert LEAST < best.score < 1
    assert best.why == "its name has 'trousers'"
    assert NAMES.suggest(["Shoes", "Men's Shoes", "Slippers"])[0].score == 1.0


def test_titles_and_the_platform_s_own_suggestions_are_mixed_in() -> None:
    path = "Sale > Footwear"
    assert found("Angebote > Sonstiges", titles=["Sneakers for women", "Sneakers, grey"])[0] == "3"
    assert found(path, titles=["Warm slippers for men", "Slippers, grey"])[:1] == ["1"]
    assert found("Sale", titles=["Rain boots for women", "Women's boots"])[:1] == ["4"]
    by_platform = NAMES.suggest(["Sale", "Season"], of_platform=[["4", "3"], ["4", "3"], []])
    assert [one.category_id for one in by_platform[:2]] == ["4", "3"]
    assert by_platform[0].why.endswith("AliExpress suggests it for 2 of 3 titles")
    assert by_platform[0].score > by_platform[1].score
    against = NAMES.suggest(["Men", "Trousers"], of_platform=[["6"], ["6"]])
    assert against[0].category_id == "5"
    unknown = NAMES.suggest(["Men", "Trousers"], of_platform=[["4711"]])
    assert "4711" not in {one.category_id for one in unknown}


@pytest.mark.parametrize(
    ("singular", "plural"),
    [
        ("shoe", "shoes"),
        ("watch", "watches"),
        ("dress", "dresses"),
        ("scarf", "scarves"),
        ("knife", "knives"),
        ("glove", "gloves"),
        ("baby", "babies"),
        ("accessory", "accessories"),
        ("movie", "movies"),
        ("case", "cases"),
        ("box", "boxes"),
        ("zapato", "zapatos"),
        ("pantalon", "pantalones"),
        ("lampe", "lampes"),
    ],
)
def test_singular_and_plural_are_one_word(singular: str, plural: str) -> None:
    assert stem(singular) == stem(plural)


@pytest.mark.parametrize(
    ("one", "other"), [("men", "women"), ("cement", "men"), ("lamp", "lam"), ("bag", "badge")]
)
def test_other_words_stay_others(one: str, other: str) -> None:
    assert stem(one) != stem(other)


@pytest.mark.parametrize(
    ("one", "other", "does"),
    [
        ("men", "women", True),
        ("men", "boys", True),
        ("girls", "boys", True),
        ("kids", "baby", True),
        ("kids", "boys", False),
        ("men", "trousers", False),
        ("herren", "damen", True),
        ("herren", "hombre", False),
        ("men women", "women", False),
    ],
)
def test_for_whom(one: str, other: str, does: bool) -> None:
    assert contradict(words_of(one).audience, words_of(other).audience) == does


@given(st.lists(st.text(max_size=30), max_size=5), st.lists(st.text(max_size=60), max_size=3))
def test_any_text_gives_scores_in_order(path: list[str], titles: list[str]) -> None:
    scores = [one.score for one in NAMES.suggest(path, titles=titles, limit=10)]
    assert scores == sorted(scores, reverse=True)
    assert all(LEAST - 0.001 <= score <= 1 for score in scores)
