"""What a merchant is advised to improve, in any language (M3.14)."""

import pytest

from catalog_service.normalizing.advice import advise
from common.contracts.product import LocalText

from ..catalog_families import errors, evaluated, member

FULL = (
    "<ul><li>Width: 40 cm</li><li>Linen, washed at 40 degrees, keeps its colour</li></ul>"
    "<p>We take it back within 30 days, and refund what you paid.</p>"
)


def said(*, title: str = "Linen pillow case", description: str = FULL, pictures: int = 5) -> str:
    texts = [LocalText("fr_FR", title)], [LocalText("fr_FR", description)]
    return "; ".join(issue.message for issue in advise(*texts, pictures))


def test_nothing_is_advised_of_a_product_that_says_all() -> None:
    assert said() == ""


@pytest.mark.parametrize(
    ("changed", "advice"),
    [
        ({"title": "LINEN PILLOW CASE, WASHED"}, "the title in fr_FR is all capitals"),
        ({"title": "TV LED 4K"}, ""),
        ({"title": "lamp lamp Lamp LAMP"}, "the title in fr_FR repeats 'lamp'"),
        ({"title": "lamp, lamp shade, lamp stand"}, ""),
        ({"description": "Une lampe."}, "the description in fr_FR is short"),
        ({"description": ""}, ""),
        (
            {"description": "A lamp that gives a warm light to every room. " * 3 + "We refund it."},
            "the description in fr_FR names no parameters",
        ),
        (
            {"description": "<p>A lamp of 40 cm that gives a warm light to any room.</p>" * 3},
            "the description in fr_FR has no after-sales terms",
        ),
        ({"pictures": 4}, "the product has 4 pictures"),
        ({"pictures": 0}, ""),
    ],
)
def test_advice(changed: dict[str, object], advice: str) -> None:
    assert said(**changed) == advice  # type: ignore[arg-type]  # a row of the table


@pytest.mark.parametrize(
    "terms",
    [
        "Garantie de deux ans",
        "Devoluciones en 30 días",
        "Rückgabe binnen 14 Tagen",
        "Reso gratuito",
        "Возврат в течение 14 дней",
        "Zwrot w ciągu 14 dni",
        "30 gün içinde iade",
        "七天无理由退货",
        "返品は30日以内",
        "7일 이내 반품",
        "รับประกัน 1 ปี",
        "Bảo hành 12 tháng",
        "ضمان لمدة عام",
        "אחריות לשנה",
    ],
)
def test_after_sales_terms_are_known_in_every_language(terms: str) -> None:
    text = "<ul><li>40 cm</li></ul>" + "A lamp that gives a warm light to every room. " * 3
    assert "after-sales" in said(description=text)
    assert said(description=text + terms) == ""


def test_every_language_is_advised_on() -> None:
    titles = [LocalText(locale, "LINEN PILLOW CASE") for locale in ("en_US", "es_ES")]
    issues = advise(titles, [], 5)
    assert [issue.message for issue in issues] == [
        "the title in en_US is all capitals",
        "the title in es_ES is all capitals",
    ]
    assert {issue.severity for issue in issues} == {"advice"}


def test_a_brand_that_the_shop_may_not_name_is_advised_on() -> None:
    brand = {"field": "brand", "unknown": "default", "default": "NONE"}
    attributes = {"Brand Name": brand, "Material": {"constant": "Wool"}}
    for name, is_advised in (("Acme", True), ("none", False), ("", False)):
        result = evaluated(member("a", brand=name), category_attributes=attributes)
        assert errors(result) == []
        messages = [i.message for i in result.issues if i.field.endswith("> Brand Name")]
        assert bool(messages) is is_advised, messages
