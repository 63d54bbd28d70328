"""JSON Lines: one object a line, nested values flattened to texts."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

from catalog_service.files.readers.encoding import BAD_BYTES
from catalog_service.files.readers.items import MAX_ROW, BadLine, Entry, item_of
from catalog_service.files.readers.keys import Keys
from catalog_service.files.readers.placeholders import without_placeholders
from common.contracts.catalog import FieldValue


def read_json_lines(path: Path, encoding: str, keys: Keys) -> Iterator[Entry]:
    """The file's products and bad lines."""
    for row in read_objects(path, encoding):
        if isinstance(row, BadLine):
            yield row
        else:
            line, fields = row[0], without_placeholders(row[1])
            yield item_of(line, *keys.of(fields), fields)


def read_objects(
    path: Path, encoding: str
) -> Iterator[tuple[int, dict[str, FieldValue]] | BadLine]:
    """Each line's number and its object, or what is wrong with it."""
    with path.open(encoding=encoding, errors=BAD_BYTES, newline="\n") as file:
        line = 0
        while text := file.readline(MAX_ROW):
            line += 1
            if not text.strip():
                continue
            if len(text) >= MAX_ROW and not text.endswith("\n"):
                yield BadLine(line, "the line is too long", f"Keep to {MAX_ROW} characters.")
                _skip_line(file)
                continue
            yield _object(line, text)


def _skip_line(file: Any) -> None:
    while text := file.readline(MAX_ROW):
        if text.endswith("\n"):
            return


def _object(line: int, text: str) -> tuple[int, dict[str, FieldValue]] | BadLine:
    try:
        value = msgspec.json.decode(text)
        if not isinstance(value, dict):
            return BadLine(line, "the line is no JSON object", "Send one JSON object a line.")
        return line, {str(name): _field(inner) for name, inner in value.items()}
    except UnicodeError:
        return BadLine(
            line,
            "the line has bytes that are not of the file's encoding",
            "Save the line in the encoding of the others, best as UTF-8.",
        )
    except (msgspec.DecodeError, ValueError, RecursionError) as error:
        return BadLine(line, f"the line is no JSON: {error}", "Send one JSON object a line.")


def _field(value: Any) -> FieldValue:
    if value is None or isinstance(value, str | bool | int | float):
        return value
    if isinstance(value, list) and all(isinstance(item, str) for item in value):
        return value
    return json.dumps(value, ensure_ascii=False)
