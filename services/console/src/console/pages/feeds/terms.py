"""The settings of a feed as a form shows and changes them: what stands in no file, mostly. Pure.

A term is one attribute that is usually the same for all products, such as the freight template. One
that a column fills keeps its column: what is typed is then for the products without a value.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import msgspec

from console.forms import Form
from console.services import FieldProblem, Problem
from console.texts import N_

Document = Mapping[str, Any]
Kind = Literal["text", "number", "choice"]


@dataclass(frozen=True)
class Term:
    """An attribute, what it is called, and where a shop's choices for it stand in its options."""

    name: str
    label: str
    hint: str = ""
    choices: str = ""
    kind: Kind = "text"


TERMS = (
    Term(
        "shipping_template_id",
        N_("Freight template"),
        N_("What delivery costs and where to: one of the shop's at AliExpress."),
        "shipping_templates",
    ),
    Term("service_template_id", N_("Service template"), choices="service_templates"),
    Term(
        "shipping_preparation_time",
        N_("Days until a parcel leaves"),
        N_("From the order on, 1 at least."),
        kind="number",
    ),
    Term(
        "inventory_deduction_strategy",
        N_("Stock is deducted"),
        choices="inventory_deduction_strategies",
        kind="choice",
    ),
    Term("package_weight", N_("Weight of a parcel"), kind="number"),
    Term("package_length", N_("Length of a parcel"), kind="number"),
    Term("package_width", N_("Width of a parcel"), kind="number"),
    Term("package_height", N_("Height of a parcel"), kind="number"),
    Term(
        "product_units_type",
        N_("What one piece is"),
        N_("Usually piece/pieces."),
        "product_units",
    ),
    Term("product_group_id", N_("Product group"), choices="product_groups"),
    Term("size_chart_id", N_("Size chart"), choices="size_charts"),
)
BY_NAME = {term.name: term for term in TERMS}
STRATEGIES = (
    ("place_order_withhold", N_("when it is ordered")),
    ("payment_success_deduct", N_("when it is paid")),
)
UNITS = {
    "weight": ("kg", "g", "lb", "oz"),
    "length": ("cm", "mm", "m", "in"),
    "decimal": (".", ","),
}
DAYS = "shipping_preparation_time"
MOST_DAYS = 60
WHOLE_DAYS = N_("Type whole days, 1 to 60.")
NUMBER_ABOVE_0 = N_("Type a number above 0, as this feed writes it.")
USUAL = {"weight": "kg", "length": "cm", "decimal": ".", "time_zone": "UTC"}
SWITCHES = {"image_checks": True, "photo_bank": False, "synthesise_parents": False}
_INPUTS = {
    *BY_NAME,
    *SWITCHES,
    "feed",
    "currency",
    "countries",
    "main_locale",
    "title_too_long",
    "document",
}
_CODES = re.compile(r"[,;\s]+")


def values_of(configuration: Document) -> dict[str, str]:
    """What the form's fields hold for this configuration."""
    attributes = _mapping(configuration, "attributes")
    found = {term.name: _typed(_mapping(attributes, term.name)) for term in TERMS}
    units = _mapping(configuration, "units")
    for name, usual in USUAL.items():
        found[f"units_{name}"] = str(units.get(name, usual))
    for name, is_usual in SWITCHES.items():
        given = configuration.get(name, is_usual)
        found[name] = "off" if given in {False, "off"} else "on"
    return found | {
        "currency": str(configuration.get("currency", "")),
        "main_locale": str(configuration.get("main_locale", "")),
        "title_too_long": str(configuration.get("title_too_long", "reject")),
        "countries": ", ".join(map(str, configuration.get("countries") or [])),
    }


def sources_of(configuration: Document) -> dict[str, str]:
    """By what a term is filled that is no constant, in a few words: its column or template."""
    attributes = _mapping(configuration, "attributes")
    found = {}
    for term in TERMS:
        match = _mapping(attributes, term.name)
        if match and "constant" not in match:
            found[term.name] = said_source(match)
    return found


def said_source(match: Document) -> str:
    """What a match takes its value from, as a person wrote it."""
    if "map" in match:
        source = _mapping(match, "map").get("from", "")
        return said_source(source) if isinstance(source, Mapping) else str(source)
    return str(match.get("field") or match.get("template") or "")


