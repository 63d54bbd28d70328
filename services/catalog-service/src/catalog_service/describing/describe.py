"""What a catalogue seems to be: its columns, its families, how it writes numbers. Pure."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from catalog_service.describing.amounts import CurrencyGuess, find_currency
from catalog_service.describing.decimals import DecimalGuess, Writing, find_decimal
from catalog_service.describing.families import FamilyGuess, find_families
from catalog_service.describing.formats import (
    COLUMNS,
    CatalogueFormat,
    documented_name,
    format_of,
)
from catalog_service.describing.guess import Guess, guesses_of
from catalog_service.describing.languages import find_locale
from catalog_service.describing.profile import ColumnProfile
from catalog_service.describing.vocabulary import Role
from common.contracts.catalog import FieldValue

MOST_ROWS = 20_000
MOST_CELLS = 1_000_000
MOST_COLUMNS = 1_000
KEPT_ROWS = 500
"""Rows kept whole, for what concerns several columns."""
TEXTS_READ = 200
LEAST_SURE = 0.3
READERS_OF_FAMILIES = frozenset({"shopify", "woocommerce", "google", "magento"})

_MEASURES: frozenset[Role] = frozenset({"weight", "length", "width", "height"})
_AMOUNTS: frozenset[Role] = frozenset({"price", "sale_price", "compare_price", "cost"})

_TEXTS: frozenset[Role] = frozenset({"title", "description", "short_description"})


class DescribedRow(NamedTuple):
    """A row as it was read; `parent_id` where the format's reader has found it."""

    fields: Mapping[str, FieldValue]
    parent_id: str | None = None


@dataclass(frozen=True)
class Description:
    """What was found of a catalogue; `columns` and `guesses` by name, in the file's order."""

    format: CatalogueFormat
    rows: int
    is_partial: bool
    columns: Mapping[str, ColumnProfile]
    guesses: Mapping[str, Sequence[Guess]]
    families: FamilyGuess
    decimal: DecimalGuess
    currency: CurrencyGuess | None
    locale: tuple[str, float, str] | None
    kept: Sequence[DescribedRow]

    def fill_rate(self, name: str) -> float:
        """The share of rows in which the column has a value."""
        return self.columns[name].filled / self.rows if self.rows else 0.0

    def usual_fill(self, name: str) -> float:
        """The share in which the column has a value, of the rows that can have one.

        A family's content stands in its parent, its offers in its children: the better of the two
        counts, and rows of no family count as parents.
        """
        rate = self.fill_rate(name)
        column, children = self.columns[name], self.families.children
        if not 0 < children < self.rows:
            return rate
        in_children = min(column.filled_in_children, children)
        in_others = min(column.filled - in_children, self.rows - children)
        return max(rate, in_children / children, in_others / (self.rows - children))

    def lacking_of_families(self, name: str) -> int:
        """How many rows have nothing in a column that children take from their parents."""
        column = self.columns[name]
        others = self.rows - self.families.children
        return max(others - (column.filled - column.filled_in_children), 0)

    def candidates(self, *roles: Role) -> list[tuple[str, Guess]]:
        """The filled columns that may have the role, the likeliest first."""
        documented = list(COLUMNS.get(self.format, {}))
        found = [
            (name, guess)
            for name, each in self.guesses.items()
            for guess in each
            if guess.role in roles and self.columns[name].filled
        ]

        def rank(candidate: tuple[str, Guess]) -> tuple[float, int]:
            name, guess = candidate
            known = documented_name(self.format, name)
            place = documented.index(known) if known in documented else len(documented)
            is_main = guess is self.guesses[name][0]
            weight = (0.6 + 0.4 * self.usual_fill(name)) * (1.0 if is_main else 0.7)
            return -round(guess.sure * weight, 2), place

        return sorted(found, key=rank)

    def best(self, *roles: Role) -> tuple[str, Guess] | None:
        """The column that likeliest has the role."""
        return next(iter(self.candidates(*roles)), None)


