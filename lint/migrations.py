"""New migrations lock no table for long and break no running version: `python -m lint.migrations`.

squawk reads the SQL of every revision of every service, as Alembic would run it.
"""

import importlib
import importlib.util
import io
import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from alembic.operations import Operations
from alembic.runtime.migration import MigrationContext

SERVICES = ("auth_service", "catalog_service", "feed_publisher", "order_importer")
POSTGRES = "18"
LEFT_OUT = (
    "prefer-bigint-over-int",  # counts and numbers of a page; ids are bigint
    "require-lock-timeout",  # common.postgres.migrate sets it for all
    "require-statement-timeout",  # a statement that has its locks may take its time
)
FIRST_RELEASE = {
    "auth_service": "0005",
    "catalog_service": "0009",
    "feed_publisher": "0010",
    "order_importer": "0009",
}
"""The newest revision before this rule was made: it and those before it are of version 0.1, which
nobody had installed before. Never raised: what comes after has tables of customers before it."""


def revisions_of(service: str) -> Iterator[Path]:
    """The files of a service's revisions that have to keep the rules, the oldest first."""
    package = importlib.import_module(service)
    folder = Path(str(package.__file__)).parent / "migrations" / "versions"
    for path in sorted(folder.glob("[0-9]*.py")):
        if path.stem.partition("_")[0] > FIRST_RELEASE[service]:
            yield path


def sql_of(revision: Path) -> str:
    """The statements of a revision, in the transaction they are run in."""
    spec = importlib.util.spec_from_file_location(f"revision_{revision.stem}", revision)
    if spec is None or spec.loader is None:
        raise ImportError(str(revision))
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    text = io.StringIO()
    context = MigrationContext.configure(
        dialect_name="postgresql", opts={"as_sql": True, "output_buffer": text}
    )
    with Operations.context(context):
        module.upgrade()
    return f"BEGIN;\n{text.getvalue()}\nCOMMIT;\n"


def problems_of(revision: Path) -> Iterator[str]:
    """What squawk finds in a revision, a line each."""
    with tempfile.NamedTemporaryFile("w", suffix=".sql") as script:
        script.write(sql_of(revision))
        script.flush()
        squawk = Path(sys.executable).with_name("squawk")
        run = subprocess.run(
            [
                str(squawk),
                *("--pg-version", POSTGRES, "--reporter", "json"),
                *(word for rule in LEFT_OUT for word in ("--exclude", rule)),
                script.name,
            ],
            capture_output=True,
            text=True,
            check=False,
        )
    if run.returncode not in {0, 1}:
        raise RuntimeError(f"squawk failed on {revision}: {run.stderr}")
    for found in json.loads(run.stdout):
        remedy = f" {found['help']}" if found.get("help") else ""
        yield f"{revision}: {found['rule_name']}: {found['message']}{remedy}"


def main() -> int:
    """Check all services' new revisions; returns the exit code."""
    revisions = [path for service in SERVICES for path in revisions_of(service)]
    problems = [problem for path in revisions for problem in problems_of(path)]
    for problem in problems:
        print(problem)
    if not problems:
        print(f"migrations: ok ({len(revisions)} since the first release)")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
