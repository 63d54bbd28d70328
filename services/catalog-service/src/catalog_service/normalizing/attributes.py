"""Category and SKU attributes: what a match gives, turned into the leaf's own choices. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from catalog_service.categories.schema import OTHER, AttributeForm
from catalog_service.feeds.compile import Matches, SkuAttribute
from catalog_service.feeds.matching import ANY_ROW, CompiledMatch, MatchFailed, Row, texts
from catalog_service.normalizing.advice import BRAND, advise_on_brand
from catalog_service.texts import undo_entities
from common.contracts.product import AttributeValue
from common.errors import Issue

MAX_ALIAS = 70
FORBIDDEN_IN_ALIAS = str.maketrans("#:=,", "    ")


class _Unknown(Exception):
    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.text = text


def fill_category_attributes(
    forms: Mapping[str, AttributeForm],
    matches: Matches,
    row: Row,
    fixed: Mapping[str, AttributeValue],
) -> tuple[dict[str, AttributeValue], list[Issue]]:
    """The leaf's category attributes for a product, and what is wrong (M3.12); the `fixed` ones
    are those of `fixed_attributes`."""
    filled: dict[str, AttributeValue] = {}
    issues: list[Issue] = []
    for name, form in forms.items():
        value = fixed.get(name)
        if value is None:
            value, found = _fill(form, matches.category_attributes.get(name), row)
            issues += found
        if value is not None:
            filled[name] = value
    return filled, issues + _unmatched_names(forms, matches)


def fixed_attributes(
    forms: Mapping[str, AttributeForm], matches: Matches
) -> dict[str, AttributeValue]:
    """The category attributes that constants fill without any issue, for whatever product."""
    fixed = {}
    for name, form in forms.items():
        match = matches.category_attributes.get(name)
        if match is not None and match.is_constant:
            value, issues = _fill(form, match, ANY_ROW)
            if value is not None and not issues:
                fixed[name] = value
    return fixed


def _fill(
    form: AttributeForm, match: CompiledMatch | None, row: Row
) -> tuple[AttributeValue | None, list[Issue]]:
    """One attribute, and what is wrong with it."""
    if match is None:
        return None, [_missing(form, None)] if form.is_required else []
    issues: list[Issue] = []
    try:
        given = texts(_undone(match.fill(row)))
        value = None if given is None else _category_value(form, match, given)
        if form.name == BRAND:
            issues = _undeclared(form, given)
    except MatchFailed as failure:
        return None, [_failed(form, failure)]
    except _Unknown as unknown:
        return None, [_unknown(form, unknown.text, match)]
    if value is None and form.is_required:
        issues.append(_missing(form, match))
    return value, issues


def _category_value(
    form: AttributeForm, match: CompiledMatch, given: str | list[str]
) -> AttributeValue | None:
    try:
        return _chosen(form, given, match)
    except _Unknown:
        if match.form.unknown == "omit":
            return None
        if match.form.unknown == "default" and match.default is not None:
            return _chosen(form, match.default, match)
        raise


def _undeclared(form: AttributeForm, given: str | list[str] | None) -> list[Issue]:
    """Advice on a brand that another value, or none, was sent for."""
    if not isinstance(given, str) or form.choices.find(given) is not None:
        return []
    return [advise_on_brand(given)]


def _undone(given: str | list[str] | None) -> str | list[str] | None:
    """The texts with their entities undone (M3.6)."""
    if isinstance(given, list):
        return [undo_entities(text) for text in given]
    return None if given is None else undo_entities(given)


def _plain(match: CompiledMatch, row: Row) -> str | None:
    """The one text the match gives, its entities undone. Raises `MatchFailed`."""
    given = texts(undo_entities(match.text(row) or ""))
    return given if isinstance(given, str) else None


def _chosen(
    form: AttributeForm, given: str | list[str], match: CompiledMatch
) -> AttributeValue | None:
    parts = [given] if isinstance(given, str) else given
    if form.kind == "text":
        text = ", ".join(parts)
        return AttributeValue(text if form.max_length is None else text[: form.max_length])
    if form.kind == "many":
        ids = [_id(form, part, match) for part in parts]
        return AttributeValue(list(dict.fromkeys(ids)))
    value_id = form.choices.find(parts[0])
    takes_other = match.form.unknown == "other" and OTHER in form.choices.titles
    if (value_id == OTHER and form.has_custom) or (value_id is None and takes_other):
        return AttributeValue(OTHER, custom_value=parts[0])
    return AttributeValue(_id(form, parts[0], match))


def _id(form: AttributeForm, text: str, match: CompiledMatch) -> str:
    value_id = form.choices.find(text)
    if value_id is None and match.form.unknown == "default" and match.form.map is not None:
        # A value map's own default stands in for what the category does not know.
        fallback = texts(match.form.map.default)
        value_id = form.choices.find(fallback) if isinstance(fallback, str) else None
    if value_id is None:
        raise _Unknown(text)
    return value_id


def _missing(form: AttributeForm, match: CompiledMatch | None) -> Issue:
    source = "It has no match yet" if match is None else f"{match.origin} gives nothing"
    allowed = f" Allowed are: {form.choices.shown()}." if form.choices.titles else ""
    return Issue(
        rule="M3.12",
        field=f"category_attributes > {form.name}",
        message=f"the category asks for {form.name}, which is missing",
        remedy=f"{source}: give it a field, a constant or a default.{allowed}",
    )


def _unknown(form: AttributeForm, text: str, match: CompiledMatch) -> Issue:
    return Issue(
        rule="M3.12",
        field=f"category_attributes > {form.name}",
        message=f"{text[:80]!r} from {match.origin} is no value of {form.name}",
        remedy=f"Add it to a value map. Allowed are: {form.choices.shown()}.",
        value=text[:200],
    )


def _failed(form: AttributeForm, failure: MatchFailed) -> Issue:
    return Issue(
        rule="M3.12",
        field=f"category_attributes > {form.name}",
        message=str(failure),
        remedy="Correct the template, or give the match a default.",
    )


def _unmatched_names(forms: Mapping[str, AttributeForm], matches: Matches) -> list[Issue]:
    return [
        Issue(
            rule="M3.12",
            field=f"category_attributes > {name}",
            message=f"the category has no attribute {name}",
            remedy="Take it out of this category's override.",
            severity="advice",
        )
        for name in sorted(matches.of_category_only - forms.keys())
    ]


@dataclass
class _SkuDraft:
    """A SKU attribute's values over the family; texts that are no choice wait for a free one."""

    form: AttributeForm
    attribute: SkuAttribute
    waiting: dict[str, list[str]]
    used: set[str]


