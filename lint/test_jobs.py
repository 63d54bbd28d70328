"""Every background job is in docs/security.md, with the test that poisons a row of it."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parent.parent
MAKERS = {"Job", "when_caught_up"}
ROW = re.compile(r"^\| (?P<service>\w+) \| `(?P<job>[\w-]+)` \| (?P<row>.*?) \| (?P<test>.*?) ?\|$")
TEST = re.compile(r"`(?P<file>test_\w+\.py)::(?P<test>test_\w+)`")
PACKAGES = {
    "every": "libs/common/src/common",
    "auth": "services/auth-service/src",
    "catalog": "services/catalog-service/src",
    "publisher": "services/feed-publisher/src",
    "orders": "services/order-importer/src",
}


def jobs_in(folder: Path) -> Iterator[str]:
    """The names of the jobs made there; of numbered ones what stands before the number."""
    for path in folder.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") in MAKERS:
                yield from _name(node.args[0])


def _name(argument: ast.expr) -> Iterator[str]:
    if isinstance(argument, ast.JoinedStr):
        argument = argument.values[0]
        assert isinstance(argument, ast.Constant)
    if isinstance(argument, ast.Constant):
        yield str(argument.value).rstrip("-")
    else:
        assert isinstance(argument, ast.Name), "a job's name is written where it is made"


def documented() -> dict[tuple[str, str], tuple[str, str]]:
    """What the table says: by service and job, the row and the test."""
    lines = (ROOT / "docs/security.md").read_text().splitlines()
    rows = [found for line in lines if (found := ROW.match(line))]
    return {(row["service"], row["job"]): (row["row"], row["test"]) for row in rows}


def test_the_jobs_of_the_code_are_those_of_the_table() -> None:
    made = {(service, job) for service, place in PACKAGES.items() for job in jobs_in(ROOT / place)}
    assert made | {("every", "relay")} == documented().keys()


def test_every_job_that_takes_rows_is_poisoned_by_a_test_that_exists() -> None:
    for job, (row, test) in documented().items():
        if row.startswith("none"):
            assert not test, job
            continue
        named = TEST.fullmatch(test)
        assert named, job
        [path] = [*ROOT.glob(f"*/*/tests/**/{named['file']}")]
        defined = {
            node.name
            for node in ast.walk(ast.parse(path.read_text()))
            if isinstance(node, ast.AsyncFunctionDef | ast.FunctionDef)
        }
        assert named["test"] in defined, job
