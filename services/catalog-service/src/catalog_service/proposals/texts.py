"""Proposed languages and category source: a product's content. Pure."""

import json
from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from catalog_service.categories.schema import TITLE_LIMIT
from catalog_service.describing.guess import Guess
from catalog_service.describing.vocabulary import Role
from catalog_service.proposals.draft import (
    NOTHING,
    SURE,
    Draft,
    LeafSuggestion,
    Setting,
    reason,
)
from catalog_service.proposals.yaml_lines import Value

MOST_PATHS = 2_000
MOST_TITLES = 100
"""So many products without a category column are matched by their titles."""
HIGH_LIKENESS = 90.0
"""From here on a suggested leaf is an active line."""
DEFAULT_LOCALE = "en_US"


def choose_locale(draft: Draft, wanted: str | None) -> tuple[str, str]:
    """The main locale, and why: it can never change once products are online (M3.1)."""
    found = draft.description.locale
    if wanted is not None:
        return wanted, ""
    if found is not None and found[1] >= SURE:
        locale, sure, why = found
        return (
            locale,
            f"guess, {sure:.2f} sure: {why}; it can never change once products are online",
        )
    tagged = [guess.locale for _, guess in draft.description.candidates("title") if guess.locale]
    locale = tagged[0] if tagged else DEFAULT_LOCALE
    draft.wait(
        draft.rows,
        "main_locale",
        f"the language of the texts is not sure: {locale} stands there",
        "Set main_locale before products go online: it can never change after.",
    )
    return locale, "OPEN: the texts do not tell; it can never change once products are online"


def put_long_titles(draft: Draft) -> None:
    """Titles above AliExpress's limit are cut at a word, where the column has some (M3.6)."""
    column = draft.sure_column("title")
    if column is None:
        return
    texts = draft.description.columns[column[0]].texts
    long = sum(len(text) > TITLE_LIMIT for text in texts)
    if long:
        why = f"{long} of {len(texts)} titles are longer than {TITLE_LIMIT} characters: cut at a"
        draft.put("title_too_long", "truncate", why=f"{why} word; `reject` holds them back (M3.6)")


def put_languages(draft: Draft, main: str) -> None:
    """Title and description of the main locale and of every other that columns are named for."""
    draft.section("languages")
    titles = _by_locale(draft, "title", main)
    descriptions = _by_locale(draft, "description", main)
    draft.section(main, 2)
    title = titles.pop(main, None)
    _put_text(draft, "title", title, "title", f"languages.{main}.title")
    description = descriptions.pop(main, None)
    if description is None and (short := draft.sure_column("short_description")):
        draft.say("no long description was found: this is the short one", 4)
        description = short
    _put_text(draft, "description", description, "description", f"languages.{main}.description")
    if description is None and title is not None:
        draft.offer("description", {"field": title[0]}, 4, why="or the title once more:")
    for locale, (name, guess) in titles.items():
        draft.section(locale, 2)
        draft.put("title", {"field": name}, 4, why=reason(guess))
        if locale in descriptions:
            text, text_guess = descriptions[locale]
            draft.put("description", {"field": text}, 4, why=reason(text_guess))


def _by_locale(draft: Draft, role: Role, main: str) -> dict[str, tuple[str, Guess]]:
    """The surest column of the role for each locale; one without a language is the main one's."""
    found: dict[str, tuple[str, Guess]] = {}
    for name, guess in draft.description.candidates(role):
        is_own = guess is draft.description.guesses[name][0]
        if guess.sure >= SURE and is_own:
            found.setdefault(guess.locale or main, (name, guess))
    return found


def _put_text(
    draft: Draft, key: str, column: tuple[str, Guess] | None, role: Role, place: str
) -> None:
    if column is not None:
        name, guess = column
        draft.put(key, {"field": name}, 4, why=reason(guess))
        draft.wait(
            draft.description.lacking_of_families(name),
            place,
            f"rows without a {key} in {name!r}",
            "Fill them in the catalogue, or give the match a default.",
        )
        return
    for name, guess in draft.unsure_columns(role):
        draft.offer(key, {"field": name}, 4, why=f"unsure: {reason(guess)}")
    draft.put(key, NOTHING, 4, why=f"OPEN: no column is surely the {key}")
    draft.wait(draft.rows, place, f"no column is surely the {key}", "Name the column.")


def field_expression(name: str) -> str:
    """How a template names a source field."""
    quoted = name.replace("\\", "\\\\").replace("'", "\\'")
    return f"fields['{quoted}']"


@dataclass(frozen=True)
class CategorySource:
    """Where a row's category path stands, how it is divided, and how many rows each path has."""

    match: Mapping[str, Value]
    separator: str
    paths: Mapping[str, int]
    why: str
    column: str | None


