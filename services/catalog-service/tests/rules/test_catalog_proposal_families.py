"""Drafts of small files: what is off stays off, families and prices are those of the rows, and
what has to stay for ever is an open point. Evaluated, where a rule or a template is drafted."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from catalog_service.feeds.compile import CompiledFeed
from catalog_service.feeds.configuration import FeedConfiguration
from catalog_service.feeds.matching import Row
from catalog_service.feeds.stored import compile_form
from catalog_service.files.readers.items import Item
from catalog_service.files.readers.recognise import Options, recognise
from catalog_service.proposals.draft import Setting
from catalog_service.proposals.propose import Proposal, propose
from catalog_service.proposals.read import read_file

SETTING = Setting(shop="main", catalogue="products", source="products.csv")


class Drafted:
    """A file with its draft: the products as they are imported, evaluated by the configuration."""

    def __init__(self, folder: Path, text: str) -> None:
        path = folder / "products.csv"
        path.write_text(text)
        self.proposal: Proposal = propose(read_file(path, Options()).description, SETTING)
        self.form: dict[str, Any] = yaml.safe_load(self.proposal.configuration)
        of_file = ("id_field", "parent_field")
        options = Options(**{k: self.form[k] for k in of_file if k in self.form})
        entries = recognise(path, options).products(options, {})
        self.products = {each.product_id: each for each in entries if isinstance(each, Item)}
        of_feed = {k: v for k, v in self.form.items() if k not in of_file}
        self.feed: CompiledFeed = compile_form(
            "m", "f", 0, FeedConfiguration.model_validate(of_feed)
        )

    def waiting(self, place: str) -> list[int]:
        """How many products wait on a place of the configuration."""
        return [point.products for point in self.proposal.open_points if point.field == place]

    def message(self, place: str) -> str:
        """What the open points of a place say."""
        found = [point.message for point in self.proposal.open_points if point.field == place]
        return "; ".join(found)

    def kept(self) -> set[str]:
        """The products that no rule leaves out."""
        rule = self.feed.is_excluded
        return {name for name, p in self.products.items() if rule is None or not rule(p.fields)}

    def option(self, product_id: str, attribute: str) -> object:
        """What a product's SKU attribute is filled with."""
        product = self.products[product_id]
        match = self.feed.general.sku_attributes[attribute].value
        return match.fill(Row(product_id, product.parent_id, product.fields))


MAGENTO = (
    "sku,store_view_code,attribute_set_code,product_type,name,product_online,visibility,price,qty,"
    "is_in_stock,configurable_variations\n"
)
WOO = (
    "ID,Type,SKU,Name,Published,Visibility in catalog,In stock?,Stock,Regular price,Parent,"
    "Attribute 1 name,Attribute 1 value(s)\n"
)
SHOPIFY = (
    "Handle,Title,Published,Status,Option1 Name,Option1 Value,Variant SKU,Variant Price,"
    "Variant Requires Shipping,Gift Card,Image Src\n"
)
PRESTASHOP = (
    "Product ID;Active (0/1);Name *;Categories (x,y,z...);Price tax excluded;Price tax included;"
    "Reference #;Quantity;Visibility\n"
)


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        (
            f"{MAGENTO}A,,Top,simple,Hat,1,Catalog,9,5,1,\nB,,Top,simple,Cap,2,Catalog,8,5,1,\n",
            {"A"},
        ),
        (
            (
                f"{WOO}1,simple,A,Hat,1,visible,1,3,9,,,\n2,simple,B,Cap,1,hidden,1,3,8,,,\n"
                "3,simple,C,Tie,-1,visible,1,3,8,,,\n"
            ),
            {"1"},
        ),
        (
            (
                f"{WOO}1,simple,A,Hat,1,visible,1,3,9,,,\n"
                '2,"simple, virtual, downloadable",B,Book,1,visible,1,3,8,,,\n'
                "3,external,C,Tie,1,visible,1,3,8,,,\n"
            ),
            {"1"},
        ),
        (
            (
                f"{SHOPIFY}hat,Hat,TRUE,Active,Title,Default Title,A,9,true,false,\n"
                "cap,Cap,FALSE,Active,Title,Default Title,B,9,true,false,\n"
                "tie,Tie,TRUE,Draft,Title,Default Title,C,9,true,false,\n"
                "card,Card,TRUE,Active,Title,Default Title,D,9,false,true,\n"
            ),
            {"hat"},
        ),
        (
            (
                f"{PRESTASHOP}1;1;Hat;Art;10;12;a;5;both\n2;1;Cap;Art;10;12;b;5;none\n"
                "3;0;Tie;Art;10;12;c;5;both\n"
            ),
            {"1"},
        ),
        ("sku,name,price,visible\nA,Hat,9,yes\nB,Cap,8,no\n", {"A"}),
        ("sku,name,price,status,visible\nA,Hat,9,on,yes\nB,Cap,8,off,yes\nC,Tie,7,on,no\n", {"A"}),
    ],
    ids=["magento", "hidden", "no parcel", "shopify", "prestashop", "generic", "two columns"],
)
def test_what_is_off_in_the_catalogue_is_left_out(
    tmp_path: Path, text: str, kept: set[str]
) -> None:
    assert Drafted(tmp_path, text).kept() == kept


