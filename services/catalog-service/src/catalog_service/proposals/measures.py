"""In which unit a column's numbers are: its name says so, each value, a column beside it, or
nothing. Pure."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from statistics import median

from catalog_service.describing.guess import Guess
from catalog_service.describing.names import is_weight_unit, plain_name, unit_named
from catalog_service.describing.shapes import number_of, unit_of
from catalog_service.normalizing.package import CENTIMETRES, KILOGRAMS
from catalog_service.proposals.draft import SURE, Draft
from catalog_service.proposals.texts import field_expression
from catalog_service.proposals.yaml_lines import Value

GRAMS_ABOVE = 60.0
"""A median weight above this is rather in grams than in kilograms."""
LEAST_UNITS = 0.5
"""The share of a column's rows that have to be units for it to be one of units."""
_NAMES_OF_UNITS = (
    *("unit", "uom", "einheit", "eenheid", "unidad", "jednostk", "единиц", "birim"),
    *("measure", "unidade"),
)
_NEAR = 3
"""So many columns behind a length its unit may stand: width and height are between them."""


@dataclass(frozen=True)
class FoundUnit:
    """A column's unit, how sure, and why; how many rows are read by it for want of their own.

    `beside` is the column in which rows have units of their own that differ, or that few have.
    """

    unit: str
    sure: float
    why: str
    bare: int = 0
    beside: str | None = None

    @property
    def is_active(self) -> bool:
        """Whether it can stand as it is: it is sure, or no row is read by it."""
        return self.sure >= SURE or not self.bare


def find_unit(draft: Draft, name: str, guess: Guess, *, is_weight: bool) -> FoundUnit | None:
    """The unit of a column of weights or lengths."""
    if guess.unit is not None and is_weight_unit(guess.unit) == is_weight:
        return FoundUnit(guess.unit, 0.95, f"the name {name!r} says so")
    profile = draft.description.columns[name]
    written = _written(profile.distinct, is_weight=is_weight)
    if written.total() >= profile.filled:
        unit, count = written.most_common(1)[0]
        return FoundUnit(unit, 0.9, f"every value has a unit behind its number, {count} this one")
    column = _unit_column(draft, name, is_weight=is_weight)
    if column is not None:
        return _by_column(draft, name, column, is_weight=is_weight)
    if written:
        return _by_values(draft, name, written, is_weight=is_weight)
    if not is_weight:
        return FoundUnit("cm", 0.5, "nothing says the unit", profile.filled)
    return _by_size(draft, name, profile.texts, profile.filled)


def _written(values: Mapping[str, int], *, is_weight: bool) -> Counter[str]:
    """How many rows have each unit behind their number."""
    counts: Counter[str] = Counter()
    for text, count in values.items():
        unit = unit_of(text)
        if unit is not None and is_weight_unit(unit) == is_weight:
            counts[unit] += count
    return counts


def _by_values(draft: Draft, name: str, written: Counter[str], *, is_weight: bool) -> FoundUnit:
    """Some values have a unit, and others are read by the one that is found here."""
    profile = draft.description.columns[name]
    unit, count = written.most_common(1)[0]
    bare = profile.filled - written.total()
    sure = round(0.9 * count / profile.filled, 2)
    why = f"{count} of {profile.filled} values have it behind their number, {bare} have no unit"
    if sure < SURE and is_weight:
        texts = [text for text in profile.texts if unit_of(text) is None]
        by_size = _by_size(draft, name, texts, bare)
        if by_size is not None:
            why = f"{bare} of {profile.filled} values have no unit; {by_size.why}"
            return FoundUnit(by_size.unit, min(sure, by_size.sure), why, bare)
    return FoundUnit(unit, sure, why, bare)


def _by_size(draft: Draft, name: str, texts: Iterable[str], rows: int) -> FoundUnit | None:
    sign = draft.description.decimal.sign
    numbers = [number for text in texts if (number := number_of(text, sign))]
    if not numbers:
        return None
    middle = median(numbers)
    unit = "g" if middle > GRAMS_ABOVE else "kg"
    why = f"only the size of the numbers of {name!r} says so: half of them are below {middle:g}"
    return FoundUnit(unit, 0.5, why, rows)


