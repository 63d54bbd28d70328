"""A table is written by one store: `python -m lint.stores`.

Who looks for what may happen to a row reads one file. Writes are seen in text (`INSERT INTO`,
`UPDATE`, `DELETE FROM`, COPY) and in Core (`insert`, `update`, `delete` of a table).
"""

import ast
import re
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterator, Mapping, Set
from pathlib import Path, PurePosixPath

WRITES = re.compile(r"\b(?:INSERT\s+INTO|UPDATE|DELETE\s+FROM)\s+([a-z_]+)\b")
NO_TABLE = {"set", "of"}
"""What follows the words UPDATE SET of an upsert and FOR UPDATE OF."""
CORE_WRITES = {"insert", "update", "delete"}


def tables_written(source: str) -> Set[str]:
    """The tables a module's statements write, of text and of Core."""
    tree = ast.parse(source)
    return {*_in_text(tree), *_in_core(tree)} - NO_TABLE


def _in_text(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield from WRITES.findall(node.value)


def _in_core(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        match node.func, node.args:
            case ast.Attribute(ast.Name(table), attr), _ if attr in CORE_WRITES and table != "sa":
                yield table.lower()
            case ast.Attribute(ast.Name("sa" | "pg"), attr), [ast.Name(table), *_] if (
                attr in CORE_WRITES
            ):
                yield table.lower()
            case ast.Name(attr), [ast.Name(table), *_] if attr in CORE_WRITES:
                yield table.lower()
            case ast.Attribute(_, "copy_records_to_table"), [ast.Constant(table), *_]:
                yield str(table)


def find_shared(sources: Mapping[PurePosixPath, str], known: Set[str]) -> dict[str, list[str]]:
    """The known tables that several modules write, each with these modules."""
    writers: dict[str, list[str]] = defaultdict(list)
    for path, source in sources.items():
        for table in tables_written(source) & known:
            writers[table].append(str(path))
    return {table: sorted(paths) for table, paths in writers.items() if len(paths) > 1}


def tables_declared(source: str) -> Set[str]:
    """The tables a `tables.py` declares."""
    return {
        str(node.args[0].value)
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id == "Table"
        and isinstance(node.args[0], ast.Constant)
    }


def main() -> int:
    """Check every member; returns the exit code."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "*/src/*.py"],  # noqa: S607 - the git at hand
        capture_output=True,
        text=True,
        check=True,
    ).stdout.splitlines()
    members: dict[str, dict[PurePosixPath, str]] = defaultdict(dict)
    for name in listed:
        if Path(name).exists() and "migrations" not in name:
            members[name.partition("/src/")[0]][PurePosixPath(name)] = Path(name).read_text()
    failed = False
    for member, sources in members.items():
        known = {
            t for path, s in sources.items() if path.name == "tables.py" for t in tables_declared(s)
        }
        for table, paths in find_shared(sources, known).items():
            failed = True
            print(f"{member}: the table {table} is written by {', '.join(paths)}")
    if not failed:
        print(f"stores: ok ({len(members)} members)")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
