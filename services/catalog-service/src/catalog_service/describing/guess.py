"""What one column seems to be: its name, weighed by whether its values fit. Pure.

A name alone is not believed: a column named price of which half is text is no price. Values alone
are believed where nothing else looks like them: barcodes with right check digits, pictures.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace

from catalog_service.describing.formats import DOCUMENTED, CatalogueFormat, documented_role
from catalog_service.describing.names import NameMeaning, meanings_of, plain_name
from catalog_service.describing.price_words import is_net
from catalog_service.describing.profile import ColumnProfile
from catalog_service.describing.shapes import is_no_value
from catalog_service.describing.structure import is_structural
from catalog_service.describing.vocabulary import Role

FITS = 0.95
FAILS = 0.7
"""The share of values that have to fit for the name to count in full; below the second it hardly
does."""
OF_NET = 0.8
"""How much a price's name is worth that says it is without tax: one with tax is taken before it."""
FEW_ROWS = 5
LEAST_SURE = 0.05


@dataclass(frozen=True)
class Guess:
    """What a column may be, how sure (0 to 1), and why; the locale and unit its name gives."""

    role: Role
    sure: float
    why: str
    locale: str | None = None
    unit: str | None = None
    number: int | None = None


def guesses_of(column: ColumnProfile, found: CatalogueFormat) -> list[Guess]:
    """What the column may be, the surest first; one without values has its name alone, and one
    that builds its format is nothing."""
    if is_structural(found, column.name):
        return []
    documented = documented_role(found, column.name)
    meanings = meanings_of(column.name)
    best: dict[Role, Guess] = {}
    for guess in (
        *_documented(column, documented, found, meanings),
        *_by_name(column, meanings),
        *_by_values(column),
    ):
        known = best.get(guess.role)
        if guess.sure >= LEAST_SURE and (known is None or guess.sure > known.sure):
            best[guess.role] = guess
    return sorted(best.values(), key=lambda guess: -guess.sure)


def _documented(
    column: ColumnProfile,
    role: Role | None,
    found: CatalogueFormat,
    meanings: list[NameMeaning],
) -> Iterator[Guess]:
    if role is not None:
        name = next((each for each in meanings if each.role == role), None)
        unit = "g" if (found, column.name) == ("shopify", "Variant Grams") else None
        named = NameMeaning(role, DOCUMENTED, "") if name is None else name
        meaning = replace(named, score=DOCUMENTED, unit=unit or named.unit)
        yield _weighed(column, meaning, f"a column of {found}'s documentation")


def _by_name(column: ColumnProfile, meanings: list[NameMeaning]) -> Iterator[Guess]:
    for meaning in meanings:
        yield _weighed(column, meaning, f"named {meaning.words!r}")


def _weighed(column: ColumnProfile, meaning: NameMeaning, why: str) -> Guess:
    fit, reason = fit_of(column, meaning.role)
    is_without_tax = meaning.role == "price" and is_net(plain_name(column.name))
    score = meaning.score * (OF_NET if is_without_tax else 1.0)
    return Guess(
        meaning.role,
        round(score * _support(fit), 2),
        f"{why}; {reason}",
        meaning.locale,
        meaning.unit,
        meaning.number,
    )


def _support(fit: float) -> float:
    """How far values of this fit bear a name out."""
    if fit >= FITS:
        return 1.0
    if fit < FAILS:
        return 0.2 * fit
    return 0.5 + 0.5 * (fit - FAILS) / (FITS - FAILS)


def fit_of(column: ColumnProfile, role: Role) -> tuple[float, str]:
    """The share of the column's values that fit the role, and what they are, in words."""
    if not column.examined:
        return 1.0, "it has no values"
    return _FITS[role](column)


def _share(column: ColumnProfile, share: float, what: str) -> tuple[float, str]:
    return share, f"{share:.0%} of {column.examined} values are {what}"


def _numbers(column: ColumnProfile) -> float:
    return column.share("number", "amount_mark")


def _quantities(column: ColumnProfile) -> tuple[float, str]:
    return _share(column, _numbers(column), "amounts")


def _reduced(column: ColumnProfile) -> tuple[float, str]:
    if _says_yes_or_no(column):
        return 0.3, "its values only say yes or no"
    return _compared(column)


def _compared(column: ColumnProfile) -> tuple[float, str]:
    """Amounts, where a text that stands for none is none; a price itself has to be one."""
    blanks = sum(is_no_value(text) and bool(text.strip().strip("0")) for text in column.texts)
    filled = column.examined - blanks
    share = min(1.0, _numbers(column) * column.examined / filled) if filled else 1.0
    return (
        _share(column, share, "amounts")
        if not blanks
        else (share, f"{share:.0%} of {filled} values are amounts, {blanks} stand for none")
    )


def _says_yes_or_no(column: ColumnProfile) -> bool:
    return column.share("boolean") >= FITS and len(column.distinct) <= 2


def _stock(column: ColumnProfile) -> tuple[float, str]:
    if _says_yes_or_no(column) and not (column.share("number") >= FITS and _counts(column.name)):
        return 0.3, "its values only say yes or no"
    return _share(column, column.share("number"), "numbers")


_QUANTITY_WORDS = """qty quantity inventory bestand lagerbestand menge anzahl cantidad existencias
    quantite quantita giacenza quantidade aantal ilosc"""
_QUANTITIES = frozenset(_QUANTITY_WORDS.split())


def _counts(name: str) -> bool:
    """Whether a column's name asks for how many: then 0 and 1 are numbers."""
    return not _QUANTITIES.isdisjoint(plain_name(name).split())


def _availability(column: ColumnProfile) -> tuple[float, str]:
    if column.share("stock_word") < FAILS and len(column.distinct) <= 6 and not _numbers(column):
        return 0.9, f"it has {len(column.distinct)} different words"
    return _share(column, column.share("stock_word"), "words of stock")


