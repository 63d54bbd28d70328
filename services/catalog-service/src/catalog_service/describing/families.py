"""How a catalogue's rows belong together: a parent column, a group, repeated titles. Pure."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from catalog_service.describing.guess import Guess
from catalog_service.describing.profile import ColumnProfile

FamilyKind = Literal["none", "read", "parents", "groups", "titles"]
SURE_OF_PARENT = 0.3
MOSTLY = 0.5
LONGEST_ID = 40


@dataclass(frozen=True)
class FamilyGuess:
    """Which columns name a row and its parent.

    `read`: the format says so itself; `parents`: the parent column names other rows' ids; `groups`:
    it names something that no row is; `titles`: nothing but equal titles holds rows together.
    `children` is how many rows have a parent then.
    """

    kind: FamilyKind
    id_field: str | None
    parent_field: str | None
    children: int
    sure: float
    why: str


def find_families(
    columns: Mapping[str, ColumnProfile],
    guesses: Mapping[str, Sequence[Guess]],
    *,
    title: str | None,
    rows: int,
) -> FamilyGuess:
    """The columns of a generic file's families."""
    ids = _id_columns(columns, guesses, rows)
    for name in _parent_columns(guesses):
        referred = _referred(columns[name], ids)
        if referred is not None:
            children = _children(columns[name], referred)
            return FamilyGuess(
                "parents",
                referred.name,
                name,
                children,
                0.95,
                f"{children} rows name another row's {referred.name!r} in {name!r}",
            )
    own_ids = [column for column in ids if _is_key(column, rows)]
    best = own_ids[0].name if own_ids else (ids[0].name if ids else None)
    for name in _group_columns(columns, guesses, best):
        column = columns[name]
        children = sum(count for count in column.distinct.values() if count > 1)
        if best is not None and children > rows * 0.1:
            return FamilyGuess(
                "groups",
                best,
                name,
                children,
                0.8,
                f"{children} rows share their {name!r} with others, and no row has it as its id",
            )
    repeated = _repeated_titles(columns.get(title or ""))
    if repeated > rows * 0.1 and _has_options(guesses):
        return FamilyGuess(
            "titles", best, title, repeated, 0.4, f"{repeated} rows share their title with others"
        )
    if best is not None:
        return FamilyGuess("none", best, None, 0, 0.8, "no column names parents or groups")
    like = next((column.name for column in columns.values() if _looks_like_id(column, rows)), None)
    why = "no name says so; its values are short, and different in each row"
    return FamilyGuess("none", like, None, 0, 0.5, why)


def _id_columns(
    columns: Mapping[str, ColumnProfile], guesses: Mapping[str, Sequence[Guess]], rows: int
) -> list[ColumnProfile]:
    """Columns that may name rows, the likeliest first: filled, different in each row."""
    rated: list[tuple[float, ColumnProfile]] = []
    for name, column in columns.items():
        named = max(
            (
                guess.sure + (0.05 if guess.role == "product_id" else 0.0)
                for guess in guesses[name]
                if guess.role in {"product_id", "sku"}
            ),
            default=0.0,
        )
        if named and rows and column.filled / rows > MOSTLY:
            rated.append((named + (1.0 if _is_key(column, rows) else 0.0), column))
    rated.sort(key=lambda each: -each[0])
    return [column for _, column in rated]


def _is_key(column: ColumnProfile, rows: int) -> bool:
    return column.is_exact and column.filled >= 0.99 * rows and column.uniqueness >= 0.99


def _looks_like_id(column: ColumnProfile, rows: int) -> bool:
    is_short = column.average_length <= LONGEST_ID
    return is_short and _is_key(column, rows) and column.share("code") == 1.0


def _parent_columns(guesses: Mapping[str, Sequence[Guess]]) -> list[str]:
    rated = [
        (guess.sure, name)
        for name, each in guesses.items()
        for guess in each
        if guess.role == "parent_id" and guess.sure >= SURE_OF_PARENT
    ]
    return [name for _, name in sorted(rated, key=lambda each: -each[0])]


def _referred(parent: ColumnProfile, ids: Sequence[ColumnProfile]) -> ColumnProfile | None:
    """The id column of which most parents are a value, other than the row's own."""
    if not parent.distinct:
        return None
    shares = {
        column.name: sum(value in column.distinct for value in parent.distinct)
        / len(parent.distinct)
        for column in ids
        if column.name != parent.name
    }
    best = max(shares, key=lambda name: shares[name], default=None)
    if best is None or shares[best] < MOSTLY or _are_own(parent):
        return None
    return next(column for column in ids if column.name == best)


def _are_own(parent: ColumnProfile) -> bool:
    """Whether each value stands once: rows that name themselves."""
    return parent.filled > 1 and parent.uniqueness == 1.0


def _children(parent: ColumnProfile, ids: ColumnProfile) -> int:
    return sum(count for value, count in parent.distinct.items() if value in ids.distinct)


def _group_columns(
    columns: Mapping[str, ColumnProfile], guesses: Mapping[str, Sequence[Guess]], best: str | None
) -> list[str]:
    """Columns whose values several rows share: groups, and ids that are not the row's own."""
    named = _parent_columns(guesses)
    repeated_ids = [
        name
        for name, each in guesses.items()
        if any(guess.role == "product_id" for guess in each) and columns[name].filled
    ]
    return [
        name
        for name in dict.fromkeys([*named, *repeated_ids])
        if name != best and columns[name].uniqueness < 0.95
    ]


def _repeated_titles(title: ColumnProfile | None) -> int:
    if title is None:
        return 0
    counts: Counter[str] = title.distinct
    return sum(count for count in counts.values() if count > 1)


def _has_options(guesses: Mapping[str, Sequence[Guess]]) -> bool:
    return any(
        guess.role in {"color", "size", "option_value"} and guess.sure >= MOSTLY
        for each in guesses.values()
        for guess in each
    )
