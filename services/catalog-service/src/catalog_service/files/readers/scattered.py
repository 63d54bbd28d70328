"""Rows of products whose rows do not stand together, kept on disk until the last one came."""

import json
import sqlite3
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping

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

    On disk, in a file of SQLite's own that goes with it: all rows of a file may be scattered.
    """

    def __init__(self, counts: Mapping[str, int]) -> None:
        self._missing = dict(counts)
        # The file is read by one thread at a time, not always the same.
        self._rows = sqlite3.connect("", check_same_thread=False, isolation_level=None)
        self._rows.execute("CREATE TABLE kept (name TEXT, line INTEGER, cells TEXT)")
        self._rows.execute("CREATE INDEX kept_by_name ON kept (name, line)")

    def __contains__(self, name: object) -> bool:
        return name in self._missing

    def add(self, name: str, row: TableRow) -> Iterator[TableRow] | None:
        """Keep a row; with a product's last one all its rows, in the file's order."""
        values = (json.dumps(name), row.line, json.dumps(dict(row.cells)))
        self._rows.execute("INSERT INTO kept VALUES (?, ?, ?)", values)
        self._missing[name] -= 1
        return None if self._missing[name] else self._take(name)

    def _take(self, name: str) -> Iterator[TableRow]:
        key = (json.dumps(name),)
        found = "SELECT line, cells FROM kept WHERE name = ? ORDER BY line"
        for line, cells in self._rows.execute(found, key):
            yield TableRow(line, json.loads(cells))

    def close(self) -> None:
        """Give the disk back."""
        self._rows.close()
