import re
from pathlib import Path

import pytest
import yaml

WORKFLOWS = sorted(Path(".github/workflows").glob("*.yml"))
HOOKS = Path(".pre-commit-config.yaml")
TARGETS = set(re.findall(r"^([a-z-]+):", Path("Makefile").read_text(), re.MULTILINE))


def commands_of(path: Path) -> list[str]:
    document = yaml.safe_load(path.read_text())
    if path == HOOKS:
        return [hook["entry"] for repo in document["repos"] for hook in repo["hooks"]]
    steps = [step for job in document["jobs"].values() for step in job["steps"]]
    return [line for step in steps if "run" in step for line in step["run"].splitlines()]


@pytest.mark.parametrize("path", [*WORKFLOWS, HOOKS], ids=str)
def test_machines_run_nothing_but_targets_of_the_makefile(path: Path) -> None:
    commands = commands_of(path)
    assert commands
    for command in commands:
        program, *targets = command.split()
        assert program == "make"
        assert set(targets) <= TARGETS


def test_hooks_are_all_our_own() -> None:
    document = yaml.safe_load(HOOKS.read_text())
    assert {repo["repo"] for repo in document["repos"]} == {"local"}
