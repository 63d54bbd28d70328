"""Rows of products whose rows do not stand together, kept on disk until the last one came."""

import json
import os
from array import array
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import IO

from catalog_service.files.readers.tables import TableRow


def count_scattered(names: Iterable[str | None]) -> dict[str, int]:
    """How many rows have the products that come back after another row, by name; None or blank
    is the name of none."""
    counts: Counter[str] = Counter()
    scattered: set[str] = set()
    previous: str | None = None
    for name in names:
        if name:
            if name != previous and name in counts:
                scattered.add(name)
            counts[name] += 1
        previous = name
    return {name: counts[name] for name in scattered}


class ScatteredRows:
    """Takes the rows of scattered products in any order, and gives each product's together.

    They are kept in `file`, for all rows of a catalogue may be scattered; in memory are their
    places, eight bytes each. `counts` is how many rows each product has.
    """

    def __init__(self, counts: Mapping[str, int], file: IO[bytes]) -> None:
        self._missing = dict(counts)
        self._places: defaultdict[str, array[int]] = defaultdict(lambda: array("Q"))
        self._file = file

    def __contains__(self, name: object) -> bool:
        return name in self._missing

    def add(self, name: str, row: TableRow) -> Iterator[TableRow] | None:
        """Keep a row; with a product's last one all its rows, in the file's order."""
        self._places[name].append(self._file.seek(0, os.SEEK_END))
        # ASCII: bytes that are not of the file's encoding are kept as they were read.
        self._file.write(json.dumps([row.line, dict(row.cells)]).encode("ascii") + b"\n")
        self._missing[name] -= 1
        return None if self._missing[name] else self._take(name)

    def _take(self, name: str) -> Iterator[TableRow]:
        for place in self._places.pop(name):
            self._file.seek(place)
            line, cells = json.loads(self._file.readline())
            yield TableRow(line, cells)
