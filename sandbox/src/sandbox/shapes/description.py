"""Reads `answers.txt`, the description of every method's answer. Pure but for `load`."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

OBJECT = "object"
_LINE = re.compile(
    r"(?P<indent> *)(?P<name>\w+)(?P<optional>\?)?(?:\[(?P<element>\w+)\])?"
    r"(?: +(?P<kind>\w+))?(?: +: +(?P<certainty>.+))?"
)
_HEAD = re.compile(r"(?P<title>[^:]+?)(?: +: +(?P<certainty>.+))?")
_INDENT = 4


@dataclass(frozen=True)
class Field:
    """One field of an answer.

    `kind` is one of those `answers.txt` explains, or `object` with `fields` below; with an
    `element` it is that of a list's items.
    """

    name: str
    kind: str
    certainty: str
    element: str = ""
    is_optional: bool = False
    fields: tuple["Field", ...] = ()

    def everything(self) -> Iterator["Field"]:
        """The field and all below it."""
        yield self
        for field in self.fields:
            yield from field.everything()


@dataclass(frozen=True)
class Answer:
    """An answer of a method; `variant` says which, empty for the usual one."""

    method: str
    variant: str
    certainty: str
    fields: tuple[Field, ...]

    def everything(self) -> Iterator[Field]:
        """All fields at any depth."""
        for field in self.fields:
            yield from field.everything()


class NotDescribed(ValueError):
    """A line of the description cannot be read."""


@cache
def load() -> dict[tuple[str, str], Answer]:
    """The answers by method and variant."""
    return read(Path(__file__).with_name("answers.txt").read_text())


def read(text: str) -> dict[tuple[str, str], Answer]:
    """The answers a description holds, by method and variant. Raises `NotDescribed`."""
    shapes: dict[str, tuple[Field, ...]] = {}
    answers: dict[tuple[str, str], Answer] = {}
    for head, body in _blocks(text):
        title, certainty = head
        fields = _fields(body, 0, certainty, shapes)
        if "." not in title and "/" not in title:
            shapes[title] = fields
            continue
        method, _, variant = title.partition(" ")
        answers[method, variant] = Answer(method, variant, certainty, fields)
    return answers


def _blocks(text: str) -> Iterator[tuple[tuple[str, str], list[str]]]:
    """Each head (title and certainty) with the lines below it."""
    head: tuple[str, str] | None = None
    body: list[str] = []
    for line in text.splitlines():
        if not line.strip() or line.startswith("#"):
            continue
        if line.startswith(" "):
            body.append(line)
            continue
        if head is not None:
            yield head, body
        found = _HEAD.fullmatch(line)
        if found is None:
            raise NotDescribed(line)
        head, body = (found["title"], found["certainty"] or ""), []
    if head is not None:
        yield head, body


def _fields(
    lines: list[str], depth: int, certainty: str, shapes: dict[str, tuple[Field, ...]]
) -> tuple[Field, ...]:
    """The fields that stand `depth` levels deep in `lines`, each with what is below it."""
    fields: list[Field] = []
    place = 0
    while place < len(lines):
        found = _LINE.fullmatch(lines[place])
        if found is None or len(found["indent"]) != (depth + 1) * _INDENT:
            raise NotDescribed(lines[place])
        end = place + 1
        while end < len(lines) and lines[end].startswith(" " * (depth + 2) * _INDENT):
            end += 1
        sure = found["certainty"] or certainty
        below = _fields(lines[place + 1 : end], depth + 1, sure, shapes)
        kind = found["kind"] or OBJECT
        if kind in shapes:
            below, kind = _as_sure_as(shapes[kind], sure), OBJECT
        if (kind == OBJECT) != bool(below):
            raise NotDescribed(lines[place])
        fields.append(
            Field(found["name"], kind, sure, found["element"] or "", bool(found["optional"]), below)
        )
        place = end
    return tuple(fields)


def _as_sure_as(fields: tuple[Field, ...], certainty: str) -> tuple[Field, ...]:
    """The fields of a shape, as sure as the one that has the shape where they say nothing."""
    return tuple(
        replace(
            field,
            certainty=field.certainty or certainty,
            fields=_as_sure_as(field.fields, certainty),
        )
        for field in fields
    )