def _by_column(draft: Draft, name: str, column: str, *, is_weight: bool) -> FoundUnit:
    """The unit that most rows have in the column; `beside` where others have another."""
    numbers, units = draft.description.columns[name], draft.description.columns[column]
    counts = _units_in(units.distinct)
    known = [(n, unit) for unit, n in counts.items() if unit and is_weight_unit(unit) == is_weight]
    count, unit = max(known)
    sure = round(0.95 * min(1.0, count / numbers.filled), 2)
    bare = max(numbers.filled - units.filled, 0)
    differs = len(counts) > 1 or sure < SURE
    own = "; rows with another have it behind their number" if differs else ""
    why = f"the column {column!r} says so in {count} rows{own}"
    return FoundUnit(unit, sure, why, bare, column if differs else None)


def _units_in(values: Mapping[str, int]) -> Counter[str | None]:
    """How many rows name each unit; None stands for words that are none."""
    counts: Counter[str | None] = Counter()
    for word, count in values.items():
        counts[unit_named(word)] += count
    return counts


def _unit_column(draft: Draft, name: str, *, is_weight: bool) -> str | None:
    """The column that has the units of another: by its name or its place, and by its values."""
    found = list(_unit_columns(draft, name, is_weight=is_weight))
    return max(found, key=lambda column: _words_in(column, name), default=None)


def _unit_columns(draft: Draft, name: str, *, is_weight: bool) -> Iterator[str]:
    columns = draft.description.columns
    names = list(columns)
    place = names.index(name)
    near = names[place + 1 : place + 1 + (1 if is_weight else _NEAR)]
    for column, profile in columns.items():
        if column == name or not profile.filled:
            continue
        is_own = column in near or _is_alike(column, name, is_weight=is_weight)
        if not (is_own and _is_named_for_units(column)):
            continue
        counts = _units_in(profile.distinct)
        fitting = sum(n for unit, n in counts.items() if unit and is_weight_unit(unit) == is_weight)
        if fitting >= LEAST_UNITS * profile.filled:
            yield column


def _is_named_for_units(column: str) -> bool:
    plain = plain_name(column)
    return any(word in plain for word in _NAMES_OF_UNITS)


def _is_alike(column: str, name: str, *, is_weight: bool) -> bool:
    """Whether a column of units is named for what the other column holds."""
    is_of_all_sides = not is_weight and "dimension" in plain_name(column)
    return is_of_all_sides or _words_in(column, name) > 0


def _words_in(column: str, name: str) -> int:
    """How many words of a name stand in another, also within a word of it."""
    plain = plain_name(column)
    return sum(len(word) > 2 and word in plain for word in plain_name(name).split())


def measure_template(name: str, unit: str) -> Mapping[str, Value]:
    """A number with its unit behind it, unless it has one; `unit` is an expression."""
    number = f"{field_expression(name)} | default('', true) | string | trim"
    is_bare = f"({number}) and ({number} | last) in '0123456789'"
    return {"template": f"{{{{ ({number}) ~ ' ' ~ ({unit}) if {is_bare} else ({number}) }}}}"}


def unit_expression(draft: Draft, column: str, *, is_weight: bool) -> str:
    """A row's unit in a template, in a word that weights and lengths are read with."""
    word = f"{field_expression(column)} | default('', true) | string | trim | lower"
    readable = KILOGRAMS if is_weight else CENTIMETRES
    others = {
        folded: unit
        for text in draft.description.columns[column].distinct
        if (folded := text.strip().lower()) not in readable and (unit := unit_named(text))
    }
    if not others:
        return word
    table = ", ".join(f"'{folded}': '{unit}'" for folded, unit in sorted(others.items()))
    return f"{{{table}}}[{word}] | default({word})"
