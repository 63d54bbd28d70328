"""A product's package: its weight, its lengths, the days until it is sent (M3.10, M3.13). Pure."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import ROUND_CEILING, ROUND_HALF_UP, Decimal

from catalog_service.categories.schema import rule_of
from catalog_service.feeds.compile import Matches
from catalog_service.feeds.configuration import Units
from catalog_service.feeds.matching import ANY_ROW, MatchFailed, Row
from catalog_service.feeds.quantities import QuantityInvalid, Written, read_measure, read_whole
from catalog_service.normalizing.fixed import Fixed
from common.errors import Issue, Refuser

KILOGRAMS = {
    **dict.fromkeys(("kg", "kgs", "kilogram", "kilograms"), Decimal(1)),
    **dict.fromkeys(("g", "gram", "grams"), Decimal("0.001")),
    **dict.fromkeys(("lb", "lbs", "pound", "pounds"), Decimal("0.45359237")),
    **dict.fromkeys(("oz", "ounce", "ounces"), Decimal("0.028349523125")),
}
CENTIMETRES = {
    **dict.fromkeys(("cm", "centimetre", "centimetres"), Decimal(1)),
    **dict.fromkeys(("mm", "millimetre", "millimetres"), Decimal("0.1")),
    **dict.fromkeys(("m", "metre", "metres"), Decimal(100)),
    **dict.fromkeys(("in", "inch", "inches", '"'), Decimal("2.54")),
}
_GRAM = Decimal("0.001")
HEAVIEST_KG = 500
LONGEST_CM = 700
MOST_DAYS = 60


@dataclass(frozen=True)
class Package:
    """A package as AliExpress takes it; what is missing or unusable is 0, and has its issue.

    Weight in kilograms as decimal text, lengths in whole centimetres.
    """

    weight_kg: str
    length_cm: int
    width_cm: int
    height_cm: int
    preparation_days: int


def read_package(
    units: Units, matches: Matches, row: Row, fixed: Fixed
) -> tuple[Package, list[Issue]]:
    """The package of a product's row, and what is wrong with it; what is `fixed` is not read."""
    draft = _Draft(units, matches, row)
    weight = draft.weight(_WEIGHT) if fixed.weight_kg is None else fixed.weight_kg
    whole = {
        name: fixed.whole[name] if name in fixed.whole else read(draft, name)
        for name, read in _WHOLE.items()
    }
    package = Package(
        weight_kg=weight,
        length_cm=whole["package_length"],
        width_cm=whole["package_width"],
        height_cm=whole["package_height"],
        preparation_days=whole["shipping_preparation_time"],
    )
    return package, draft.issues


def fixed_measures(units: Units, matches: Matches) -> tuple[str | None, dict[str, int]]:
    """The weight, and the whole measures, that constants give without any issue."""
    constant = {name for name, match in matches.attributes.items() if match.is_constant}
    whole = {}
    for name, read in _WHOLE.items():
        draft = _Draft(units, matches, ANY_ROW)
        value = read(draft, name) if name in constant else 0
        if value and not draft.issues:
            whole[name] = value
    draft = _Draft(units, matches, ANY_ROW)
    weight = draft.weight(_WEIGHT) if _WEIGHT in constant else None
    return None if draft.issues else weight, whole


class _Draft:
    """A package in the making."""

    def __init__(self, units: Units, matches: Matches, row: Row) -> None:
        self._units = units
        self._matches = matches
        self._row = row
        self.issues: list[Issue] = []

    def weight(self, name: str) -> str:
        given = self._given(name)
        kilograms = self._measure(name, given, KILOGRAMS, self._units.weight)
        rounded = kilograms.quantize(_GRAM, ROUND_HALF_UP)
        if kilograms and not _GRAM <= rounded <= HEAVIEST_KG:
            self._complain(
                name,
                f"the package weighs {rounded} kg; {_GRAM} to {HEAVIEST_KG} are taken",
                "Check the value and the feed's units.weight.",
                given,
            )
        return str(rounded)

    def length(self, name: str) -> int:
        given = self._given(name)
        measure = self._measure(name, given, CENTIMETRES, self._units.length)
        centimetres = int(measure.to_integral_value(ROUND_CEILING))
        if measure and not 1 <= centimetres <= LONGEST_CM:
            self._complain(
                name,
                f"the package measures {centimetres} cm; 1 to {LONGEST_CM} are taken",
                "Check the value and the feed's units.length.",
                given,
            )
        return centimetres

    def days(self, name: str) -> int:
        given = self._given(name)
        if given is None:
            return 0
        remedy = f"Send whole days, 1 to {MOST_DAYS}."
        try:
            days = read_whole(given, self._units.decimal)
        except QuantityInvalid as invalid:
            self._complain(name, f"{name} is unusable: {invalid}", remedy, given)
            return 0
        if not 1 <= days <= MOST_DAYS:
            self._complain(name, f"{days} days; 1 to {MOST_DAYS} are taken", remedy, given)
        return days

    def _measure(
        self, name: str, given: Written | None, units: Mapping[str, Decimal], unit: str
    ) -> Decimal:
        """The measure in the base unit, above 0; 0 where it is missing or unusable."""
        if given is None:
            return Decimal(0)
        try:
            measure = read_measure(given, self._units.decimal, units=units, unit=unit)
        except QuantityInvalid as invalid:
            example = f"1{self._units.decimal}5 {unit}"
            remedy = f"Send a number in {unit}, or one with its unit, such as {example}."
            # Below 1 a number of two readings is a weight, but no length.
            is_taken = name == _WEIGHT and invalid.number is not None and invalid.number > 0
            self._complain(
                name,
                f"{name} is unusable: {invalid}",
                remedy,
                given,
                refused_by="channel" if is_taken else "aliexpress",
            )
            return Decimal(0)
        if measure <= 0:
            self._complain(name, f"{name} is not above 0", "Send a number above 0.", given)
            return Decimal(0)
        return measure

    def _given(self, name: str) -> Written | None:
        """What the match gives for a number; None, with an issue, where that is nothing."""
        match = self._matches.attributes.get(name)
        if match is None:
            self._miss(name, "it has no match")
            return None
        try:
            given = match.quantity(self._row)
        except MatchFailed as failure:
            self._complain(name, str(failure), "Correct the match, or give it a default.")
            return None
        if given is None:
            self._miss(name, f"{match.origin} gives nothing")
        return given

    def _miss(self, name: str, why: str) -> None:
        remedy = "Fill it in the catalogue, or give the match a default."
        self._complain(name, f"{name} is missing ({why})", remedy)

    def _complain(
        self,
        name: str,
        message: str,
        remedy: str,
        value: Written | None = None,
        *,
        refused_by: Refuser = "aliexpress",
    ) -> None:
        shown = None if value is None else str(value)[:300]
        self.issues.append(
            Issue(rule_of(name), name, message, remedy, value=shown, refused_by=refused_by)
        )


_WEIGHT = "package_weight"
_WHOLE: Mapping[str, Callable[[_Draft, str], int]] = {
    "package_length": _Draft.length,
    "package_width": _Draft.length,
    "package_height": _Draft.length,
    "shipping_preparation_time": _Draft.days,
}
