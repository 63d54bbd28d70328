"""House rules that ruff cannot say: `python -m lint.rules` checks every file of the repository.

A line is excused by `# rule: <name> - <reason>` on it; an excuse without its reason is a finding.
"""

import ast
import gc
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import TypeGuard

LONGEST_MODULE_LINES = 500


@dataclass(frozen=True)
class Finding:
    """A line that breaks a rule."""

    path: PurePosixPath
    line: int
    rule: str
    message: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.rule}: {self.message}"


@dataclass
class Source:
    """One file: its path from the root of the repository, and its text."""

    path: PurePosixPath
    text: str

    @property
    def is_test(self) -> bool:
        """Whether it is test code."""
        return "tests" in self.path.parts or self.path.name.startswith(("test_", "conftest"))

    @property
    def is_product(self) -> bool:
        """Whether it ships: the libraries and the services."""
        return self.path.parts[0] in {"libs", "services"} and not self.is_test

    @cached_property
    def tree(self) -> ast.Module:
        """The parsed module."""
        return ast.parse(self.text, str(self.path))

    @cached_property
    def nodes(self) -> list[ast.AST]:
        """All nodes of the module, found once for all rules."""
        return list(ast.walk(self.tree))

    @cached_property
    def docstrings(self) -> set[int]:
        """The ids of the constants that are docstrings, of attributes too."""
        return {
            id(node.value)
            for node in self.nodes
            if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
        }

    def strings(self) -> Iterator[tuple[int, str]]:
        """Every string but docstrings: its line, and its text with `{}` for what is filled in."""
        said_elsewhere = set(self.docstrings)
        for node in self.nodes:
            if isinstance(node, ast.JoinedStr):
                said_elsewhere |= {id(part) for part in node.values}
                parts = (p.value if isinstance(p, ast.Constant) else "{}" for p in node.values)
                yield node.lineno, "".join(map(str, parts))
        for node in self.nodes:
            if (
                isinstance(node, ast.Constant)
                and isinstance(node.value, str)
                and id(node) not in said_elsewhere
            ):
                yield node.lineno, node.value

    def finding(self, line: int, rule: str, message: str) -> Finding:
        """A finding in this file."""
        return Finding(self.path, line, rule, message)


Rule = Callable[[Source], Iterator[Finding]]

COMMITTERS = {
    "libs/common/src/common/postgres/unit_of_work.py",
    "libs/common/src/common/postgres/migrate.py",
    "libs/common/src/common/messaging/assignment.py",  # Kafka's, of positions, for dashboards
}


def commit(source: Source) -> Iterator[Finding]:
    """Only `unit_of_work` opens and commits transactions."""
    if not source.is_product or str(source.path) in COMMITTERS:
        return
    for node in source.nodes:
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            name = node.func.attr
            if name in {"commit", "transaction", "rollback"}:
                yield source.finding(node.lineno, "commit", f"{name}() belongs in unit_of_work")


SQL = re.compile(
    r"^\s*(SELECT\s|INSERT\s+INTO\s|UPDATE\s+\S+\s+SET\s|DELETE\s+FROM\s|WITH\s+\w+.*\bAS\s*\("
    r"|CREATE\s+(TABLE|INDEX|UNIQUE)|ALTER\s+TABLE|DROP\s+TABLE|TRUNCATE\s)"
)
SQL_FOLDERS = ("libs/common/src/common/messaging/", "libs/common/src/common/postgres/")


def sql_outside_store(source: Source) -> Iterator[Finding]:
    """SQL stands in `store.py`, in migrations and in the shared mechanisms."""
    path = str(source.path)
    is_home = source.path.name == "store.py" or "migrations" in source.path.parts
    if not source.is_product or is_home or path.startswith(SQL_FOLDERS):
        return
    for line, text in source.strings():
        if SQL.match(text):
            yield source.finding(line, "sql-outside-store", "move this query to store.py")


SQL_WORD = re.compile(r"\b(SELECT|INSERT|UPDATE|DELETE|CREATE|ALTER|WHERE|VALUES|DEFAULT)\b")
SQL_CLOCK = re.compile(
    r"\b(now|clock_timestamp|statement_timestamp|transaction_timestamp)\(\)"
    r"|\bcurrent_(timestamp|date|time)\b",
    re.IGNORECASE,
)
SQL_CLOCK_MESSAGE = "time comes from common.clock, as a parameter"


def sql_clock(source: Source) -> Iterator[Finding]:
    """SQL never asks the server's clock for business time."""
    if not source.is_product:
        return
    for line, text in source.strings():
        if SQL_WORD.search(text) and SQL_CLOCK.search(text):
            yield source.finding(line, "sql-clock", SQL_CLOCK_MESSAGE)


def sql_file_clock(source: Source) -> Iterator[Finding]:
    """The same, for files of SQL."""
    for number, line in enumerate(source.text.splitlines(), 1):
        if SQL_CLOCK.search(line.partition("--")[0]):
            yield source.finding(number, "sql-clock", SQL_CLOCK_MESSAGE)


SLEEPS = {"time.sleep", "asyncio.sleep"}