def _pictures(column: ColumnProfile) -> tuple[float, str]:
    addresses = sum("http" in text or text.startswith("//") for text in column.texts)
    return _share(column, addresses / column.examined, "addresses")


def _ean(column: ColumnProfile) -> tuple[float, str]:
    return _share(column, column.share("barcode"), "barcodes with a right check digit")


def _text(column: ColumnProfile) -> float:
    return 1.0 - min(1.0, _numbers(column) + column.share("url"))


def _title(column: ColumnProfile) -> tuple[float, str]:
    share = _text(column) - column.share("html")
    if column.average_length > 300:
        return 0.5 * share, "its texts are long"
    if column.filled > FEW_ROWS and len(column.distinct) == 1:
        return 0.3, "all its values are the same"
    return _share(column, max(share, 0.0), "texts")


def _description(column: ColumnProfile) -> tuple[float, str]:
    share, what = _share(column, _text(column), "texts")
    return (share, what) if column.average_length >= 20 else (0.8 * share, f"{what}, but short")


def _brand(column: ColumnProfile) -> tuple[float, str]:
    if column.average_length > 60:
        return 0.4, "its texts are long"
    share, what = _share(column, _text(column), "texts")
    is_own = column.filled > FEW_ROWS and column.uniqueness > 0.9
    return (0.8 * share, f"{what}, hardly one twice") if is_own else (share, what)


def _measure(column: ColumnProfile) -> tuple[float, str]:
    return _share(column, column.share("number", "measure"), "numbers or measures")


def _category(column: ColumnProfile) -> tuple[float, str]:
    if column.share("whole") >= FAILS:
        return 0.75, "its values are numbers, ids of categories rather than paths"
    if column.filled > FEW_ROWS and column.uniqueness > 0.95:
        return 0.75, "hardly a value comes twice"
    path = column.share("path")
    share = 1.0 - column.share("url")
    return share, f"{path:.0%} of {column.examined} values are paths of several steps"


def _option(column: ColumnProfile) -> tuple[float, str]:
    if column.average_length > 60:
        return 0.4, "its texts are long"
    return _share(column, 1.0 - column.share("url"), "short values")


def _sku(column: ColumnProfile) -> tuple[float, str]:
    share = column.uniqueness
    if column.average_length > 80:
        return 0.3, "its texts are long"
    return share, f"{share:.0%} of its {column.filled} values are different"


def _dates(column: ColumnProfile) -> tuple[float, str]:
    return _share(column, column.share("date"), "dates")


def _currency(column: ColumnProfile) -> tuple[float, str]:
    return _share(column, column.share("currency_code"), "currency codes")


def _state(column: ColumnProfile) -> tuple[float, str]:
    count = len(column.distinct)
    return (1.0 if count <= 10 else 0.4), f"it has {count} different values"


def _parent(column: ColumnProfile) -> tuple[float, str]:
    if column.average_length > 80:
        return 0.3, "its texts are long"
    repeats = 1.0 - column.uniqueness
    if column.filled > FEW_ROWS and repeats < 0.1:
        return 0.75, "hardly a value comes twice"
    return 1.0, f"{len(column.distinct)} different values in {column.filled} rows"


def _any(column: ColumnProfile) -> tuple[float, str]:
    return 1.0, f"{len(column.distinct)} different values"


def _url(column: ColumnProfile) -> tuple[float, str]:
    return _share(column, column.share("url", "code"), "addresses or codes")


_FITS: Mapping[Role, Callable[[ColumnProfile], tuple[float, str]]] = {
    "title": _title,
    "description": _description,
    "short_description": _description,
    "price": _quantities,
    "compare_price": _compared,
    "sale_price": _reduced,
    "cost": _quantities,
    "sale_begins": _dates,
    "sale_ends": _dates,
    "sale_dates": _any,
    "stock": _stock,
    "availability": _availability,
    "pictures": _pictures,
    "ean": _ean,
    "sku": _sku,
    "mpn": _option,
    "product_id": _sku,
    "parent_id": _parent,
    "option_name": _option,
    "option_value": _option,
    "color": _option,
    "size": _option,
    "material": _option,
    "brand": _brand,
    "weight": _measure,
    "weight_unit": _state,
    "length": _measure,
    "width": _measure,
    "height": _measure,
    "dimensions": _any,
    "category": _category,
    "currency": _currency,
    "status": _state,
    "visibility": _state,
    "url": _url,
}


def _by_values(column: ColumnProfile) -> Iterator[Guess]:
    """What values say without a name's help."""
    if not column.examined:
        return
    if column.share("barcode") >= 0.9 and column.uniqueness > 0.5:
        yield Guess("ean", 0.7, f"its values are barcodes ({column.share('barcode'):.0%})")
    if column.share("image") >= 0.8:
        yield Guess("pictures", 0.75, "its values are addresses of pictures")
    if column.share("currency_code") >= FITS and len(column.distinct) <= FEW_ROWS:
        yield Guess("currency", 0.7, "its values are currency codes")
    if column.share("html") >= 0.5:
        yield Guess("description", 0.5, "its values are HTML")
    if column.share("amount_mark") >= 0.9:
        yield Guess("price", 0.5, "its values are amounts with a currency")
    if column.share("path") >= 0.8 and column.uniqueness < 0.7 and not column.share("date", "url"):
        yield Guess("category", 0.45, "its values are paths of several steps")
    is_title = 12 <= column.average_length <= 150 and column.share("words") >= 0.9
    if is_title and column.uniqueness >= 0.8 and column.filled > FEW_ROWS:
        yield Guess("title", 0.4, "its values are texts of a title's length, hardly one twice")
