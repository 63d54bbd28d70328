"""Proposed units, package and delivery: what a shop's templates and a parcel ask for. Pure."""

from collections.abc import Mapping, Sequence
from statistics import median

from catalog_service.describing.decimals import other_sign
from catalog_service.describing.guess import Guess
from catalog_service.describing.shapes import number_of
from catalog_service.describing.vocabulary import Role
from catalog_service.proposals.draft import SURE, Draft, reason
from catalog_service.proposals.measures import (
    FoundUnit,
    find_unit,
    measure_template,
    unit_expression,
)
from catalog_service.proposals.yaml_lines import Value

_SIDES: tuple[tuple[str, Role], ...] = (
    ("package_length", "length"),
    ("package_width", "width"),
    ("package_height", "height"),
)
_LENGTHS: tuple[Role, ...] = ("length", "width", "height")


def put_units(draft: Draft) -> None:
    """Decimal sign and units as the data show them; the time zone is left open."""
    decimal = draft.description.decimal
    draft.section("units")
    draft.put("decimal", decimal.sign, 2, why=f"guess, {decimal.sure:.2f} sure: {decimal.why}")
    draft.wait(
        decimal.against,
        "units.decimal",
        "numbers that can only be read with the other decimal sign",
        "Write all numbers of the catalogue alike.",
    )
    _wait_for_doubts(draft)
    _put_unit(draft, "weight", weight_column(draft))
    _put_unit(draft, "length", draft.sure_column(*_LENGTHS))
    draft.offer("time_zone", "UTC", 2, why="OPEN: what dates without a zone mean")


def _wait_for_doubts(draft: Draft) -> None:
    """Numbers that are a thousand times others by the other decimal sign."""
    decimal = draft.description.decimal
    doubt = decimal.doubt
    if doubt is None:
        return
    sign, other = decimal.sign, other_sign(decimal.sign)
    draft.wait(
        doubt.rows,
        "units.decimal",
        f"{doubt.what} such as {doubt.example!r} may be read in two ways, 1000 times apart:"
        f" {number_of(doubt.example, sign):g} with {sign!r} as it stands there,"
        f" {number_of(doubt.example, other):g} with {other!r}",
        "Set units.decimal to the sign before the catalogue's decimals.",
    )


def weight_column(draft: Draft) -> tuple[str, Guess] | None:
    """The column of weights; one that is 0 throughout says none (as shops export what nobody
    filled)."""
    column = draft.sure_column("weight")
    if column is None or _zeros(draft, column[0]) == draft.description.columns[column[0]].filled:
        return None
    return column


def _put_unit(draft: Draft, key: str, column: tuple[str, Guess] | None) -> None:
    """The unit of numbers that have none of their own; rows that are read by it, unsure, wait."""
    if column is None:
        return
    is_weight = key == "weight"
    found = find_unit(draft, *column, is_weight=is_weight)
    if found is None:
        return
    if found.is_active:
        draft.put(key, found.unit, 2, why=f"guess, {found.sure:.2f} sure: {found.why}")
    else:
        why = f"unsure, {found.sure:.2f}: {found.why}; without a line it is the default"
        draft.offer(key, found.unit, 2, why=why)
    draft.wait(
        found.bare,
        f"units.{key}",
        f"the unit of {column[0]!r} is not sure in rows that name none",
        "Say in which unit it is: kg, g, lb, oz." if is_weight else "Say it: cm, mm, m, in.",
    )


def put_package(draft: Draft) -> None:
    """Weight and sides of the parcel; what no column has is left open."""
    weight = weight_column(draft)
    if weight is None:
        _offer_weight(draft)
    else:
        _put_weight(draft, *weight)
    lacking_sides = [key for key, role in _SIDES if not _put_side(draft, key, role)]
    draft.wait(
        draft.rows if lacking_sides else 0,
        "attributes.package_length",
        f"no column is surely {', '.join(lacking_sides)}",
        "Name the columns, or give one size for all: {constant: 30}.",
    )


def _offer_weight(draft: Draft) -> None:
    why = "OPEN: no column is surely a weight"
    empty = draft.sure_column("weight")
    if empty is not None:
        why += f"; {empty[0]!r} is 0 in every row"
    draft.offer("package_weight", {"constant": 0.5}, 2, why=why)
    draft.wait(
        draft.rows,
        "attributes.package_weight",
        "no column is surely a weight",
        "Name the column, or give one weight for all: {constant: 0.5}.",
    )