def test_variants_of_a_configurable_are_kept_though_they_are_not_visible(tmp_path: Path) -> None:
    invisible = "Not Visible Individually"
    drafted = Drafted(
        tmp_path,
        f"{MAGENTO}A-S,,Top,simple,Hat S,1,{invisible},9,5,1,\n"
        f"A-M,,Top,simple,Hat M,1,{invisible},9,5,1,\n"
        'A,,Top,configurable,Hat,1,"Catalog, Search",9,5,1,"sku=A-S,size=S|sku=A-M,size=M"\n'
        f"B,,Top,simple,Part,1,{invisible},9,5,1,\n",
    )
    assert drafted.kept() == {"A", "A-S", "A-M", "B"}
    assert drafted.waiting("exclude") == [1]
    assert invisible in drafted.message("exclude")


def test_a_state_that_nothing_is_known_of_is_open(tmp_path: Path) -> None:
    rows = "A,Hat,9,active\nB,Cap,8,phasing out\nC,Tie,8,active\n"
    drafted = Drafted(tmp_path, f"sku,name,price,status\n{rows}")
    assert drafted.kept() == {"A", "B", "C"}
    assert drafted.waiting("exclude") == [1]
    assert "phasing out" in drafted.message("exclude")


def test_a_download_that_may_be_sent_too_is_open(tmp_path: Path) -> None:
    rows = '1,simple,A,Hat,1,visible,1,3,9,,,\n2,"simple, downloadable",B,CD,1,visible,1,3,8,,,\n'
    drafted = Drafted(tmp_path, WOO + rows)
    assert drafted.kept() == {"1", "2"}
    assert drafted.waiting("exclude") == [1]
    assert (
        '# exclude: {field: Type, in: ["simple, downloadable"]}' in drafted.proposal.configuration
    )


def test_options_of_one_meaning_are_one(tmp_path: Path) -> None:
    drafted = Drafted(
        tmp_path,
        f"{WOO}1,variable,A,Hat,1,visible,1,,,,Color,\"Red, Blue\"\n"
        "2,variation,A-R,Hat,1,visible,1,3,9,A,Color,Red\n"
        "3,variation,A-B,Hat,1,visible,1,3,9,A,Color,Blue\n"
        "4,variable,B,Cap,1,visible,1,,,,Colour,\"Black, White\"\n"
        "5,variation,B-B,Cap,1,visible,1,3,9,B,Colour,Black\n"
        "6,variation,B-W,Cap,1,visible,1,3,9,B,Colour,White\n",
    )  # fmt: skip
    assert set(drafted.form["sku_attributes"]) == {"Color"}
    found = [drafted.option(name, "Color") for name in ("2", "3", "5", "6")]
    assert found == ["Red", "Blue", "Black", "White"]


def test_options_of_one_meaning_in_one_product_stay_apart(tmp_path: Path) -> None:
    header = WOO.strip() + ",Attribute 2 name,Attribute 2 value(s)\n"
    drafted = Drafted(
        tmp_path,
        f"{header}1,variable,A,Hat,1,visible,1,,,,,,,\n"
        "2,variation,A-R,Hat,1,visible,1,3,9,A,Frame color,Gold,Color,Red\n"
        "3,variation,A-B,Hat,1,visible,1,3,9,A,Frame color,Black,Color,Red\n",
    )
    assert set(drafted.form["sku_attributes"]) == {"Color", "Frame color"}
    assert drafted.option("3", "Color") == "Red"
    assert drafted.option("3", "Frame color") == "Black"


