"""The language of a catalogue's texts, found in few words."""

import pytest

from catalog_service.describing.describe import DescribedRow, Description, describe
from catalog_service.describing.languages import find_locale
from common.contracts.catalog import FieldValue


def of(**columns: list[FieldValue]) -> Description:
    """A generic catalogue of these columns."""
    rows = zip(*columns.values(), strict=True)
    return describe((DescribedRow(dict(zip(columns, row, strict=True))) for row in rows), "csv")


@pytest.mark.parametrize(
    ("locale", "texts"),
    [
        (
            "de_DE",
            [
                "Herren Sneaker Leder weiß",
                "Damen Sommerkleid Größe M",
                "Kinderschuhe mit Klettverschluss",
                "Gartenstuhl aus Holz",
            ],
        ),
        (
            "de_DE",
            [
                "Bequemer Schuh, weiches Leder. Sohle rutschfest, für jeden Tag.",
                "Leichtes Kleid, ideal im Sommer. Waschbar bei 30 Grad.",
            ],
        ),
        ("de_DE", ["<p>Bequem f&uuml;r den Sommer, mit gro&szlig;er Tasche.</p>"]),
        (
            "fr_FR",
            [
                "Chaussures homme cuir blanc",
                "Robe d'été pour femme en coton",
                "Chaise de jardin en bois",
                "Tasse en céramique de la Bretagne",
                "Sac à main avec fermeture",
            ],
        ),
        (
            "fr_FR",
            [
                "Chaussure en cuir souple. Semelle de caoutchouc, idéale pour la ville.",
                "Robe de coton, lavable en machine à 30 degrés. Idéale pour l’été.",
            ],
        ),
        ("es_ES", ["Zapatos de cuero para el verano", "Vestido de algodón con botones y cinturón"]),
        ("it_IT", ["Scarpe di cuoio per l'estate", "Vestito con bottoni e cintura della nonna"]),
        ("en_US", ["Leather shoes for the summer", "A dress with buttons and a belt"]),
    ],
)
def test_a_clear_language_is_found_in_few_words(locale: str, texts: list[str]) -> None:
    found = find_locale(texts)
    assert found is not None
    assert (found[0], found[1] >= 0.6) == (locale, True)


@pytest.mark.parametrize(
    "texts",
    [["Sneaker X500", "Nike Air Max"], ["Robe", "Jean"], ["T-Shirt L de luxe"], ["1", "2"], []],
)
def test_names_alone_are_of_no_language(texts: list[str]) -> None:
    found = find_locale(texts)
    assert found is None or found[1] < 0.6


def test_short_descriptions_tell_the_language_too() -> None:
    names: list[FieldValue] = [f"Sneaker X{n}" for n in range(6)]
    texts: list[FieldValue] = [f"Bequemer Schuh für den Alltag, Nummer {n}" for n in range(6)]
    found = of(sku=list("ABCDEF"), Name=names, Kurzbeschreibung=texts)
    assert found.locale is not None
    assert found.locale[0] == "de_DE"