def find_categories(draft: Draft) -> CategorySource:
    """The category source; without a column each title is a path, or all rows are of one, `all`."""
    best = draft.sure_column("category")
    if best is None:
        return _titles_as_categories(draft) or CategorySource(
            {"constant": "all"},
            " > ",
            {"all": draft.rows},
            "OPEN: no column is surely a category; all products are of one path",
            None,
        )
    name, guess = best
    profile = draft.description.columns[name]
    if profile.share("json") >= SURE:
        return _json_categories(draft, name, guess)
    separator = (profile.path_separator() if profile.share("path") >= 0.2 else None) or " > "
    paths: Counter[str] = Counter()
    for text, count in profile.distinct.items():
        if steps := [step.strip() for step in text.split(separator.strip() or separator)]:
            shown = separator.join(filter(None, steps))
            paths[shown] += count
    return CategorySource({"field": name}, separator, paths, reason(guess), name)


def _titles_as_categories(draft: Draft) -> CategorySource | None:
    """A few titles are looked through one by one: each tells its leaf better than none does."""
    best = draft.sure_column("title")
    if best is None:
        return None
    titles = draft.description.columns[best[0]].distinct
    if len(titles) > MOST_TITLES or any(" > " in title for title in titles):
        return None
    why = (
        "OPEN: no column is surely a category; each title is one, so that it gets a leaf of its own"
    )
    return CategorySource({"field": best[0]}, " > ", dict(titles), why, best[0])


def _json_categories(draft: Draft, name: str, guess: Guess) -> CategorySource:
    """Paths written as JSON: a list of names, or of objects with a name."""
    expression = f"{field_expression(name)} | from_json"
    paths: Counter[str] = Counter()
    counted = len(draft.description.kept)
    has_objects = False
    for row in draft.description.kept:
        steps = _json_steps(row.fields.get(name))
        has_objects = has_objects or isinstance(next(iter(steps), None), dict)
        names = [
            str(each.get("name", "")) if isinstance(each, dict) else str(each) for each in steps
        ]
        if names:
            paths[" > ".join(names)] += 1
    if has_objects:
        expression += " | map(attribute='name')"
    return CategorySource(
        {"template": "{{ " + expression + " | join(' > ') }}"},
        " > ",
        paths,
        f"{reason(guess)}; its values are JSON, counted in the first {counted} rows",
        name,
    )


def _json_steps(value: object) -> list[Any]:
    try:
        steps = json.loads(value) if isinstance(value, str) else []
    except (ValueError, RecursionError):
        return []
    return steps if isinstance(steps, list) else []


def put_category(
    draft: Draft,
    source: CategorySource,
    suggestions: Mapping[str, LeafSuggestion],
    setting: Setting,
) -> dict[str, int]:
    """Every path of the catalogue with its rows and its suggested leaf; the rows of the leaves
    that are active."""
    draft.section("category")
    draft.put("source", source.match, 2, why=source.why)
    draft.put("separator", source.separator, 2)
    matched: defaultdict[str, int] = defaultdict(int)
    known: dict[str, None] = {}
    lines: list[tuple[str, int]] = []
    for path, rows in sorted(source.paths.items(), key=lambda each: (-each[1], each[0])):
        folded = path.casefold()
        if folded not in known and len(path) <= 1_000 and len(lines) < MOST_PATHS:
            known[folded] = None
            lines.append((path, rows))
    is_active = {
        path: (found := suggestions.get(path)) is not None and found.likeness >= HIGH_LIKENESS
        for path, _ in lines
    }
    waiting = 0
    message, remedy = _what_to_match(setting)
    is_known = setting.categories == "known"
    if not is_known:
        draft.say(f"OPEN: {message}. {remedy}", 2)
    if any(is_active.values()):
        draft.section("exact", 2)
    else:
        draft.say("exact:", 2)
    for path, rows in lines:
        found = suggestions.get(path)
        if found is not None and is_active[path]:
            matched[found.category_id] += rows
            why = f"{rows} rows; suggested, {found.likeness:.0f} of 100 alike: {found.path}"
            draft.put(path, found.category_id, 4, why=why)
            continue
        waiting += rows
        tail = (
            f"suggested, {found.likeness:.0f} of 100 alike: {found.path}"
            if found is not None
            else ("no leaf is alike" if is_known else "no leaf is sought yet")
        )
        leaf = found.category_id if found is not None else "the leaf's id"
        draft.offer(path, leaf, 4, why=f"{rows} rows; {tail}")
    if source.column is not None:
        waiting += draft.description.lacking_of_families(source.column)
    left = len(source.paths) - len(lines)
    if left > 0:
        draft.say(f"and {left} more categories with fewer rows", 4)
    draft.offer("prefix", {"": "the leaf's id"}, 2, why="or one leaf for all the others:")
    draft.wait(waiting, "category.exact", message, remedy)
    return dict(matched)


def _what_to_match(setting: Setting) -> tuple[str, str]:
    """What is open of the categories, and what to do."""
    again = "propose once more (`channel feeds init --force`)"
    if setting.categories == "unconnected":
        return (
            f"the categories of the shop {setting.shop} are not known: it is not connected",
            f"Connect it (`channel shops connect {setting.shop}`), wait a minute, and {again}.",
        )
    if setting.categories == "awaited":
        return (
            f"the categories of the shop {setting.shop} are not fetched yet",
            f"They are there a minute after it was connected: after a minute {again}.",
        )
    return (
        "rows whose category has no leaf of the shop",
        "Match the catalogue's categories: take the # from the right ones, correct the others.",
    )
