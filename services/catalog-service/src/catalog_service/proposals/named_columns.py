"""Columns by their names alone, where their values do not bear the names out. Pure."""

from catalog_service.describing.formats import documented_role
from catalog_service.describing.names import meanings_of
from catalog_service.describing.vocabulary import Role
from catalog_service.proposals.draft import Draft


def named_columns(draft: Draft, role: Role) -> list[str]:
    """The filled columns that a format documents so, or whose name says nothing likelier."""
    return [
        name
        for name, column in draft.description.columns.items()
        if column.filled and _role_named(draft, name) == role
    ]


def _role_named(draft: Draft, name: str) -> Role | None:
    documented = documented_role(draft.description.format, name)
    meanings = meanings_of(name)
    return documented or (meanings[0].role if meanings else None)