def changed(configuration: Document, form: Form) -> dict[str, Any]:
    """The configuration with what the form says; of what it does not name nothing changes."""
    document = dict(configuration)
    attributes = dict(_mapping(document, "attributes"))
    for term in TERMS:
        if form.has(term.name):
            _put(attributes, term.name, _match(attributes.get(term.name), form.text(term.name)))
    units = dict(_mapping(document, "units"))
    for name, usual in USUAL.items():
        typed = form.text(f"units_{name}")
        if typed and typed != str(units.get(name, usual)):
            units[name] = typed
    parts = {"attributes": attributes, "units": units}
    document |= {name: found for name, found in parts.items() if found}
    return document | _switched(document, form) | _named(document, form)


def impossible(document: Document, form: Form) -> Problem | None:
    """What no product could have, at its input: a measure that is no number above 0 in the way the
    feed writes numbers, days that are not whole or not from 1 to 60."""
    sign = re.escape(str(_mapping(document, "units").get("decimal", USUAL["decimal"])))
    measure = re.compile(rf"(?=.*[1-9])[0-9]+(?:{sign}[0-9]+)?\s*[A-Za-z]*")
    typed = {term.name: form.text(term.name) for term in TERMS if term.kind == "number"}
    wrong = [
        FieldProblem(name, WHOLE_DAYS if name == DAYS else NUMBER_ABOVE_0)
        for name, text in typed.items()
        if text and not (_are_days(text) if name == DAYS else measure.fullmatch(text))
    ]
    if not wrong:
        return None
    title = N_("No product could be sent with this")
    remedy = N_("Correct the marked fields; nothing was saved.")
    return Problem(title=title, status=422, remedy=remedy, errors=wrong)


def _are_days(text: str) -> bool:
    return text.isdecimal() and 1 <= int(text[:9]) <= MOST_DAYS


def _switched(document: Document, form: Form) -> dict[str, bool]:
    """The switches that the form sets otherwise; a box that is not ticked sends `off` alone."""
    return {
        name: form.all(name)[-1] == "on"
        for name, usual in SWITCHES.items()
        if form.has(name)
        and (form.all(name)[-1] == "on") != (document.get(name, usual) not in {False, "off"})
    }


def _named(document: Document, form: Form) -> dict[str, Any]:
    """Currency, main language, long titles and countries, as far as the form says them."""
    found: dict[str, Any] = {}
    if form.text("currency"):
        found["currency"] = form.text("currency").upper()
    for name in ("main_locale", "title_too_long"):
        if form.text(name) and form.text(name) != document.get(name, "reject"):
            found[name] = form.text(name)
    if form.has("countries"):
        typed = " ".join(form.all("countries")).upper()
        codes = list(dict.fromkeys(code for code in _CODES.split(typed) if code))
        if codes != (document.get("countries") or []):
            found["countries"] = codes
    return found


def at_its_input(problem: Problem | None) -> Problem | None:
    """The problem, its fields named as the form's inputs are: `attributes.package_weight.constant`
    is what was typed as `package_weight`."""
    if problem is None:
        return None
    return replace_fields(problem, _input_of)


def replace_fields(problem: Problem, named: Callable[[str], str]) -> Problem:
    """The problem with each of its fields named anew."""
    errors = [msgspec.structs.replace(each, field=named(each.field)) for each in problem.errors]
    field = named(problem.field) if problem.field else None
    return msgspec.structs.replace(problem, field=field, errors=errors)


def _input_of(field: str) -> str:
    parts = field.split(".")
    if "units" in parts[:-1]:
        return f"units_{parts[-1]}"
    return next((part for part in reversed(parts) if part in _INPUTS), field)


def _typed(match: Document) -> str:
    value = match.get("constant") if "constant" in match else match.get("default")
    return "" if value is None else str(value)


def _match(match: Any, typed: str) -> dict[str, Any] | None:
    """The match with what was typed: as its constant, or what stands in for its column."""
    known = dict(match) if isinstance(match, Mapping) else {}
    if typed == _typed(known):
        return known or None
    if not known or "constant" in known:
        return {"constant": typed} if typed else None
    known.pop("default", None)
    return {**known, "default": typed} if typed else known


def _put(where: dict[str, Any], name: str, value: Any) -> None:
    if value is None:
        where.pop(name, None)
    else:
        where[name] = value


def _mapping(document: Document, key: str) -> Document:
    found = document.get(key)
    return found if isinstance(found, Mapping) else {}