class Describer:
    """Takes rows one by one, with bounded memory, and describes them."""

    def __init__(
        self, read_as: str, columns: Sequence[str] | None = None, *, delimiter: str | None = None
    ) -> None:
        """`columns` are a table's, so that empty ones are named too; `delimiter` divides them."""
        self._read_as = read_as
        self._delimiter = delimiter
        self._columns = {name: ColumnProfile(name) for name in columns or ()}
        self._kept: list[DescribedRow] = []
        self._cells = 0
        self._children = 0
        self.rows = 0
        self.is_partial = False

    def add(self, row: DescribedRow) -> bool:
        """Count the row; False where it was one too many, and not counted."""
        if self.rows == MOST_ROWS or self._cells > MOST_CELLS:
            self.is_partial = True
            return False
        self.rows += 1
        self._children += row.parent_id is not None
        self._cells += len(row.fields)
        if len(self._kept) < KEPT_ROWS:
            self._kept.append(row)
        for name, value in row.fields.items():
            column = self._columns.get(name)
            if column is None and len(self._columns) < MOST_COLUMNS:
                column = self._columns[name] = ColumnProfile(name)
            if column is not None:
                column.add(value, is_child=row.parent_id is not None)
        return True

    def result(self) -> Description:
        """What the rows are."""
        found = format_of(self._read_as, self._columns)
        guesses = {name: guesses_of(column, found) for name, column in self._columns.items()}
        mains = {name: g[0] for name, g in guesses.items() if g and g[0].sure >= LEAST_SURE}
        columns = self._columns
        amounts = _of_roles(columns, mains, _AMOUNTS)
        named = _named(mains, "currency")
        currency = find_currency(amounts, columns[named] if named is not None else None)
        locale = find_locale(_texts(columns, mains))
        families = self._families(guesses, _named(mains, "title"))
        self._count_children(families)
        return Description(
            format=found,
            rows=self.rows,
            is_partial=self.is_partial,
            columns=columns,
            guesses=guesses,
            families=families,
            decimal=find_decimal(
                amounts,
                _of_roles(columns, mains, _MEASURES),
                Writing(
                    locale[0] if locale is not None else None,
                    currency.code if currency is not None else None,
                    self._delimiter,
                ),
            ),
            currency=currency,
            locale=locale,
            kept=self._kept,
        )

    def _families(self, guesses: Mapping[str, Sequence[Guess]], title: str | None) -> FamilyGuess:
        if self._read_as in READERS_OF_FAMILIES:
            why = f"the reader of {self._read_as} files finds families by itself"
            return FamilyGuess("read", None, None, self._children, 0.98, why)
        kept = [row.fields for row in self._kept]
        return find_families(self._columns, guesses, title=title, rows=self.rows, kept=kept)

    def _count_children(self, families: FamilyGuess) -> None:
        """What children fill, where the rows alone tell them: by the rows that were kept."""
        parent = families.parent_field
        if families.kind != "parents" or parent is None:
            return
        kept = [row for row in self._kept if _is_child(row, families.id_field, parent)]
        for name, column in self._columns.items():
            filled = sum(_is_filled(row.fields.get(name)) for row in kept)
            share = filled / len(kept) if kept else 0.0
            column.filled_in_children = min(round(share * families.children), column.filled)


def _is_child(row: DescribedRow, id_field: str | None, parent_field: str) -> bool:
    """Whether the row names a parent other than itself."""
    named = row.fields.get(parent_field)
    return _is_filled(named) and (id_field is None or row.fields.get(id_field) != named)


def _is_filled(value: FieldValue) -> bool:
    return value is not None and str(value).strip() not in {"", "[]"}


def describe(
    rows: Iterable[DescribedRow], read_as: str, columns: Sequence[str] | None = None
) -> Description:
    """Describe the first rows of a catalogue that was read as `read_as`."""
    describer = Describer(read_as, columns)
    for row in rows:
        if not describer.add(row):
            break
    return describer.result()


def _named(mains: Mapping[str, Guess], role: Role) -> str | None:
    return next((name for name, guess in mains.items() if guess.role == role), None)


def _of_roles(
    columns: Mapping[str, ColumnProfile], mains: Mapping[str, Guess], roles: frozenset[Role]
) -> list[ColumnProfile]:
    return [columns[name] for name, guess in mains.items() if guess.role in roles]


def _texts(columns: Mapping[str, ColumnProfile], mains: Mapping[str, Guess]) -> Iterator[str]:
    """Titles and descriptions that no language is named for."""
    for name, guess in mains.items():
        if guess.role in _TEXTS and guess.locale is None:
            yield from columns[name].texts[:TEXTS_READ]