def sleep_in_test(source: Source) -> Iterator[Finding]:
    """Tests wait for facts: a sleep stands only in a loop that asks for one."""
    if not source.is_test:
        return
    asking = {
        id(node) for loop in source.nodes if isinstance(loop, ast.While) for node in ast.walk(loop)
    }
    for node in source.nodes:
        if not isinstance(node, ast.Call) or id(node) in asking:
            continue
        if ast.unparse(node.func) in SLEEPS and ast.unparse(node) != "asyncio.sleep(0)":
            yield source.finding(
                node.lineno, "sleep-in-test", "await the condition: stack.testing.eventually"
            )


MONEY = re.compile(r"(?:^|_)(price|amount|fee|tax|discount|money|subtotal)s?(?:_|$)")


def float_money(source: Source) -> Iterator[Finding]:
    """Money is a decimal string and a currency, never a float."""
    message = "money is a decimal string, computed as Decimal"
    for node in source.nodes:
        if isinstance(node, ast.arg) and node.annotation is not None:
            name, kind = node.arg, ast.unparse(node.annotation)
        elif isinstance(node, ast.AnnAssign):
            name, kind = ast.unparse(node.target).rpartition(".")[2], ast.unparse(node.annotation)
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.returns is not None:
            name, kind = node.name, ast.unparse(node.returns)
        elif isinstance(node, ast.Call) and ast.unparse(node.func) == "float" and node.args:
            name, kind = re.sub(r"\W+", "_", ast.unparse(node.args[0])), "float"
        else:
            continue
        if MONEY.search(name.lower()) and re.search(r"\bfloat\b", kind):
            yield source.finding(node.lineno, "float-money", message)


SAYS_PURE = re.compile(r"\bPure\b[.:]")
EFFECTS = {"asyncio", "asyncpg", "aiokafka", "httpx2", "socket", "subprocess", "time", "os"}


def pure_rules(source: Source) -> Iterator[Finding]:
    """A module that calls itself pure does no I/O and reads no clock: values are passed in."""
    if not source.is_product or not SAYS_PURE.search(ast.get_docstring(source.tree) or ""):
        return
    for node in source.nodes:
        if isinstance(node, ast.Import):
            names = {alias.name.partition(".")[0] for alias in node.names}
            clocks = {alias.name for alias in node.names} & {"common.clock"}
        elif isinstance(node, ast.ImportFrom):
            names = {(node.module or "").partition(".")[0]}
            clocks = {a.name for a in node.names if node.module == "common"} & {"clock"}
            clocks |= {node.module or ""} & {"common.clock"}
        else:
            continue
        for name in sorted(names & EFFECTS | clocks):
            yield source.finding(node.lineno, "pure-rules", f"a pure module does not import {name}")


VAGUE = {"utils.py", "util.py", "helpers.py", "helper.py", "manager.py", "base.py", "misc.py"}


def module_shape(source: Source) -> Iterator[Finding]:
    """Modules are named for a concept and stay short."""
    lines = source.text.count("\n")
    if source.path.name in VAGUE:
        yield source.finding(1, "vague-name", "name the concept, or split")
    if lines > LONGEST_MODULE_LINES:
        yield source.finding(
            1, "too-long", f"{lines} lines; past {LONGEST_MODULE_LINES} it holds two things"
        )


def unbounded_queue(source: Source) -> Iterator[Finding]:
    """Every queue has a bound."""
    for node in source.nodes:
        if isinstance(node, ast.Call) and ast.unparse(node.func).endswith("asyncio.Queue"):
            has_bound = bool(node.args or node.keywords)
            if not has_bound and not source.is_test:
                yield source.finding(node.lineno, "unbounded-queue", "give it a maxsize")


SUPERVISION = "libs/common/src/common/supervision.py"
CLOSES = {"stop", "close", "aclose", "wait_closed"}
BROAD = {"Exception", "BaseException"}


def foreign_end(source: Source) -> Iterator[Finding]:
    """A foreign client may cancel itself, or never end: only `common.supervision` copes with it."""
    if not source.is_product or str(source.path) == SUPERVISION:
        return
    for node in source.nodes:
        if _waits_for_what_it_cancels(node):
            message = "it waits for the call it cancelled: common.supervision.bounded"
        elif _swallows_a_close(node):
            message = "a close may cancel itself, or never end: common.supervision.close"
        elif _outlives_failures(node):
            message = "a cancellation ends this loop: make it a common.supervision.Component"
        else:
            continue
        yield source.finding(node.lineno, "foreign-end", message)


def _waits_for_what_it_cancels(node: ast.AST) -> TypeGuard[ast.Call]:
    if not isinstance(node, ast.Call) or not node.args:
        return False
    is_wait = ast.unparse(node.func) in {"asyncio.wait_for", "wait_for"}
    return is_wait and not ast.unparse(node.args[0]).endswith(".wait()")  # an asyncio.Event's


