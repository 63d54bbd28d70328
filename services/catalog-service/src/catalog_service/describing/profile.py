"""One column's values, counted with bounded memory. Pure."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from hashlib import blake2b

from catalog_service.describing.shapes import Shape, list_sign, path_sign, shapes_of
from common.contracts.catalog import FieldValue

MOST_EXAMINED = 1_000
"""Values of a column whose shapes are looked at; how often it is filled is counted for all."""
MOST_DISTINCT = 20_000
MOST_SAMPLES = 5
LONGEST_SAMPLE = 120
LONGEST_KEY = 200


@dataclass
class ColumnProfile:
    """What was seen of a column; `distinct` counts values by their first characters."""

    name: str
    filled: int = 0
    filled_in_children: int = 0
    """How many of the rows that fill it have a parent."""
    examined: int = 0
    lists: int = 0
    length: int = 0
    distinct: Counter[str] = field(default_factory=Counter)
    is_exact: bool = True
    samples: list[str] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)
    """The values examined, the first of a list's."""
    shapes: Counter[Shape] = field(default_factory=Counter)

    def add(self, value: FieldValue, *, is_child: bool = False) -> None:
        """Count one row's value, of a row that has a parent or not; a blank one is none."""
        values = [text for text in _texts(value) if text.strip()]
        if not values:
            return
        self.filled += 1
        self.filled_in_children += is_child
        shown = " | ".join(values)
        key = _key(shown)
        if key in self.distinct or len(self.distinct) < MOST_DISTINCT:
            self.distinct[key] += 1
        else:
            self.is_exact = False
        if self.examined < MOST_EXAMINED:
            self._examine(values, isinstance(value, list))
        sample = shown[:LONGEST_SAMPLE]
        if len(self.samples) < MOST_SAMPLES and sample not in self.samples:
            self.samples.append(sample)

    def _examine(self, values: list[str], is_list: bool) -> None:
        self.examined += 1
        self.lists += is_list
        self.length += len(values[0])
        self.texts.append(values[0])
        self.shapes.update(shapes_of(values[0]))

    def share(self, *shapes: Shape) -> float:
        """The share of examined values that have one of the shapes most have of these."""
        if not self.examined:
            return 0.0
        return min(1.0, sum(self.shapes[shape] for shape in shapes) / self.examined)

    @property
    def uniqueness(self) -> float:
        """Distinct values for each filled one; 1 where none repeats."""
        return len(self.distinct) / self.filled if self.filled and self.is_exact else 0.0

    @property
    def average_length(self) -> float:
        """Characters of an examined value."""
        return self.length / self.examined if self.examined else 0.0

    def list_separator(self) -> str | None:
        """What divides several addresses in one text, where that is how they are written."""
        return _most(list_sign(text) for text in self.texts)

    def path_separator(self) -> str | None:
        """What divides the steps of the column's paths."""
        return _most(path_sign(text) for text in self.texts)


def _key(shown: str) -> str:
    """A value as it is counted: a long one by its beginning and a digest."""
    if len(shown) <= LONGEST_KEY:
        return shown
    digest = blake2b(shown.encode(errors="surrogatepass"), digest_size=8).hexdigest()
    return f"{shown[:LONGEST_KEY]}~{digest}"


def _most(signs: Iterator[str | None]) -> str | None:
    counts = Counter(sign for sign in signs if sign is not None)
    return counts.most_common(1)[0][0] if counts else None


def _texts(value: FieldValue) -> list[str]:
    if value is None:
        return []
    if isinstance(value, list):
        return value
    if isinstance(value, bool):
        return [str(value).lower()]
    return [str(value)]
