"""Usual and reduced prices, by their columns' names."""

import pytest

from catalog_service.describing.describe import DescribedRow, Description, describe
from catalog_service.describing.names import meanings_of
from common.contracts.catalog import FieldValue


def of(**columns: list[FieldValue]) -> Description:
    """A generic catalogue of these columns."""
    rows = zip(*columns.values(), strict=True)
    return describe((DescribedRow(dict(zip(columns, row, strict=True))) for row in rows), "csv")


@pytest.mark.parametrize(
    ("name", "role"),
    [
        ("Regulärer Preis", "price"),
        ("Normalpreis", "price"),
        ("Preis regulär brutto", "price"),
        ("Tarif régulier", "price"),
        ("Prix normal", "price"),
        ("Precio normal", "price"),
        ("Precio regular con IVA", "price"),
        ("Prezzo normale", "price"),
        ("Regular Price EUR", "price"),
        ("Aktionspreis", "sale_price"),
        ("Preis im Angebot", "sale_price"),
        ("Promopreis", "sale_price"),
        ("Rabattpreis brutto", "sale_price"),
        ("Prix promo TTC", "sale_price"),
        ("Prix en promotion", "sale_price"),
        ("Tarif promo", "sale_price"),
        ("Prix réduit", "sale_price"),
        ("Precio rebajado", "sale_price"),
        ("Precio en oferta", "sale_price"),
        ("Oferta", "sale_price"),
        ("PVP oferta", "sale_price"),
        ("Prezzo in saldo", "sale_price"),
        ("price_sale", "sale_price"),
        ("Price after discount", "sale_price"),
        ("Price before discount", "compare_price"),
        ("Precio sin descuento", "price"),
        ("Preis ohne Rabatt", "price"),
        ("UVP", "compare_price"),
    ],
)
def test_a_reduced_price_is_told_from_a_usual_one(name: str, role: str) -> None:
    best = meanings_of(name)[0]
    assert (best.role, best.score >= 0.6) == (role, True)
    roles = [meaning.role for meaning in meanings_of(name) if meaning.score >= 0.3]
    assert not {"price", "sale_price"} <= set(roles)


def test_a_flag_of_an_offer_is_no_reduced_price() -> None:
    found = of(sku=["A", "B", "C"], precio=["9.90", "8.50", "7.00"], oferta=["1", "0", "1"])
    assert [guess for guess in found.guesses["oferta"] if guess.sure >= 0.6] == []
