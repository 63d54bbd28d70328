"""How a catalogue's rows belong together: a parent column, a group, repeated titles. Pure."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from catalog_service.describing.guess import Guess
from catalog_service.describing.profile import ColumnProfile
from common.contracts.catalog import FieldValue

FamilyKind = Literal["none", "read", "parents", "groups", "titles"]
SURE_OF_PARENT = 0.3
MOSTLY = 0.5
LONGEST_ID = 40


@dataclass(frozen=True)
class FamilyGuess:
    """Which columns name a row and its parent.

    `read`: the format says so itself; `parents`: the parent column names other rows' ids; `groups`:
    it names something that no row is; `titles`: nothing but equal titles holds rows together.
    `children` is how many rows have a parent then, `parents` how many rows they name, and `orphans`
    how many rows name a parent that no row is.
    """

    kind: FamilyKind
    id_field: str | None
    parent_field: str | None
    children: int
    sure: float
    why: str
    parents: int = 0
    orphans: int = 0


@dataclass(frozen=True)
class _Named:
    """Parents by how many other rows name them; `own` is how many rows name themselves."""

    ids: ColumnProfile
    parents: Counter[str]
    own: int

    @property
    def known(self) -> Counter[str]:
        """Those that are rows."""
        return Counter({v: n for v, n in self.parents.items() if v in self.ids.distinct})

    @property
    def share(self) -> float:
        """How many of the parents are rows."""
        return len(self.known) / len(self.parents)


def find_families(
    columns: Mapping[str, ColumnProfile],
    guesses: Mapping[str, Sequence[Guess]],
    *,
    title: str | None,
    rows: int,
    kept: Sequence[Mapping[str, FieldValue]],
) -> FamilyGuess:
    """The columns of a generic file's families; `kept` are its first rows, for what concerns two
    columns."""
    ids = _id_columns(columns, guesses, rows)
    for name in _parent_columns(guesses):
        named = _referred(columns[name], ids, kept)
        if named is not None:
            return _of_parents(columns[name], named)
    own_ids = [column for column in ids if _is_key(column, rows)]
    best = own_ids[0].name if own_ids else (ids[0].name if ids else None)
    if best is not None:
        groups = _groups(columns, guesses, columns[best], rows, kept)
        if groups is not None:
            return groups
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


def _referred(
    parent: ColumnProfile, ids: Sequence[ColumnProfile], kept: Sequence[Mapping[str, FieldValue]]
) -> _Named | None:
    """The id column of which most parents are a value, as rows name others than themselves."""
    found = [_named(parent, column, kept) for column in ids if column.name != parent.name]
    found = [named for named in found if named.parents]
    best = max(found, key=lambda named: named.share, default=None)
    return best if best is not None and best.share >= MOSTLY else None


def _named(
    parent: ColumnProfile, ids: ColumnProfile, kept: Sequence[Mapping[str, FieldValue]]
) -> _Named:
    """Which rows name themselves is seen in those that were kept; where some do, each id that only
    further rows name is named by its own row too."""
    seen: set[str] = set()
    itself: Counter[str] = Counter()
    for fields in kept:
        named = str(fields.get(parent.name) or "")
        seen.add(named)
        if named.strip() and named.strip() == str(fields.get(ids.name) or "").strip():
            itself[named] += 1
    if itself:
        itself.update(v for v in parent.distinct if v in ids.distinct and v not in seen)
    return _Named(ids, parent.distinct - itself, itself.total())


def _of_parents(parent: ColumnProfile, named: _Named) -> FamilyGuess:
    ids, children = named.ids, named.known.total()
    why = f"{children} rows name another row's {ids.name!r} in {parent.name!r}"
    if named.own:
        why += f", {named.own} their own: they are no children"
    return FamilyGuess(
        "parents",
        ids.name,
        parent.name,
        children,
        0.95,
        why,
        parents=len(named.known),
        orphans=named.parents.total() - children if ids.is_exact else 0,
    )


def _groups(
    columns: Mapping[str, ColumnProfile],
    guesses: Mapping[str, Sequence[Guess]],
    ids: ColumnProfile,
    rows: int,
    kept: Sequence[Mapping[str, FieldValue]],
) -> FamilyGuess | None:
    """A column that rows share; where single rows name themselves in it, few that do are enough."""
    for name in _group_columns(guesses, ids.name, columns):
        column = columns[name]
        own = _named(column, ids, kept).own
        children = sum(count for count in column.distinct.values() if count > 1)
        is_usual = column.uniqueness < 0.95 and children > rows * 0.1
        if is_usual or (own and children):
            beside = "single rows name themselves there" if own else "no row has it as its id"
            why = f"{children} rows share their {name!r} with others, and {beside}"
            return FamilyGuess("groups", ids.name, name, children, 0.8, why)
    return None


def _group_columns(
    guesses: Mapping[str, Sequence[Guess]], best: str, columns: Mapping[str, ColumnProfile]
) -> list[str]:
    """Columns whose values several rows share: groups, and ids that are not the row's own."""
    named = _parent_columns(guesses)
    repeated_ids = [
        name
        for name, each in guesses.items()
        if any(guess.role == "product_id" for guess in each) and columns[name].filled
    ]
    return [name for name in dict.fromkeys([*named, *repeated_ids]) if name != best]


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
