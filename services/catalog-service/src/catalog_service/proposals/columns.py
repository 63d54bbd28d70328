"""Columns by their names alone, and what they hold without what stands for nothing. Pure."""

from collections.abc import Mapping

from catalog_service.describing.formats import documented_role
from catalog_service.describing.names import meanings_of
from catalog_service.describing.shapes import is_no_value
from catalog_service.describing.vocabulary import Role
from catalog_service.proposals.draft import Draft
from catalog_service.proposals.yaml_lines import Value

MOST_BLANKS = 20


def named_columns(draft: Draft, role: Role, *, are_filled: bool = True) -> list[str]:
    """The columns that a format documents so, or whose name says nothing likelier; the filled
    ones, or those that are empty now."""
    return [
        name
        for name, column in draft.description.columns.items()
        if bool(column.filled) is are_filled and _role_named(draft, name) == role
    ]


def _role_named(draft: Draft, name: str) -> Role | None:
    documented = documented_role(draft.description.format, name)
    meanings = meanings_of(name)
    return documented or (meanings[0].role if meanings else None)


def without_blanks(draft: Draft, name: str) -> Mapping[str, Value]:
    """A match of the column in which what exports write for nothing is nothing."""
    blanks = [word for word in draft.description.columns[name].distinct if is_no_value(word)]
    if not blanks:
        return {"field": name}
    values = dict.fromkeys(sorted(blanks)[:MOST_BLANKS], "")
    return {"map": {"from": name, "values": values, "keep": True}}


def of_all_rows(draft: Draft, kept: int) -> int:
    """So many rows of those that were kept, as a count of all."""
    return round(kept * draft.rows / len(draft.description.kept)) if kept else 0
