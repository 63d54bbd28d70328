"""Proposed pictures: the main one is never lost beside the others."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from catalog_service.describing.describe import DescribedRow, Description, describe
from catalog_service.feeds.configuration import FeedConfiguration
from catalog_service.feeds.matching import Row
from catalog_service.feeds.stored import compile_form
from catalog_service.files.readers.recognise import Options
from catalog_service.proposals.draft import Setting
from catalog_service.proposals.propose import propose
from catalog_service.proposals.read import read_file

P = "https://p.example/"


def loaded(found: Description) -> dict[str, Any]:
    proposal = propose(found, Setting(shop="main", catalogue="c", source="f"))
    document: dict[str, Any] = yaml.safe_load(proposal.configuration)
    return {k: v for k, v in document.items() if k not in {"id_field", "parent_field"}}


def pictures(found: Description, rows: list[dict[str, Any]] | None = None) -> list[list[str]]:
    """What the drafted feed gives for rows: those of the file, or others; without the server."""
    feed = compile_form("m", "f", 0, FeedConfiguration.model_validate(loaded(found)))
    match = feed.general.attributes["image_url_list"]
    every = [row.fields for row in found.kept] if rows is None else rows
    given = [dict.fromkeys(match.list(Row("A", None, fields))) for fields in every]
    return [[url.removeprefix(P).removesuffix(".jpg") for url in urls] for urls in given]


def file_of(tmp_path: Path, text: str, name: str = "products.csv") -> Description:
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    return read_file(path, Options()).description


def table(tmp_path: Path, names: str, rows: list[str]) -> Description:
    """A table of columns of pictures; `a,b` in a cell are two addresses."""
    header = names.replace("|", "\t")
    lines = [f"sku\tname\tprice\t{header}"]
    for number, row in enumerate(rows):
        cells = [
            ",".join(f"{P}{each}.jpg" for each in cell.split(",") if each)
            for cell in row.split("|")
        ]
        lines.append("\t".join([f"A{number}", f"Hat {number}", "9.90", *cells]))
    return file_of(tmp_path, "\n".join([*lines, ""]))


@pytest.mark.parametrize(
    "names",
    [
        "image_link|additional_image_link",
        "Bild 1|Weitere Bilder",
        "Hauptbild|Weitere Bilder",
        "Bild|Zusatzbilder",
        "main_image|gallery",
        "image|images",
        "imagen principal|imágenes adicionales",
        "photo principale|images supplémentaires",
        "immagine|altre immagini",
    ],
)
def test_the_main_picture_stands_before_the_additional_ones(tmp_path: Path, names: str) -> None:
    found = table(tmp_path, names, ["a|b,c", "d|", "e|f"])
    assert pictures(found) == [["a", "b", "c"], ["d"], ["e", "f"]]
    assert pictures(found, [{}, {"image_link": None}]) == [[], []]
    turned = "|".join(reversed(names.split("|")))
    assert pictures(table(tmp_path, turned, ["b,c|a", "|d", "f|e"])) == pictures(found)


def test_a_series_of_columns_with_a_list_behind_it(tmp_path: Path) -> None:
    found = table(tmp_path, "Weitere Bilder|Bild 2|Bild 10|Bild 1", ["d,e|b|c|a", "f||g|"])
    assert pictures(found) == [["a", "b", "c", "d", "e"], ["g", "f"]]


def test_pictures_of_single_columns_only(tmp_path: Path) -> None:
    found = table(tmp_path, "other_image_url1|other_image_url2|main_image_url", ["b|c|a", "||d"])
    assert pictures(found) == [["a", "b", "c"], ["d"]]


def test_small_ones_and_logos_are_not_further_pictures(tmp_path: Path) -> None:
    found = table(tmp_path, "image|thumbnail_image|brand_logo|image_2", ["a|t|l|b", "c|u|l|"])
    assert pictures(found) == [["a", "b"], ["c"]]


def test_a_list_that_holds_the_main_picture_is_enough(tmp_path: Path) -> None:
    found = table(tmp_path, "image|images", ["a|a,b", "c|c,d", "e|e"])
    assert loaded(found)["attributes"]["image_url_list"] == {"field": "images", "separator": ","}
    other = table(tmp_path, "image|images", ["b|a,b", "c|c,d", "e|e"])
    assert pictures(other) == [["b", "a"], ["c", "d"], ["e"]]


FEED = """<rss xmlns:g="http://base.google.com/ns/1.0" version="2.0"><channel><title>s</title>
{items}</channel></rss>"""
ITEM = """<item><g:id>{id}</g:id><g:title>Hat</g:title><g:description>A hat</g:description>
<g:link>https://s.example/p</g:link><g:price>9.90 EUR</g:price>
<g:availability>in_stock</g:availability><g:image_link>{main}</g:image_link>{more}</item>"""


def test_repeated_elements_of_a_feed_follow_its_main_picture(tmp_path: Path) -> None:
    rows = {"a": "bc", "d": "", "e": "f"}
    items = [
        ITEM.format(
            id=f"i{main}",
            main=f"{P}{main}.jpg",
            more="".join(
                f"<g:additional_image_link>{P}{each}.jpg</g:additional_image_link>" for each in more
            ),
        )
        for main, more in rows.items()
    ]
    found = file_of(tmp_path, FEED.format(items="\n".join(items)), "feed.xml")
    assert found.format == "google"
    assert pictures(found) == [["a", "b", "c"], ["d"], ["e", "f"]]


def test_lists_texts_and_json_follow_one_another() -> None:
    rows: list[dict[str, Any]] = [
        {"sku": "A", "image": f"{P}a.jpg", "more images": [f"{P}b.jpg", f"{P}c.jpg"]},
        {"sku": "B", "image": f"{P}d.jpg", "more images": f"{P}e.jpg"},
        {"sku": "C", "image": f"{P}f.jpg", "more images": None},
    ]
    found = describe([DescribedRow(row) for row in rows], "jsonl")
    assert pictures(found) == [["a", "b", "c"], ["d", "e"], ["f"]]
    written: list[dict[str, Any]] = [
        {"sku": "A", "image": f"{P}a.jpg", "gallery": f'["{P}b.jpg", "{P}c.jpg"]'},
        {"sku": "B", "image": f"{P}d.jpg", "gallery": f'["{P}g.jpg"]'},
        {"sku": "C", "image": f"{P}f.jpg"},
    ]
    found = describe([DescribedRow(row) for row in written], "jsonl")
    assert pictures(found) == [["a", "b", "c"], ["d", "g"], ["f"]]
    later = {"image": f"{P}x.jpg", "gallery": "[]"}
    assert pictures(found, [later]) == [["x"]]
