"""Known vulnerabilities of what is locked: `python -m lint.audit` (`make audit`).

pip-audit asks the databases of advisories in turn until one answers for every package. The outcome
says how many packages were looked up, for silence of a database that cannot be reached is no
answer: exit code 0 all looked up and nothing known, 1 something known, 2 not all looked up.
"""

import json
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass

DATABASES = ("pypi", "osv")
WITHIN_SECONDS = 300


@dataclass(frozen=True)
class Answer:
    """What a database says of the locked packages."""

    looked_up: int
    """Packages it answered for."""
    skipped: int
    """Packages it has no answer for."""
    known: Sequence[str] = ()
    """A line for each vulnerability."""

    @property
    def exit_code(self) -> int:
        """See the module."""
        if self.known:
            return 1
        return 0 if self.looked_up and not self.skipped else 2


def answer_in(report: str) -> Answer:
    """Read pip-audit's JSON; nothing was looked up when it is not JSON, as after a failure."""
    try:
        packages = json.loads(report)["dependencies"]
    except ValueError:
        return Answer(0, 0)
    skipped = sum("skip_reason" in package for package in packages)
    known = [
        f"{package['name']} {package['version']}: {found['id']}, fixed in "
        f"{', '.join(found['fix_versions']) or 'no version yet'}"
        for package in packages
        for found in package.get("vulns", ())
    ]
    return Answer(len(packages) - skipped, skipped, known)


def ask(database: str) -> Answer:
    """What this database says of `requirements.txt`."""
    options = "--requirement requirements.txt --require-hashes --disable-pip --format json"
    command = [sys.executable, "-m", "pip_audit", *options.split(), "--progress-spinner", "off"]
    command += ["--vulnerability-service", database]
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, check=False, timeout=WITHIN_SECONDS
        )
    except subprocess.TimeoutExpired:
        return Answer(0, 0)
    return answer_in(done.stdout)


def main() -> int:
    """Ask, print, and return the exit code."""
    looked_up = 0
    for database in DATABASES:
        answer = ask(database)
        looked_up += answer.looked_up
        print(*answer.known, sep="\n", end="\n" if answer.known else "")
        print(
            f"audit: {database} answered for {answer.looked_up} packages, not for "
            f"{answer.skipped}; it knows {len(answer.known)} vulnerabilities of them"
        )
        if answer.exit_code != 2:
            return answer.exit_code
    if not looked_up:
        print("audit: NOTHING WAS CHECKED: no database of advisories could be reached from here")
    return 2


if __name__ == "__main__":
    sys.exit(main())
