"""Proposed category attributes and SKU attributes. Pure."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from itertools import combinations

from catalog_service.describing.describe import DescribedRow
from catalog_service.describing.guess import Guess
from catalog_service.describing.names import meanings_of, plain_name
from catalog_service.describing.vocabulary import Role
from catalog_service.proposals.draft import SURE, Draft, RequiredAttribute, reason
from catalog_service.proposals.texts import field_expression
from catalog_service.proposals.yaml_lines import Value

_OF_ATTRIBUTES: Mapping[str, Role] = {"Brand Name": "brand", "Material": "material"}
_OF_SKUS: Mapping[str, Role] = {"Color": "color", "Size": "size"}
MOST_OPTIONS = 10
_OWN = "Attribute: "
"""How the reader of WooCommerce's exports begins the name of an option's own field."""
_Option = tuple[Mapping[str, Value], str]
"""A match and why it is one."""
_Place = tuple[str, str, str]
"""An option's name as it is spelt, the column of names it stands in, and that of its values."""


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
    found = _options(draft) or _columns_of_roles(draft)
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
    _wait_for_further_options(draft, list(found)[MOST_OPTIONS:])


def _wait_for_further_options(draft: Draft, left: Sequence[str]) -> None:
    """What tells variations apart has to be sent: options above the limit are left to say."""
    draft.wait(
        draft.description.families.children if left else 0,
        "sku_attributes",
        f"{len(left)} more options are left out: {', '.join(left[:MOST_OPTIONS])}",
        "Add those that tell variations apart, in place of those that do not.",
    )


def _columns_of_roles(draft: Draft) -> dict[str, _Option]:
    """Colour and size from their columns; a further column of the role fills the gaps of the
    likeliest."""
    found: dict[str, _Option] = {}
    for attribute, role in _OF_SKUS.items():
        best = draft.sure_column(role)
        if best is None:
            continue
        names = _one_option(draft, [best[0], *_further_columns(draft, best[0], role)])
        why = reason(best[1])
        found[attribute] = _first_filled(names), why if len(names) == 1 else _one_of(why, names)
    return found


def _further_columns(draft: Draft, best: str, role: Role) -> list[str]:
    """Columns of the same role that are filled where the likeliest is not."""
    return [
        name
        for name, guess in draft.description.candidates(role)
        if name != best
        and guess.sure >= SURE
        and guess is draft.description.guesses[name][0]
        and any(_text(row, name) and not _text(row, best) for row in draft.description.kept)
    ]


def _options(draft: Draft) -> dict[str, _Option]:
    """The options that columns of names and values give (Shopify), or that a column each has
    (WooCommerce)."""
    columns = draft.description.columns
    names = [name for name in columns if name.startswith(_OWN) and columns[name].filled]
    own: dict[str, _Option] = {}
    for attribute, each in _by_attribute([name.removeprefix(_OWN) for name in names]).items():
        spelled = [_OWN + spelling for spelling in each]
        while spelled:
            same = _one_option(draft, spelled)
            key = attribute if attribute not in own else same[0].removeprefix(_OWN)
            own[key] = _first_filled(same), _one_of("an attribute of the export", same)
            spelled = [name for name in spelled if name not in same]
    return own or _named_options(draft)


def _by_attribute(options: Iterable[str]) -> dict[str, list[str]]:
    """Options by the attribute that they mean, the plainest name of it first."""
    groups: dict[str, list[str]] = {}
    for option in options:
        groups.setdefault(plain_name(_attribute(option)), []).append(option)
    ranked = [sorted(group, key=lambda each: -_plainness(each)) for group in groups.values()]
    return {_attribute(group[0]): group for group in ranked}


def _plainness(option: str) -> float:
    """How surely an option is a colour or a size and no more than that."""
    scores = (each.score for each in meanings_of(option) if each.role in _OF_SKUS.values())
    return max(scores, default=0.0)


def _one_option(draft: Draft, names: Sequence[str]) -> list[str]:
    """Of columns that mean the same those that are one option: no row fills two differently."""
    same: list[str] = []
    for name in names:
        if not any(_differ(row, name, other) for other in same for row in draft.description.kept):
            same.append(name)
    return same


def _differ(row: DescribedRow, name: str, other: str) -> bool:
    mine, others = _text(row, name), _text(row, other)
    return bool(mine and others and mine != others)


def _text(row: DescribedRow, name: str) -> str:
    value = row.fields.get(name)
    return "" if value is None else str(value).strip()


def _first_filled(names: Sequence[str]) -> Mapping[str, Value]:
    """The column, or of several the first that the row fills."""
    if len(names) == 1:
        return {"field": names[0]}
    text = "''"
    for name in reversed(names):
        text = f"{field_expression(name)} | default({text}, true)"
    return {"template": "{{ " + text + " }}"}


def _one_of(why: str, names: Sequence[str]) -> str:
    if len(names) == 1:
        return why
    return f"{why}; {', '.join(names)} mean the same: the first that a row fills"


def _named_options(draft: Draft) -> dict[str, _Option]:
    columns = draft.description.columns
    pairs = [
        (f"Option{number} Name", f"Option{number} Value")
        for number in (1, 2, 3)
        if f"Option{number} Name" in columns and columns[f"Option{number} Value"].filled
    ]
    places: dict[str, list[_Place]] = {}
    for name_column, value_column in pairs:
        for spelling in columns[name_column].distinct:
            if spelling.casefold() != "title":
                place = (spelling, name_column, value_column)
                places.setdefault(spelling, []).append(place)
    beside = _beside(draft, [name_column for name_column, _ in pairs])
    found: dict[str, _Option] = {}
    for attribute, spellings in _by_attribute(places).items():
        for same in _apart(spellings, beside):
            key = attribute if attribute not in found else same[0]
            each = [place for spelling in same for place in places[spelling]]
            found[key] = _option_match(draft, each), _option_reason(each)
    return found


def _beside(draft: Draft, name_columns: Sequence[str]) -> set[frozenset[str]]:
    """Pairs of options that one product has."""
    pairs: set[frozenset[str]] = set()
    for row in draft.description.kept:
        names = [name for column in name_columns if (name := _text(row, column))]
        pairs.update(frozenset(pair) for pair in combinations(names, 2))
    return pairs


def _apart(spellings: Sequence[str], beside: Collection[frozenset[str]]) -> list[list[str]]:
    """Names of one meaning, those apart that one product has side by side."""
    groups: list[list[str]] = []
    for spelling in spellings:
        fitting = (
            group
            for group in groups
            if not any(frozenset((spelling, other)) in beside for other in group)
        )
        group = next(fitting, None)
        if group is None:
            groups.append([spelling])
        else:
            group.append(spelling)
    return groups


def _option_reason(places: Collection[_Place]) -> str:
    names = ", ".join(sorted({name_column for _, name_column, _ in places}))
    return f"guess, 0.90 sure: an option's name in {names}"


def _option_match(draft: Draft, places: Sequence[_Place]) -> Mapping[str, Value]:
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
