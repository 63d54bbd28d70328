"""The rows of the security checklist name tests that exist."""

import ast
from pathlib import Path

import pytest
from tests.risks.risks import RISKS

SELECTORS = sorted({selector for risk in RISKS for selector in risk.tests})


def test_every_row_is_there_once() -> None:
    assert [risk.row for risk in RISKS] == [f"X{number}" for number in range(1, 23)]
    assert all(risk.tests or "does not apply" in risk.answer for risk in RISKS)


@pytest.mark.parametrize("selector", SELECTORS)
def test_what_a_row_is_proven_by_exists(selector: str) -> None:
    path, _, name = selector.partition("::")
    files = sorted(Path(path).rglob("test_*.py")) if Path(path).is_dir() else [Path(path)]
    assert files
    defined = {
        node.name
        for file in files
        for node in ast.walk(ast.parse(file.read_text()))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    }
    assert not name or name in defined


def test_the_page_has_every_row() -> None:
    page = Path("docs/security-rows.md").read_text()
    for risk in RISKS:
        assert f"| {risk.row} | {risk.risk} | {risk.answer} |" in page
