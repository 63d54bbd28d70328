"""Open points of what names rows, families and SKUs: it has to stay for ever. Pure."""

from catalog_service.describing.formats import documented_role
from catalog_service.describing.guess import Guess
from catalog_service.describing.names import meanings_of
from catalog_service.proposals.draft import Draft, reason

_PLACE = "attributes.sku_code"


def wait_for_parents(draft: Draft) -> None:
    """Rows that name a parent that no row is: it may be made from its first child (M4.1)."""
    families = draft.description.families
    if families.kind == "parents" and families.orphans:
        why = (
            f"unsure: {families.orphans} rows name a parent that no row is: one may be made (M4.1)"
        )
        draft.offer("synthesise_parents", True, why=why)
        draft.wait(
            families.orphans,
            "parent_field",
            f"rows whose {families.parent_field!r} is no row that was read",
            "Send the parents' rows, or take the # from synthesise_parents.",
        )


def wait_for_ids(draft: Draft, name: str) -> None:
    """Rows without an id of their own: import refuses one without, and takes one of two that
    share it."""
    lacking, shared = draft.lacking(name), _shared(draft, name)
    found = [f"{lacking} without any"] if lacking else []
    found += [f"{shared} that share theirs with another row"] if shared else []
    draft.wait(
        lacking + shared,
        "id_field",
        f"rows without a {name!r} of their own: {', '.join(found)}",
        "Give each row one, or name another column: it has to stay for ever.",
    )


def wait_for_sku_codes(draft: Draft, name: str | None, parents: int) -> None:
    """SKU codes that are rows' ids, or that several rows share; without a sure column `name` is
    None. Parents, of which there are so many, have none."""
    if name is None:
        _wait_for_column(draft, parents)
        return
    if name == draft.description.families.id_field:
        return  # its gaps are those of the ids
    draft.wait(
        max(draft.lacking(name) - parents, 0),
        _PLACE,
        f"rows without a {name!r} take their own id, which has to stay for ever",
        "Fill them before they go online: a SKU code that changes is another SKU.",
    )
    draft.wait(
        _shared(draft, name),
        _PLACE,
        f"rows that share their {name!r} with another row",
        "Give each its own, or match another column: each SKU code may stand once.",
    )


def _wait_for_column(draft: Draft, parents: int) -> None:
    """Ids instead of a column that is unsure, or ids that a reader has made of a handle and of
    options: those change with the options."""
    for name, guess in _unsure_columns(draft):
        draft.offer("sku_code", {"field": name}, 2, why=f"unsure: {reason(guess)}")
    unsure = ", ".join(repr(name) for name, _ in _unsure_columns(draft))
    if not unsure and draft.description.format != "shopify":
        return
    why = f"{unsure} may be it, but not surely" if unsure else "no column of SKUs is filled"
    draft.wait(
        max(draft.rows - parents, 0),
        _PLACE,
        f"rows take their own id for a SKU code, which has to stay for ever: {why}",
        "Give each row a SKU of its own, and match that column before products go online.",
    )


def _unsure_columns(draft: Draft) -> list[tuple[str, Guess]]:
    return [
        (name, guess)
        for name, guess in draft.unsure_columns("sku")
        if name != draft.description.families.id_field and _is_named_sku(draft, name)
    ]


def _is_named_sku(draft: Draft, name: str) -> bool:
    if documented_role(draft.description.format, name) == "sku":
        return True
    meanings = meanings_of(name)
    return bool(meanings) and meanings[0].role == "sku"


def _shared(draft: Draft, name: str) -> int:
    """How many rows have a value that another row has."""
    return sum(count for count in draft.description.columns[name].distinct.values() if count > 1)