def _put_weight(draft: Draft, name: str, guess: Guess) -> None:
    """The column; where rows have no weight, or 0, a line that gives them one is left to take."""
    zeros = _zero_words(draft, name)
    without = draft.lacking(name) + _zeros(draft, name)
    own = _with_own_units(draft, name, guess)
    draft.put("package_weight", own or {"field": name}, 2, why=_reason(guess, own))
    if own is None and without:
        _offer_usual_weight(draft, name, zeros)
    draft.wait(
        without,
        "attributes.package_weight",
        f"rows without a weight above 0 in {name!r}",
        "Fill them, or take the line with a default."
        if own is None
        else "Fill them, or give the match a default with its unit: 300 g.",
    )


def _offer_usual_weight(draft: Draft, name: str, zeros: Sequence[str]) -> None:
    usual = _usual_weight(draft, name)
    match: dict[str, Value] = {"field": name, "default": usual}
    if zeros:
        values = dict.fromkeys(zeros, usual)
        match = {"map": {"from": name, "values": values, "keep": True}, "default": usual}
    why = "OPEN: or with a weight for the rows without one; half of the others weigh less"
    draft.offer("package_weight", match, 2, why=why)


def _with_own_units(draft: Draft, name: str, guess: Guess) -> Mapping[str, Value] | None:
    """A match that puts each row's unit behind its number; None where `units` says it for all."""
    is_weight = guess.role == "weight"
    found = find_unit(draft, name, guess, is_weight=is_weight)
    if found is None:
        return None
    if found.beside is not None:
        unit = unit_expression(draft, found.beside, is_weight=is_weight)
        return measure_template(name, unit)
    usual = _usual_unit(draft) if not is_weight else found.unit
    return measure_template(name, f"'{found.unit}'") if _is_other(found, usual) else None


def _is_other(found: FoundUnit, usual: str) -> bool:
    """Whether a column's unit is surely another than the one of `units`."""
    return found.sure >= SURE and found.unit != usual


def _usual_unit(draft: Draft) -> str:
    """What lengths without a unit are read in."""
    column = draft.sure_column(*_LENGTHS)
    found = None if column is None else find_unit(draft, *column, is_weight=False)
    return found.unit if found is not None and found.is_active else "cm"


def _reason(guess: Guess, own: Mapping[str, Value] | None) -> str:
    return reason(guess) if own is None else f"{reason(guess)}; with its own unit behind it"


def _usual_weight(draft: Draft, name: str) -> float:
    sign = draft.description.decimal.sign
    texts = draft.description.columns[name].texts
    numbers = [number for text in texts if (number := number_of(text, sign))]
    return round(median(numbers), 3) if numbers else 0.5


def _put_side(draft: Draft, key: str, role: Role) -> bool:
    column = draft.sure_column(role)
    if column is None:
        draft.offer(key, {"constant": 20}, 2, why=f"OPEN: no column is surely a {role}")
        return False
    name, guess = column
    own = _with_own_units(draft, name, guess)
    draft.put(key, own or {"field": name}, 2, why=_reason(guess, own))
    draft.wait(
        draft.lacking(name),
        f"attributes.{key}",
        f"rows without a {role} in {name!r}; a family has its parent's",
        "Fill them, or give the match a default.",
    )
    return True


def _zeros(draft: Draft, name: str) -> int:
    distinct = draft.description.columns[name].distinct
    return sum(distinct[word] for word in _zero_words(draft, name))


def _zero_words(draft: Draft, name: str) -> list[str]:
    """The spellings of 0 in a column."""
    sign = draft.description.decimal.sign
    words = draft.description.columns[name].distinct
    return [word for word in words if number_of(word, sign) == 0]


def put_terms(draft: Draft) -> None:
    """What is agreed with the shop and stands in no file: usual values, and open points."""
    draft.put(
        "product_units_type",
        {"constant": "piece/pieces"},
        2,
        why="assumed, not from the file: the usual unit (M3.2)",
    )
    draft.put(
        "service_template_id",
        {"constant": "0"},
        2,
        why="assumed, not from the file: returns and refund by default (M3.10)",
    )
    for key, value, what in (
        (
            "inventory_deduction_strategy",
            "place_order_withhold",
            "or payment_success_deduct (M3.4)",
        ),
        ("shipping_preparation_time", 3, "days from the order to the parcel (M3.10)"),
        ("shipping_template_id", "name or id", "one of the shop's freight templates (M3.10)"),
    ):
        draft.offer(key, {"constant": value}, 2, why=f"OPEN: {what}")
        draft.wait(draft.rows, f"attributes.{key}", f"{key} is open: {what}", "Decide it.")
