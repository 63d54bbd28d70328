"""Change one place of a YAML document and leave the others as they are written, comments too. Pure.

The new text is read again: where it would not say what was asked for (an anchor that stands in
several places), nothing is changed.
"""

import copy
from collections.abc import Sequence
from typing import Any

import yaml

from channel_cli.yaml_documents import NotYaml, read_yaml

INDENT = 2


class NotEdited(ValueError):
    """The document cannot be changed at this place; the message says which."""


def put(text: str, path: Sequence[str], value: Any) -> str:
    """The document with `value` at `path`; mappings that are lacking are made.

    Raises `NotYaml`, and `NotEdited`.
    """
    before = read_yaml(text).value
    if before is not None and not isinstance(before, dict):
        raise NotEdited("the document is no mapping")
    wanted = _with(before or {}, path, value)
    changed = _edited(text, path, value)
    try:
        is_right = read_yaml(changed).value == wanted
    except NotYaml:
        is_right = False
    if not is_right:
        raise NotEdited(f"{'.'.join(path)} cannot be changed in the file as it is written")
    return changed


def _with(document: dict[str, Any], path: Sequence[str], value: Any) -> dict[str, Any]:
    changed = copy.deepcopy(document)
    here = changed
    for step in path[:-1]:
        below = here.get(step)
        here[step] = here = below if isinstance(below, dict) else {}
    here[path[-1]] = value
    return changed


def _edited(text: str, path: Sequence[str], value: Any) -> str:
    root = yaml.compose(text, Loader=yaml.SafeLoader)
    if not isinstance(root, yaml.MappingNode):
        return _appended(text, _lines(path, value, 0))
    node, steps = root, list(path)
    while True:
        entry = _entry(node, steps[0])
        if entry is None:
            return _with_entry(text, node, steps, value)
        below = entry[1]
        if len(steps) == 1 or not isinstance(below, yaml.MappingNode) or not below.value:
            return _with_value(text, entry, steps[1:], value)
        node, steps = below, steps[1:]


def _entry(node: yaml.MappingNode, key: str) -> tuple[yaml.Node, yaml.Node] | None:
    """The last entry of that key, which is the one that counts."""
    found = [entry for entry in node.value if _key_of(entry[0]) == key]
    return found[-1] if found else None


def _key_of(node: yaml.Node) -> str | None:
    return node.value if isinstance(node, yaml.ScalarNode) else None


def _with_entry(text: str, node: yaml.MappingNode, steps: Sequence[str], value: Any) -> str:
    """The mapping with an entry more, behind its last."""
    if node.flow_style:
        at = node.end_mark.index - 1
        inner = text[node.start_mark.index + 1 : at]
        comma = ", " if inner.strip() and not inner.rstrip().endswith(",") else ""
        return text[:at].rstrip() + comma + _flow_entry(steps, value) + text[at:]
    indent = node.start_mark.column
    at = _line_end(text, _end_of(node, text))
    return _inserted(text, at, _lines(steps, value, indent))


def _with_value(
    text: str, entry: tuple[yaml.Node, yaml.Node], steps: Sequence[str], value: Any
) -> str:
    """The entry with another value; what it had is gone."""
    key, old = entry
    for step in reversed(steps):
        value = {step: value}
    begin = key.end_mark.index
    begin = text.index(":", begin) + 1
    end = max(_end_of(old, text), begin)
    return f"{text[:begin]} {_flow(value)}{text[end:]}"


def _end_of(node: yaml.Node, text: str) -> int:
    """Where what is written of a node ends, without the blanks and comments behind it."""
    if isinstance(node, yaml.MappingNode) and not node.flow_style and node.value:
        return _end_of(node.value[-1][1], text) or int(node.value[-1][0].end_mark.index)
    if isinstance(node, yaml.SequenceNode) and not node.flow_style and node.value:
        return _end_of(node.value[-1], text)
    end = int(node.end_mark.index)
    begin = int(node.start_mark.index)
    return begin + len(text[begin:end].rstrip()) if end > begin else end


def _line_end(text: str, at: int) -> int:
    end = text.find("\n", at)
    return len(text) if end < 0 else end


def _inserted(text: str, at: int, lines: Sequence[str]) -> str:
    return text[:at] + "".join(f"\n{line}" for line in lines) + (text[at:] or "\n")


def _appended(text: str, lines: Sequence[str]) -> str:
    return text.rstrip("\n") + ("\n" if text.strip() else "") + "\n".join(lines) + "\n"


def _lines(steps: Sequence[str], value: Any, indent: int) -> list[str]:
    """An entry in lines of its own: a line for each step, the value on the last."""
    *above, last = (
        " " * (indent + INDENT * place) + _scalar(step) for place, step in enumerate(steps)
    )
    return [*(f"{line}:" for line in above), f"{last}: {_flow(value)}"]


def _flow_entry(steps: Sequence[str], value: Any) -> str:
    for step in reversed(steps[1:]):
        value = {step: value}
    return f"{_scalar(steps[0])}: {_flow(value)}"


def _flow(value: Any) -> str:
    """The value on one line."""
    written = yaml.safe_dump(
        value, default_flow_style=True, allow_unicode=True, width=10**9, sort_keys=False
    )
    return written.removesuffix("\n").removesuffix("\n...").rstrip()


def _scalar(text: str) -> str:
    """A key on one line; quoted where it would be read otherwise."""
    written = _flow([text])[1:-1]
    return written if len(written) < 120 else _quoted(text)


def _quoted(text: str) -> str:
    written = yaml.safe_dump(text, default_style='"', allow_unicode=True, width=10**9)
    return written.removesuffix("\n")
