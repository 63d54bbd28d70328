"""`python -m sandbox.shapes METHOD` shows what a method answers; without one, which there are."""

import sys
from collections.abc import Iterable, Iterator

from sandbox.shapes.description import OBJECT, Field, load


def _lines(fields: Iterable[Field], depth: int = 1) -> Iterator[str]:
    for field in fields:
        name = f"{field.name}{'?' if field.is_optional else ''}"
        name += f"[{field.element}]" if field.element else ""
        kind = "" if field.kind == OBJECT else field.kind
        yield f"{'    ' * depth + name:<48} {kind:<8} {field.certainty}\n"
        yield from _lines(field.fields, depth + 1)


def main() -> None:
    """Show one method's answers, or name all methods."""
    wanted = sys.argv[1:]
    for (method, variant), answer in load().items():
        if not wanted or method in wanted:
            sys.stdout.write(f"{method} {variant}".rstrip() + "\n")
        if method in wanted:
            sys.stdout.writelines(_lines(answer.fields))


if __name__ == "__main__":
    main()
