"""Which column fills an attribute, and which allowed value is meant: scores of 0 to 1. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from rapidfuzz import fuzz

from catalog_service.categories.words import plain, words_of
from catalog_service.describing.names import meanings_of, plain_name
from catalog_service.describing.vocabulary import Role
from catalog_service.fields.summary import FieldSummary

LEAST = 0.3
"""Below this nothing is suggested."""
OF_NAME, OF_VALUES = 0.4, 0.6
"""How much a column's name and its values count, of an attribute that has allowed values."""
SHOWN_VALUES = 3
LEAST_OF_VALUES = 0.55
"""Below this two values are not alike."""
SAME_WORDS, SHARED_WORDS = 0.95, 0.9
"""What values are worth that have the same words but for their form, or of which one has all words
of the other."""
_SIZES: Mapping[str, str] = {
    word: words[0]
    for words in (
        ("xxs", "2xs", "xx small", "extra extra small"),
        ("xs", "x small", "xsmall", "extra small"),
        ("s", "small", "pequeno", "klein", "petit"),
        ("m", "medium", "mediano", "mittel", "moyen"),
        ("l", "large", "grande", "gross", "grand"),
        ("xl", "x large", "xlarge", "extra large", "1xl"),
        ("xxl", "2xl", "xx large", "2x large", "extra extra large"),
        ("xxxl", "3xl", "xxx large", "3x large"),
        ("one size", "one", "onesize", "os", "talla unica", "taille unique", "einheitsgrosse"),
    )
    for word in words
}
"""What sizes are called, in plain words."""
_ROLES: frozenset[Role] = frozenset(
    ["brand", "color", "size", "material", "weight", "length", "width", "height"]
)
"""Meanings of columns that attributes have, too."""


@dataclass(frozen=True)
class Candidate:
    """What may be taken, its name, how well it fits (0 to 1), and why."""

    take: str
    name: str
    score: float
    why: str


def nearest_columns(
    attribute: str,
    values: Mapping[str, str],
    fields: Iterable[FieldSummary],
    products: int,
    *,
    limit: int = 3,
) -> list[Candidate]:
    """The columns that fill an attribute best: by their names, by the share of their values that
    are allowed ones (ids to titles; none where it is text), by how many products have them."""
    allowed = frozenset(values) | frozenset(map(plain, values.values()))
    found = [_column(attribute, allowed, field, products) for field in fields if field.filled]
    ranked = sorted(found, key=lambda each: (-each.score, each.name))
    return [each for each in ranked if each.score >= LEAST][:limit]


def _column(
    attribute: str, allowed: frozenset[str], field: FieldSummary, products: int
) -> Candidate:
    named = likeness_of_names(attribute, field.name)
    fill = field.filled / products if products else 0.0
    reasons = []
    if named >= LEAST:
        reasons.append(f"its name is {named:.0%} alike")
    if allowed:
        share, examples = _allowed_share(allowed, field)
        score = OF_NAME * named + OF_VALUES * share
        if share:
            shown = ", ".join(f"{each!r}" for each in examples)
            reasons.append(f"{share:.0%} of its values are allowed ones, as {shown}")
    else:
        score = named
    reasons.append(f"{fill:.0%} of the products have it")
    score *= 0.5 + 0.5 * fill
    return Candidate(field.name, field.name, round(score, 3), "; ".join(reasons))


def _allowed_share(allowed: frozenset[str], field: FieldSummary) -> tuple[float, Sequence[str]]:
    """The share of the products with the field whose value is an allowed one, and some of them."""
    fitting = [
        (text, count) for text, count in field.values if text in allowed or plain(text) in allowed
    ]
    counted = sum(count for _, count in field.values)
    share = sum(count for _, count in fitting) / counted if counted else 0.0
    return share, [text for text, _ in fitting[:SHOWN_VALUES]]


def likeness_of_names(attribute: str, column: str) -> float:
    """How much two names mean the same, in whatever language: 0 to 1."""
    one, other = plain_name(attribute), plain_name(column)
    if one == other:
        return 1.0
    ours, theirs = set(words_of(one).products), set(words_of(other).products)
    shared = 2 * len(ours & theirs) / (len(ours) + len(theirs)) if ours and theirs else 0.0
    roles = {meaning.role: meaning.score for meaning in meanings_of(column)}
    meant = max(
        (
            min(each.score, roles.get(each.role, 0.0))
            for each in meanings_of(attribute)
            if each.role in _ROLES
        ),
        default=0.0,
    )
    spelled = fuzz.ratio(one, other) / 100
    return max(shared, meant, spelled if spelled >= 0.8 else 0.0)


def nearest_values(value: str, allowed: Mapping[str, str], *, limit: int = 3) -> list[Candidate]:
    """The allowed values (id to title) that a catalogue's value may mean, whole words at a time: S
    is no part of XS."""
    scored = {
        title or value_id: _likeness_of_values(value, title or value_id)
        for value_id, title in allowed.items()
    }
    ranked = sorted(scored.items(), key=lambda each: (-each[1][0], len(each[0]), each[0]))
    return [
        Candidate(title, title, round(score, 3), why)
        for title, (score, why) in ranked[:limit]
        if score >= LEAST_OF_VALUES
    ]


def _likeness_of_values(one: str, other: str) -> tuple[float, str]:
    ours, theirs = plain(one), plain(other)
    found = [(fuzz.ratio(ours, theirs) / 100, "spelled alike")]
    size = _SIZES.get(ours)
    if size is not None and size == _SIZES.get(theirs):
        found.append((SAME_WORDS, "the same size by another name"))
    stems, others = set(words_of(one).products), set(words_of(other).products)
    if stems and stems == others:
        found.append((SAME_WORDS, "the same words in another form"))
    elif stems and others and (stems <= others or others <= stems):
        share = min(len(stems), len(others)) / max(len(stems), len(others))
        found.append((SHARED_WORDS * (0.5 + 0.5 * share), "shares its words"))
    return max(found)
