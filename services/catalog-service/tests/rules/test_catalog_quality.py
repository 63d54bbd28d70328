"""How much of the advice on a product is met (M3.14)."""

import pytest

from catalog_service.normalizing.evaluate import failed_by, withheld
from catalog_service.normalizing.quality import CHECKS, quality_of
from catalog_service.preview.completeness import quality_of as quality_of_feed

from ..catalog_families import evaluated, member

FULL = (
    "<ul><li>Width: 40 cm</li><li>Linen, washed at 40 degrees, keeps its colour</li></ul>"
    "<p>We take it back within 30 days, and refund what you paid.</p>"
)
SAYS_ALL = {
    "description": FULL,
    "descripcion": FULL,
    "images": "|".join(f"https://p.example/{n}.jpg" for n in range(5)),
}


@pytest.mark.parametrize(
    ("changed", "unmet"),
    [
        ({}, 0),
        ({"title": "SHIRT IN ALL CAPITALS"}, 1),
        ({"title": "shirt shirt shirt shirt"}, 1),
        ({"description": "A shirt."}, 3),
        ({"description": ""}, 3),
        ({"descripcion": ""}, 0),
        ({"title": ""}, 2),
        ({"images": "https://p.example/1.jpg"}, 1),
        ({"images": ""}, 1),
        ({"title": "SHIRT IN ALL CAPITALS", "images": "https://p.example/1.jpg"}, 2),
    ],
)
def test_each_check_counts_alike_and_once_for_all_languages(
    changed: dict[str, str], unmet: int
) -> None:
    result = evaluated(member("a", **SAYS_ALL | changed))
    assert result.quality == round(100 * (len(CHECKS) - unmet) / len(CHECKS))


def test_errors_hide_neither_advice_nor_quality() -> None:
    broken = member("a", **SAYS_ALL | {"title": "SHIRT IN ALL CAPITALS"}, price="cheap")
    result = evaluated(broken)
    assert result.state == "offers_invalid"
    assert "M3.14" in {issue.rule for issue in result.issues}
    assert result.quality == round(100 * 7 / 8)
    unmatched = evaluated(member("a", **SAYS_ALL | {"category": "Unheard", "title": ""}))
    assert unmatched.state != "valid"
    # Without a category nobody can say whether the brand may be named: seven checks are left.
    assert unmatched.quality == round(100 * 5 / 7)


def test_of_what_was_not_looked_at_it_cannot_be_said() -> None:
    assert withheld(failed_by(ValueError()), "a", [], None).quality is None
    orphan = evaluated(member("a-1", "a"), family="a")
    assert orphan.quality is None


def test_every_piece_of_advice_is_one_of_the_checks() -> None:
    worst = member(
        "a",
        title="SHIRT SHIRT SHIRT SHIRT",
        description="A shirt.",
        images="https://p.example/1.jpg",
        ean="12",
    )
    result = evaluated(worst, attributes={"ean_code": {"field": "ean"}})
    advice = [issue for issue in result.issues if issue.rule == "M3.14"]
    for issue in advice:
        assert quality_of([issue], missing=(), is_brand_known=True) < 100, issue


def test_a_feeds_quality_is_the_average_and_how_it_is_distributed() -> None:
    feed = quality_of_feed({100: 3, 50: 1}, products=6)
    assert (feed.average, feed.products, feed.unknown) == (87.5, 4, 2)
    assert [(each.quality, each.products) for each in feed.distribution] == [(50, 1), (100, 3)]
    assert quality_of_feed({}, products=0).average is None