def fill_sku_attributes(
    forms: Mapping[str, AttributeForm],
    matches: Matches,
    skus: Sequence[Row],
    codes: Mapping[str, str],
    *,
    is_simple: bool,
) -> tuple[dict[str, dict[str, AttributeValue]], list[Issue]]:
    """The SKU attributes by SKU code, and what is wrong (M4.2).

    A simple product needs none, so that what it cannot fill is left out with advice.
    """
    filled: dict[str, dict[str, AttributeValue]] = {code: {} for code in codes.values()}
    issues: list[Issue] = []
    for name, form in forms.items():
        attribute = matches.sku_attributes.get(name)
        if attribute is None:
            continue
        draft = _SkuDraft(form, attribute, {}, set())
        for row in skus:
            code = codes.get(row.product_id)
            if code is None:
                continue
            try:
                value = _sku_value(draft, row, code)
            except MatchFailed as failure:
                issues.append(_sku_issue(code, str(failure), None, form, is_simple=is_simple))
                continue
            except _Unknown as unknown:
                message = f"{unknown.text[:80]!r} is no value of {name}"
                issues.append(_sku_issue(code, message, unknown.text, form, is_simple=is_simple))
                continue
            if value is not None:
                filled[code][name] = value
        issues += _place_waiting(draft, filled, is_simple=is_simple)
    return filled, issues


def _sku_value(draft: _SkuDraft, row: Row, code: str) -> AttributeValue | None:
    match = draft.attribute.value
    text = _plain(match, row)
    if text is None:
        return None
    alias = None if draft.attribute.alias is None else _plain(draft.attribute.alias, row)
    image = None if draft.attribute.image_url is None else draft.attribute.image_url.text(row)
    value_id = draft.form.choices.find(text)
    if value_id is None and draft.form.kind == "text":
        value_id = text
    if value_id is None and match.form.unknown == "default" and isinstance(match.default, str):
        value_id = draft.form.choices.find(match.default)
    if value_id is None and match.form.unknown == "other" and OTHER in draft.form.choices.titles:
        value_id, alias = OTHER, alias or text
    if value_id is None and match.form.unknown == "alias":
        draft.waiting.setdefault(text, []).append(code)
        return None
    if value_id is None and match.form.unknown == "omit":
        return None
    if value_id is None:
        raise _Unknown(text)
    draft.used.add(value_id)
    return AttributeValue(value_id, alias=_alias(alias), image_url=image)


def _place_waiting(
    draft: _SkuDraft, filled: dict[str, dict[str, AttributeValue]], *, is_simple: bool
) -> list[Issue]:
    """Give each text that is no choice the next free choice, with the text as its alias."""
    free = (value_id for value_id in draft.form.choices.titles if value_id not in draft.used)
    issues = []
    for text in sorted(draft.waiting, key=str.casefold):
        value_id = next(free, None)
        for code in draft.waiting[text]:
            if value_id is None:
                message = f"no choice of {draft.form.name} is left for {text[:80]!r}"
                issues.append(_sku_issue(code, message, text, draft.form, is_simple=is_simple))
            else:
                filled[code][draft.form.name] = AttributeValue(value_id, alias=_alias(text))
    return issues


def _alias(text: str | None) -> str | None:
    """The seller's own text as the marketplace takes it: no `# : = ,`, at most 70 characters."""
    if text is None:
        return None
    return " ".join(text.translate(FORBIDDEN_IN_ALIAS).split())[:MAX_ALIAS].rstrip() or None


def _sku_issue(
    code: str,
    message: str,
    value: str | None,
    form: AttributeForm,
    *,
    is_simple: bool,
) -> Issue:
    return Issue(
        rule="M4.2",
        field=f"sku_info_list > sku_attributes > {form.name}",
        message=message,
        remedy=f"Add it to a value map. Allowed are: {form.choices.shown()}.",
        value=None if value is None else value[:200],
        sku=code,
        severity="advice" if is_simple else "error",
    )