def _swallows_a_close(node: ast.AST) -> TypeGuard[ast.With | ast.AsyncWith | ast.Try]:
    if isinstance(node, ast.With | ast.AsyncWith):
        guards = [item.context_expr for item in node.items]
        return any(map(_is_guard, guards)) and any(map(_awaits_close, node.body))
    if isinstance(node, ast.Try):
        return any(map(_catches_all, node.handlers)) and any(map(_awaits_close, node.body))
    return False


def _outlives_failures(node: ast.AST) -> TypeGuard[ast.While]:
    return isinstance(node, ast.While) and any(
        isinstance(part, ast.Try)
        and any(isinstance(inner, ast.Await) for each in part.body for inner in ast.walk(each))
        and any(map(_swallows_all, part.handlers))
        for part in ast.walk(node)
    )


def _awaits_close(node: ast.AST) -> bool:
    return any(
        isinstance(part, ast.Await)
        and isinstance(part.value, ast.Call)
        and isinstance(part.value.func, ast.Attribute)
        and part.value.func.attr in CLOSES
        for part in ast.walk(node)
    )


def _is_guard(guard: ast.expr) -> bool:
    """Whether it is `asyncio.timeout(...)`, or `suppress(...)` of every failure."""
    if not isinstance(guard, ast.Call):
        return False
    name = ast.unparse(guard.func).rpartition(".")[2]
    return name == "timeout" or (
        name == "suppress" and bool(BROAD & {ast.unparse(argument) for argument in guard.args})
    )


def _catches_all(handler: ast.ExceptHandler) -> bool:
    kinds = handler.type.elts if isinstance(handler.type, ast.Tuple) else [handler.type]
    return any(kind is None or ast.unparse(kind) in BROAD for kind in kinds)


def _swallows_all(handler: ast.ExceptHandler) -> bool:
    raises = any(isinstance(part, ast.Raise) for each in handler.body for part in ast.walk(each))
    return _catches_all(handler) and not raises


EXCUSE = re.compile(r"#\s*(noqa|type:\s*ignore|rule:)(?P<rest>[^#\n]*)(?P<after>#.*)?")


def excuse_with_reason(source: Source) -> Iterator[Finding]:
    """`# noqa: S101 - why`, `# type: ignore[arg-type]  # why`, `# rule: commit - why`."""
    if source.is_test or source.path.parts[0] == "lint":
        return
    for number, line in enumerate(source.text.splitlines(), 1):
        found = EXCUSE.search(line)
        if found is None:
            continue
        reason = found["rest"].partition(" - ")[2] or (found["after"] or "").lstrip("# ")
        if not re.search(r"\w\w", reason):
            yield source.finding(number, "excuse", f"`{found[0].strip()}` does not say why")


HOME_PATH = re.compile(r"(?<![\w.$}/~*-])/(?:root|home/\w+|Users/\w+)/")
ADDRESS = re.compile(r"\w+://")


def home_path(source: Source) -> Iterator[Finding]:
    """No file names a path in somebody's home."""
    for number, line in enumerate(source.text.splitlines(), 1):
        if HOME_PATH.search(line):
            yield source.finding(number, "home-path", "paths are relative, or settings")


def address_of_packages(source: Source) -> Iterator[Finding]:
    """The locked packages name no place they come from: clients know their registries."""
    for number, line in enumerate(source.text.splitlines(), 1):
        if ADDRESS.search(line):
            yield source.finding(number, "package-address", "lock names, versions and hashes alone")


PYTHON_RULES: tuple[Rule, ...] = (
    commit,
    sql_outside_store,
    sql_clock,
    sleep_in_test,
    float_money,
    pure_rules,
    module_shape,
    unbounded_queue,
    foreign_end,
    excuse_with_reason,
)


def check(source: Source) -> list[Finding]:
    """Every finding in one file, less those a line excuses."""
    rules: list[Rule] = [home_path]
    if source.path.name == "requirements.txt":
        rules.append(address_of_packages)
    if source.path.suffix == ".py":
        rules += PYTHON_RULES
    if source.path.suffix == ".sql":
        rules.append(sql_file_clock)
    lines = source.text.splitlines()
    return [
        finding
        for rule in rules
        for finding in rule(source)
        if f"# rule: {finding.rule} - " not in (lines[finding.line - 1] if lines else "")
    ]


def tracked_files() -> Iterator[Source]:
    """Every text file that git keeps or would keep."""
    git = shutil.which("git")
    if git is None:
        raise SystemExit("git is needed to list the files of the repository")
    listing = subprocess.run(
        [git, "ls-files", "-co", "--exclude-standard", "-z"],
        capture_output=True,
        check=True,
        text=True,
    )
    for name in sorted(set(filter(None, listing.stdout.split("\0")))):
        try:
            yield Source(PurePosixPath(name), Path(name).read_text())
        except (UnicodeDecodeError, FileNotFoundError, IsADirectoryError):
            continue


def main() -> int:
    """Check the repository; returns the exit code."""
    gc.disable()  # all syntax trees stay to the end; looking through them is a third of the work
    sources = list(tracked_files())
    findings = [finding for source in sources for finding in check(source)]
    for finding in findings:
        print(finding)
    if not findings:
        print(f"house rules: ok ({len(sources)} files)")
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
