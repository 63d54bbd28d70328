"""Proposed pictures: the main one first, then those of every other column. Pure."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from catalog_service.describing.guess import Guess
from catalog_service.describing.names import plain_name
from catalog_service.describing.profile import ColumnProfile
from catalog_service.feeds.template_values import MAX_ITEMS
from catalog_service.proposals.draft import SURE, Draft, reason
from catalog_service.proposals.texts import field_expression
from catalog_service.proposals.yaml_lines import Value
from common.contracts.catalog import FieldValue

MOST_COLUMNS = 10
LEAST_SURE = 0.45
"""A column of addresses whose name has a word of pictures follows a sure one from here on."""
_ADDRESSES = 0.95
_MAIN = (
    *("main", "primary", "base", "cover", "haupt", "titelbild", "principal", "hoofd"),
    *("glown", "главн", "основн", "主图"),
)
_FURTHER = (
    *("additional", "other", "more", "extra", "gallery", "galer", "weitere", "zusatz"),
    *("adicional", "otra", "supplement", "autre", "altre", "aggiuntiv", "outra", "overige"),
    *("dodatkow", "дополн"),
)
_OTHERWISE = ("thumb", "small", "swatch", "miniat", "icon", "logo", "variant")
"""Words of columns whose pictures are the same ones once more, or of something else."""
_BUILT = {"shopify": "Images", "magento": "images"}
"""The list of all pictures that a format's reader makes."""

Column = tuple[str, Guess]


@dataclass(frozen=True)
class _Part:
    """A column of pictures: one in each row, or several, and how they are written."""

    profile: ColumnProfile
    guess: Guess

    @property
    def name(self) -> str:
        return self.profile.name

    @property
    def is_json(self) -> bool:
        return self.profile.share("json") >= SURE

    @property
    def has_several(self) -> bool:
        return bool(self.profile.lists or self.is_json or self.separator)

    @property
    def separator(self) -> str | None:
        return self.profile.list_separator()

    def addresses(self, value: FieldValue) -> list[str]:
        """The addresses of a row's value, as the match will find them."""
        if isinstance(value, list):
            return value
        text = str(value or "").strip()
        if self.is_json and text.startswith("["):
            return _json_texts(text)
        return [each.strip() for each in text.split(self.separator)] if self.separator else [text]

    def expression(self) -> str:
        """A template's list of the column's addresses."""
        text = f"({field_expression(self.name)} | default('', true))"
        if self.is_json:
            return f"({text} | from_json if {text}[:1] == '[' else [{text}])"
        parts = f"[{text}]"
        if self.separator is not None:
            sign = self.separator.replace("\n", "\\n")
            parts = f"({text} | split('{sign}'))"
        return f"({parts} if {text} is string else {text})" if self.profile.lists else parts

    def match(self) -> Mapping[str, Value]:
        """The match of a column that has all the pictures."""
        if self.is_json:
            return {"template": "{{ " + field_expression(self.name) + " | from_json }}"}
        match: dict[str, Value] = {"field": self.name}
        is_cut = self.separator is not None and not self.profile.lists
        return match | {"separator": self.separator or ","} if is_cut else match


def put_pictures(draft: Draft) -> None:
    """The pictures: a list, a text cut at its separator, JSON, or several columns."""
    every = _parts(draft)
    if not every:
        _offer_pictures(draft)
        return
    parts = _needed(draft, every)
    first, others = parts[0], parts[1:]
    why = reason(first.guess)
    if others:
        why += f"; behind it those of {_names(others)}: {reason(others[0].guess)}"
    draft.put("image_url_list", _match(parts), 2, why=why)
    draft.wait(
        min(draft.description.lacking_of_families(part.name) for part in parts),
        "attributes.image_url_list",
        f"rows without a picture in {_names(parts)}",
        "Fill them: the first picture is mandatory (M3.5). Children take their parent's.",
    )


def _names(parts: Sequence[_Part]) -> str:
    return ", ".join(repr(part.name) for part in parts)


def _parts(draft: Draft) -> list[_Part]:
    """The columns of pictures in their order; none where no column is surely one."""
    candidates = draft.description.candidates("pictures")
    if not any(guess.sure >= SURE for _, guess in candidates):
        return []
    built = _BUILT.get(draft.description.format)
    columns = draft.description.columns
    found = [
        _Part(columns[name], guess)
        for name, guess in candidates
        if guess.sure >= SURE or _follows(draft, name, guess)
    ]
    made = [part for part in found if part.name == built]
    usual = [part for part in found if not _has_word(part.name, _OTHERWISE)]
    places = {name: place for place, name in enumerate(columns)}
    chosen = made or usual or found[:1]
    return sorted(chosen, key=lambda part: (_rank(part), places[part.name]))[:MOST_COLUMNS]


def _follows(draft: Draft, name: str, guess: Guess) -> bool:
    """Whether a column that is named a little like pictures holds addresses throughout."""
    texts = draft.description.columns[name].texts
    addresses = sum(text.lstrip().startswith(("http://", "https://", "//")) for text in texts)
    is_main = guess is draft.description.guesses[name][0]
    return is_main and guess.sure >= LEAST_SURE and addresses >= _ADDRESSES * len(texts)


def _rank(part: _Part) -> tuple[int, int, bool]:
    """The main picture before numbered ones, those before what is named additional."""
    kind = 2 if _has_word(part.name, _FURTHER) else 0 if _has_word(part.name, _MAIN) else 1
    return kind, part.guess.number or 0, part.has_several


def _has_word(name: str, words: Sequence[str]) -> bool:
    plain = plain_name(name)
    return any(word in plain for word in words)


def _needed(draft: Draft, parts: Sequence[_Part]) -> list[_Part]:
    """The columns without those that add nothing to the others in the rows that were kept."""
    needed = list(parts)
    every = [list(_row_pictures(parts, row.fields)) for row in draft.description.kept]
    for part in reversed(parts):
        others = [each for each in needed if each is not part]
        is_seen = any(row.fields.get(part.name) for row in draft.description.kept)
        if others and is_seen:
            left = [list(_row_pictures(others, row.fields)) for row in draft.description.kept]
            needed = others if left == every else needed
    return needed


def _row_pictures(parts: Sequence[_Part], fields: Mapping[str, FieldValue]) -> Iterator[str]:
    """A row's pictures, each once."""
    found = (each for part in parts for each in part.addresses(fields.get(part.name)))
    return iter(dict.fromkeys(filter(None, found)))


def _match(parts: Sequence[_Part]) -> Mapping[str, Value]:
    if len(parts) == 1:
        return parts[0].match()
    if not any(part.has_several for part in parts):
        texts = ", ".join(f"{field_expression(part.name)} | default('')" for part in parts)
        return {"template": "{{ [" + texts + "] | select | list }}"}
    lists = " + ".join(part.expression() for part in parts)
    return {"template": "{{ (" + lists + ") | select | list }}"}


def _json_texts(text: str) -> list[str]:
    try:
        values = json.loads(text)
    except (ValueError, RecursionError):
        return []
    return [str(value) for value in values[:MAX_ITEMS]] if isinstance(values, list) else []


def _offer_pictures(draft: Draft) -> None:
    for name, guess in draft.unsure_columns("pictures"):
        draft.offer("image_url_list", {"field": name}, 2, why=f"unsure: {reason(guess)}")
    draft.say("OPEN: no column surely holds addresses of pictures (M3.5)", 2)
    draft.wait(
        draft.rows,
        "attributes.image_url_list",
        "no column surely holds addresses of pictures",
        "Name the column; file names need the server's address before them: a template.",
    )
