"""A YAML document with the line of each of its parts. Pure.

What JSON cannot say (dates, keys that stand twice) is found here: it would be lost, or changed, on
the way to a service.
"""

from dataclasses import dataclass, field
from typing import Any

import yaml

Path = tuple[str | int, ...]


class NotYaml(ValueError):
    """The text is no YAML; the message says where."""


@dataclass(frozen=True)
class Trouble:
    """What is wrong at a line."""

    line: int
    path: Path
    message: str


@dataclass
class YamlDocument:
    """A document as JSON has it, and the lines of its parts; the first line is 1."""

    value: Any
    lines: dict[Path, int]
    troubles: list[Trouble] = field(default_factory=list)

    def line_of(self, path: Path) -> int:
        """The line of this part, or of the nearest one around it."""
        while path not in self.lines and path:
            path = path[:-1]
        return self.lines.get(path, 1)


def read_yaml(text: str) -> YamlDocument:
    """The document. Raises `NotYaml`."""
    loader = yaml.SafeLoader(text)
    reader = _Reader(loader)
    try:
        root = loader.get_single_node()
        value = None if root is None else reader.read(root, ())
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = "" if mark is None else f"line {mark.line + 1}, column {mark.column + 1}: "
        raise NotYaml(f"{place}{error.problem or error.context}") from None
    except NotYaml:
        raise
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise NotYaml(str(error)) from None
    finally:
        loader.dispose()
    return YamlDocument(value, reader.lines, reader.troubles)


class _Reader:
    """Makes values of nodes and notes where they stand."""

    def __init__(self, loader: yaml.SafeLoader) -> None:
        self._loader = loader
        self._looked_through: set[int] = set()
        self.lines: dict[Path, int] = {}
        self.troubles: list[Trouble] = []

    def read(self, node: yaml.Node, path: Path) -> Any:
        self.lines.setdefault(path, _line(node))
        if isinstance(node, yaml.MappingNode):
            return self._read_mapping(node, path)
        if isinstance(node, yaml.SequenceNode):
            return [self.read(item, (*path, number)) for number, item in enumerate(node.value)]
        value = self._loader.construct_object(node)
        if value is None or isinstance(value, str | bool | int | float):
            return value
        kind = type(value).__name__
        message = f"{node.value} is a {kind} in YAML: put it in quotes to have the text"
        self.troubles.append(Trouble(_line(node), path, message))
        return str(node.value)

    def _read_mapping(self, node: yaml.MappingNode, path: Path) -> dict[str, Any]:
        if id(node) not in self._looked_through:  # an anchor's is met again by its aliases
            self._looked_through.add(id(node))
            self._find_twice(node, path)
            self._loader.flatten_mapping(node)  # what `<<` brings stands before what is its own
        mapping: dict[str, Any] = {}
        for key_node, value_node in node.value:
            key = self._key(key_node)
            self.lines[(*path, key)] = _line(key_node)
            mapping[key] = self.read(value_node, (*path, key))
        return mapping

    def _find_twice(self, node: yaml.MappingNode, path: Path) -> None:
        seen: set[str] = set()
        for key_node, _ in node.value:
            if key_node.tag == _MERGE:
                continue
            key = self._key(key_node)
            if key in seen:
                message = f"{key} stands twice: only the last counts"
                self.troubles.append(Trouble(_line(key_node), (*path, key), message))
            seen.add(key)

    def _key(self, node: yaml.Node) -> str:
        """A key as JSON has it: YAML reads `true` and `12` as values. Raises `NotYaml`."""
        if not isinstance(node, yaml.ScalarNode):
            raise NotYaml(f"line {_line(node)}: a key is a text, no list and no mapping")
        key = self._loader.construct_object(node)
        if key is None:
            return "null"
        return str(key).lower() if isinstance(key, bool) else str(key)


_MERGE = "tag:yaml.org,2002:merge"


def _line(node: yaml.Node) -> int:
    return int(node.start_mark.line) + 1