def test_named_options_of_one_meaning_in_one_product_stay_apart(tmp_path: Path) -> None:
    header = SHOPIFY.strip() + ",Option2 Name,Option2 Value\n"
    rows = (
        "hat,Hat,TRUE,Active,Band colour,Gold,A,9,true,false,,Colour,Red\n"
        "hat,,,,,Black,B,9,true,false,,,Red\n"
        "cap,Cap,TRUE,Active,Color,Blue,C,9,true,false,,,\n"
        "cap,,,,,Green,D,9,true,false,,,\n"
    )
    drafted = Drafted(tmp_path, header + rows)
    assert set(drafted.form["sku_attributes"]) == {"Color", "Band colour"}
    assert drafted.option("hat:Black/Red", "Band colour") == "Black"
    assert drafted.option("hat:Black/Red", "Color") == "Red"
    assert drafted.option("cap:Green", "Color") == "Green"


def test_columns_of_one_meaning_fill_each_others_gaps(tmp_path: Path) -> None:
    rows = "A,,P,,9\nA1,P,Hat,Red,,9\nA2,P,Hat,Blue,,9\nB1,Q,Cap,,Black,9\nB2,Q,Cap,,White,9\n"
    rows = rows.removeprefix("A,,P,,9\n")
    drafted = Drafted(tmp_path, f"sku,parent,name,color,colour,price\n{rows}")
    assert drafted.option("A2", "Color") == "Blue"
    assert drafted.option("B2", "Color") == "White"


OWN_GROUPS = "OG-1,G1\nOG-2,G1\nOG-3,G1\nOG-4,OG-4\nOG-5,OG-5\n"


def with_names(pairs: str, header: str) -> str:
    """Rows of ids and groups, with a name and a price."""
    return f"{header},name,price\n" + "".join(f"{row},Hat,9\n" for row in pairs.split())


def test_a_group_in_which_single_products_name_themselves_is_no_parent(tmp_path: Path) -> None:
    drafted = Drafted(tmp_path, with_names(OWN_GROUPS, "sku,group"))
    assert drafted.form["parent_field"] == "group"
    assert drafted.form["synthesise_parents"] is True
    assert "3 rows share their 'group' with others" in drafted.proposal.configuration
    assert "name another row's" not in drafted.proposal.configuration
    assert {p.parent_id for p in drafted.products.values()} == {"G1", None}


def test_a_few_groups_among_many_single_products_are_found(tmp_path: Path) -> None:
    singles = "".join(f"S-{n},S-{n}\n" for n in range(60))
    drafted = Drafted(tmp_path, with_names(OWN_GROUPS + singles, "sku,group"))
    assert drafted.form["parent_field"] == "group"
    assert drafted.form["synthesise_parents"] is True


def test_parents_that_name_themselves_are_parents(tmp_path: Path) -> None:
    pairs = "P,P\nP-1,P\nP-2,P\nQ,Q\n"
    drafted = Drafted(tmp_path, with_names(pairs, "sku,group"))
    assert drafted.form["parent_field"] == "group"
    assert "2 rows name another row's 'sku'" in drafted.proposal.configuration
    assert drafted.products["P"].parent_id is None


def test_rows_that_name_a_missing_parent_are_open(tmp_path: Path) -> None:
    pairs = "P,\nP-1,P\nP-2,P\nQ,\nQ-1,Q\nX-1,X\nX-2,X\n"
    drafted = Drafted(tmp_path, with_names(pairs, "sku,parent"))
    assert drafted.form["parent_field"] == "parent"
    assert drafted.waiting("parent_field") == [2]
    assert "# synthesise_parents: true" in drafted.proposal.configuration


def test_children_behind_many_parents_are_found(tmp_path: Path) -> None:
    parents = "".join(f"P{n},\n" for n in range(600))
    drafted = Drafted(tmp_path, with_names(f"{parents}C-1,P7\nC-2,P7\n", "sku,parent"))
    assert drafted.form["parent_field"] == "parent"
    own = "".join(f"P{n},P{n}\n" for n in range(600))
    drafted = Drafted(tmp_path, with_names(f"{own}C-1,P599\nC-2,P599\n", "sku,parent"))
    assert "2 rows name another row's 'sku'" in drafted.proposal.configuration
    assert "synthesise_parents" not in drafted.form


