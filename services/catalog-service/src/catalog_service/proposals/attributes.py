"""Proposed category attributes and SKU attributes. Pure."""

from collections.abc import Collection, Iterable, Mapping, Sequence

from catalog_service.describing.guess import Guess
from catalog_service.describing.names import meanings_of, plain_name
from catalog_service.describing.vocabulary import Role
from catalog_service.proposals.draft import Draft, RequiredAttribute, reason
from catalog_service.proposals.texts import field_expression
from catalog_service.proposals.yaml_lines import Value

_OF_ATTRIBUTES: Mapping[str, Role] = {"Brand Name": "brand", "Material": "material"}
_OF_SKUS: Mapping[str, Role] = {"Color": "color", "Size": "size"}
MOST_OPTIONS = 10


def put_category_attributes(draft: Draft, required: Sequence[RequiredAttribute]) -> None:
    """Brand and material from their columns, and what the leaves ask for beside."""
    columns: dict[str, tuple[str, Guess]] = {
        name: column
        for name, role in _OF_ATTRIBUTES.items()
        if (column := draft.sure_column(role)) is not None
    }
    open_ones = [each for each in required if not each.is_sku and each.name not in columns]
    if not columns and not open_ones:
        draft.say("OPEN: what the categories ask for is known once they are matched: check again")
        draft.wait(
            draft.rows,
            "category_attributes",
            "what the categories ask for is not known yet",
            "Match the categories, check the configuration, and fill what it names.",
        )
        return
    if columns:
        draft.section("category_attributes")
    else:
        draft.say("category_attributes:")
    for name, (field, guess) in columns.items():
        draft.put(name, {"field": field}, 2, why=reason(guess))
    for each in open_ones:
        _offer_attribute(draft, each)


def _offer_attribute(draft: Draft, each: RequiredAttribute) -> None:
    alike = _column_named(draft.description.columns, each.name)
    allowed = f"; allowed: {', '.join(each.values)} ..." if each.values else ""
    value: Mapping[str, Value] = {"field": alike} if alike else {"constant": "a value"}
    draft.offer(each.name, value, 2, why=f"OPEN: required for {each.products} rows{allowed}")
    draft.wait(
        each.products,
        f"category_attributes.{each.name}",
        f"the required attribute {each.name} has no match",
        "Name its column, or give a constant.",
    )


def _column_named(columns: Iterable[str], attribute: str) -> str | None:
    wanted = plain_name(attribute)
    return next((name for name in columns if plain_name(name) == wanted), None)


def put_sku_attributes(draft: Draft) -> None:
    """What tells children apart: option columns by their names, else colour and size."""
    found = _options(draft) or {
        attribute: ({"field": column[0]}, reason(column[1]))
        for attribute, role in _OF_SKUS.items()
        if (column := draft.sure_column(role)) is not None
    }
    if not found:
        if draft.description.families.children:
            draft.say("OPEN: no column surely tells the variations apart (sku_attributes, M4.2)")
            draft.wait(
                draft.description.families.children,
                "sku_attributes",
                "no column surely tells the variations of a family apart",
                "Name the columns, such as Size: {field: size}.",
            )
        return
    draft.section("sku_attributes")
    draft.say("unknown: alias shows a value that AliExpress does not know by its own name", 2)
    for name, (value, why) in list(found.items())[:MOST_OPTIONS]:
        draft.put(name, {**value, "unknown": "alias"}, 2, why=why)


def _options(draft: Draft) -> dict[str, tuple[Mapping[str, Value], str]]:
    """The options that columns of names and values give (Shopify), or that a column each has
    (WooCommerce)."""
    columns = draft.description.columns
    prefix = "Attribute: "
    own: dict[str, tuple[Mapping[str, Value], str]] = {
        _attribute(name.removeprefix(prefix)): ({"field": name}, "an attribute of the export")
        for name in columns
        if name.startswith(prefix) and columns[name].filled
    }
    return own or _named_options(draft)


def _named_options(draft: Draft) -> dict[str, tuple[Mapping[str, Value], str]]:
    columns = draft.description.columns
    pairs = [
        (f"Option{number} Name", f"Option{number} Value")
        for number in (1, 2, 3)
        if f"Option{number} Name" in columns and columns[f"Option{number} Value"].filled
    ]
    places: dict[str, list[tuple[str, str, str]]] = {}
    for name_column, value_column in pairs:
        for spelling in columns[name_column].distinct:
            if spelling.casefold() != "title":
                place = (spelling, name_column, value_column)
                places.setdefault(_attribute(spelling), []).append(place)
    return {
        attribute: (_option_match(draft, each), _option_reason(each))
        for attribute, each in places.items()
    }


def _option_reason(places: Collection[tuple[str, str, str]]) -> str:
    names = ", ".join(sorted({name_column for _, name_column, _ in places}))
    return f"guess, 0.90 sure: an option's name in {names}"


def _option_match(draft: Draft, places: Sequence[tuple[str, str, str]]) -> Mapping[str, Value]:
    """The value beside the option's name, in whichever pair of columns it stands."""
    spelling, name_column, value_column = places[0]
    if len(places) == 1 and len(draft.description.columns[name_column].distinct) == 1:
        return {"field": value_column}
    text = "''"
    for spelling, name_column, value_column in reversed(places):
        is_it = f"{field_expression(name_column)} | default('') == {_quoted(spelling)}"
        text = f"({field_expression(value_column)} | default('')) if ({is_it}) else ({text})"
    return {"template": "{{ " + text + " }}"}


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"


def _attribute(option: str) -> str:
    """AliExpress's name of an option: colours and sizes have one in every language."""
    for meaning in meanings_of(option):
        if meaning.role == "color":
            return "Color"
        if meaning.role == "size":
            return "Size"
    return option.strip()[:200] or "Option"
