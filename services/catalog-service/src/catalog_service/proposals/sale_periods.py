"""When the proposed sale price holds: dates that are not read hold it back. Pure."""

from collections.abc import Iterable, Mapping
from datetime import UTC

from catalog_service.describing.formats import COLUMNS
from catalog_service.describing.names import plain_name
from catalog_service.describing.price_words import is_of_reduction
from catalog_service.describing.shapes import is_no_value
from catalog_service.describing.vocabulary import Role
from catalog_service.normalizing.sale_dates import DateInvalid, read_instant
from catalog_service.proposals.columns import named_columns, without_blanks
from catalog_service.proposals.draft import Draft, reason
from catalog_service.proposals.template_text import quoted
from catalog_service.proposals.texts import field_expression

_ROLES: Mapping[str, Role] = {"discount_from": "sale_begins", "discount_until": "sale_ends"}
_BETWEEN = (
    " - ",
    " – ",
    " to ",
    " until ",
    " bis ",
    " al ",
    " au ",
    " a ",
    "/",
    "|",
    ";",
    ",",
    "–",
)
"""What stands between the two dates of a period."""
_REMEDY = "Write dates as 2026-01-31 or 2026-01-31T23:59:59Z; until then there is no discount."


def put_sale_dates(draft: Draft) -> None:
    """From when and until when the sale price holds, by two columns or by one of both dates."""
    found = {key: _column_of(draft, role) for key, role in _ROLES.items()}
    for key, name in found.items():
        if name is not None:
            _put_date(draft, key, name)
    periods = named_columns(draft, "sale_dates")
    if periods and not any(found.values()):
        _put_period(draft, periods[0])


def has_sale_dates(draft: Draft) -> bool:
    """Whether a column says when a reduction holds, or may say so."""
    roles: tuple[Role, ...] = ("sale_begins", "sale_ends", "sale_dates")
    return any(named_columns(draft, role) for role in roles) or other_dates(draft) is not None


def other_dates(draft: Draft) -> str | None:
    """A column of dates whose name speaks of a reduction, and which is of no use to the draft."""
    roles: tuple[Role, ...] = ("sale_begins", "sale_ends", "sale_dates")
    used = {name for role in roles for name in named_columns(draft, role)}
    used |= {name for role in _ROLES.values() if (name := _column_of(draft, role)) is not None}
    columns = draft.description.columns
    others = (name for name in columns if name not in used and is_of_reduction(plain_name(name)))
    return next((name for name in others if columns[name].share("date") > 0), None)


def _column_of(draft: Draft, role: Role) -> str | None:
    """The column of such dates; one that is empty now may be filled when the next sale begins."""
    best = draft.sure_column(role)
    if best is not None:
        return best[0]
    empty = named_columns(draft, role, are_filled=False)
    return next(iter([*named_columns(draft, role), *empty, *_left_out(draft, role)]), None)


def _left_out(draft: Draft, role: Role) -> list[str]:
    """The documented column of a format whose reader leaves empty ones out; `discount_from` and
    `discount_until` are read without being matched."""
    if draft.description.families.kind != "read":
        return []
    documented = COLUMNS.get(draft.description.format, {}).items()
    return [name for name, known in documented if known == role and name not in _ROLES]


def _put_date(draft: Draft, key: str, name: str) -> None:
    profile = draft.description.columns.get(name)
    if profile is None or not profile.filled:
        why = f"guess: {name!r} is named so; no row has such a date now, one that gets it keeps it"
        draft.put(key, {"field": name}, 2, why=why)
        return
    draft.put(key, without_blanks(draft, name), 2, why=_why(draft, key, name))
    unread = {word: count for word, count in profile.distinct.items() if not _is_read(word)}
    _wait_for_dates(draft, key, name, unread)


def _why(draft: Draft, key: str, name: str) -> str:
    best = draft.sure_column(_ROLES[key])
    if best is not None and best[0] == name:
        return reason(best[1])
    if all(map(_is_read, draft.description.columns[name].distinct)):
        return f"guess: {name!r} is named so, and all its dates are read"
    return f"unsure: only the name says so; a date of {name!r} that is not read means no discount"


def _wait_for_dates(draft: Draft, key: str, name: str, unread: Mapping[str, int]) -> None:
    shown = max(unread, key=lambda word: unread[word], default="")
    draft.wait(
        sum(unread.values()),
        f"attributes.{key}",
        f"rows whose {name!r} is no date that can be read, such as {shown!r}: without discount",
        _REMEDY,
    )


def _is_read(word: str) -> bool:
    """Whether the channel reads the text as a date, or as none."""
    if is_no_value(word):
        return True
    try:
        read_instant(word, UTC)
    except DateInvalid:
        return False
    return True


def _put_period(draft: Draft, name: str) -> None:
    """Both dates of a column; where they are not told apart, the column as it is, which no one
    reads: then there is no discount."""
    profile = draft.description.columns[name]
    between = _between(profile.distinct)
    if between is None:
        why = f"unsure: the periods of {name!r} are not read; rows that have one have no discount"
        draft.put("discount_from", without_blanks(draft, name), 2, why=why)
        unread = {word: count for word, count in profile.distinct.items() if not is_no_value(word)}
        _wait_for_dates(draft, "discount_from", name, unread)
        return
    parts = f"{field_expression(name)} | default('') | string | split({quoted(between)})"
    for key, end in (("discount_from", "first"), ("discount_until", "last")):
        why = f"guess: the {end} date of the periods in {name!r}"
        draft.put(key, {"template": "{{ " + f"{parts} | {end}" + " }}"}, 2, why=why)


def _between(words: Iterable[str]) -> str | None:
    """What divides every period into two dates that are read."""
    periods = list(words)
    for sign in _BETWEEN:
        if all(_is_period(text.split(sign)) for text in periods):
            return sign
    return None


def _is_period(parts: list[str]) -> bool:
    return len(parts) == 2 and all(map(_is_read, parts))