def test_a_sku_that_several_variations_share_is_open(tmp_path: Path) -> None:
    rows = (
        "hat,Hat,TRUE,Active,Size,S,A,9,true,false,\nhat,,,,,M,A,9,true,false,\n"
        "cap,Cap,TRUE,Active,Size,S,B,9,true,false,\ncap,,,,,M,B,9,true,false,\n"
    )
    drafted = Drafted(tmp_path, SHOPIFY + rows)
    assert drafted.form["attributes"]["sku_code"] == {"field": "product_id"}
    assert "# sku_code: {field: Variant SKU}" in drafted.proposal.configuration
    assert drafted.waiting("attributes.sku_code") == [4]
    assert "for ever" in drafted.message("attributes.sku_code")


def test_an_id_that_repeats_or_lacks_is_open(tmp_path: Path) -> None:
    rows = "".join(f"S{n},Hat,9\n" for n in range(8))
    drafted = Drafted(tmp_path, f"SKU,name,price\n{rows}S1,Cap,8\n,Tie,7\n")
    assert drafted.form["id_field"] == "SKU"
    assert drafted.form["attributes"]["sku_code"] == {"field": "SKU"}
    assert drafted.waiting("id_field") == [3]
    assert "take their own id" not in drafted.proposal.configuration


def test_rows_that_take_their_id_for_a_sku_are_open(tmp_path: Path) -> None:
    rows = "".join(f"{n},S{n},Hat,9\n" for n in range(8))
    drafted = Drafted(tmp_path, f"id,SKU,name,price\n{rows}8,,Tie,7\n")
    assert drafted.waiting("attributes.sku_code") == [1]


def test_skus_of_which_some_repeat_are_open(tmp_path: Path) -> None:
    rows = "".join(f"{n},S{n},Hat,9\n" for n in range(18))
    drafted = Drafted(tmp_path, f"id,SKU,name,price\n{rows}18,S1,Tie,7\n19,S1,Tie,7\n")
    assert drafted.form["attributes"]["sku_code"] == {"field": "SKU"}
    assert drafted.waiting("attributes.sku_code") == [3]


def test_ids_and_skus_that_are_sure_are_not_open(tmp_path: Path) -> None:
    drafted = Drafted(tmp_path, "sku,name,price\nA,Hat,9\nB,Cap,8\n")
    assert not drafted.waiting("id_field")
    assert not drafted.waiting("attributes.sku_code")


def test_prices_with_tax_come_before_those_without(tmp_path: Path) -> None:
    rows = "1;1;Hat;Art;100.00;120.00;a;5;both\n2;1;Cap;Art;50.00;60.00;b;5;both\n"
    drafted = Drafted(tmp_path, PRESTASHOP + rows)
    assert drafted.form["attributes"]["price"] == {"field": "Price tax included"}
    assert drafted.waiting("attributes.price") == []
    assert "Price tax excluded" in drafted.proposal.configuration


def test_a_gap_in_prices_with_tax_is_not_filled_by_one_without(tmp_path: Path) -> None:
    rows = "".join(f"{n};1;Hat;Art;10;{'12' if n > 2 else ''};a{n};5;both\n" for n in range(9))
    drafted = Drafted(tmp_path, PRESTASHOP + rows)
    assert drafted.form["attributes"]["price"] == {"field": "Price tax included"}
    assert drafted.waiting("attributes.price") == [3]


def test_prices_without_tax_alone_are_open(tmp_path: Path) -> None:
    rows = "".join(f"{n},Hat,10.00\n" for n in range(3))
    drafted = Drafted(tmp_path, f"sku,name,price tax excluded\n{rows}")
    assert drafted.waiting("attributes.price") == [3]
    assert "without tax" in drafted.message("attributes.price")


def test_a_second_column_of_other_prices_is_open(tmp_path: Path) -> None:
    drafted = Drafted(tmp_path, "sku,name,price,price\nA,Hat,9,8\nB,Cap,7,7\n")
    assert drafted.form["attributes"]["price"] == {"field": "price"}
    assert "# price: {field: price_2}" in drafted.proposal.configuration
    assert drafted.waiting("attributes.price") == [1]
    assert "'price_2'" in drafted.message("attributes.price")


def test_a_column_of_paths_under_an_unknown_name_is_offered(tmp_path: Path) -> None:
    rows = "".join(f"{n},Hat {n},9,Kitchen > Plates\n" for n in range(8))
    drafted = Drafted(tmp_path, f"sku,name,price,Dept\n{rows}")
    lines = drafted.proposal.configuration.splitlines()
    assert "  # source: {field: Dept}" in lines
    assert drafted.waiting("category.source") == [8]
    assert "'Dept'" in drafted.message("category.source")
