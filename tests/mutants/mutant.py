"""Reads mutants and applies them to copies of the checkout."""

import os
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from stack.settings import CHECKOUT

FOLDER = Path(__file__).parent
CAUGHT_BY = "Caught by: "
NOBODY = {
    f"GIT_{who}_{what}": value
    for who in ("AUTHOR", "COMMITTER")
    for what, value in (("NAME", "mutants"), ("EMAIL", "mutants@localhost"))
}
"""Who writes commits that no branch will hold."""


@dataclass(frozen=True)
class Mutant:
    """A mistake as a patch, and the arguments of the tests that must catch it."""

    patch: Path
    tests: tuple[str, ...]

    @property
    def name(self) -> str:
        """The patch's name."""
        return self.patch.stem


class DoesNotApply(Exception):
    """The code has moved on from under a mutant; the text is git's."""


def load_mutants() -> list[Mutant]:
    """All of them, by name. Raises `ValueError` for a patch that names no test."""
    return [_load(patch) for patch in sorted(FOLDER.glob("*.patch"))]


def _load(patch: Path) -> Mutant:
    for line in patch.read_text().splitlines():
        if line.startswith(CAUGHT_BY):
            return Mutant(patch, tuple(line.removeprefix(CAUGHT_BY).split()))
    raise ValueError(f"{patch.name} has no line {CAUGHT_BY!r}")


def state_of_checkout() -> str:
    """A commit of the checkout as it is, with changes not committed, without untracked files."""
    return _git("stash", "create", environment=NOBODY) or _git("rev-parse", "HEAD")


@contextmanager
def copy_of(commit: str) -> Iterator[Path]:
    """A work tree of this commit, for the block."""
    with tempfile.TemporaryDirectory(prefix="aliexpress-channel-mutant-") as folder:
        copy = Path(folder, "checkout")
        _git("worktree", "add", "--quiet", "--detach", str(copy), commit)
        try:
            yield copy
        finally:
            _git("worktree", "remove", "--force", str(copy))


def apply_mutant(mutant: Mutant, copy: Path) -> None:
    """Make the mistake in a work tree. Raises `DoesNotApply`."""
    _apply(mutant, "--3way", folder=copy)


def check_applies(mutant: Mutant, commit: str) -> None:
    """Raises `DoesNotApply` unless the mistake can be made in this commit."""
    with tempfile.TemporaryDirectory(prefix="aliexpress-channel-index-") as folder:
        environment = {"GIT_INDEX_FILE": str(Path(folder, "index"))}
        _git("read-tree", commit, environment=environment)
        _apply(mutant, "--3way", "--cached", environment=environment)


def _apply(
    mutant: Mutant,
    *options: str,
    folder: Path = CHECKOUT,
    environment: Mapping[str, str] | None = None,
) -> None:
    try:
        _git("apply", *options, str(mutant.patch), folder=folder, environment=environment)
    except subprocess.CalledProcessError as error:
        raise DoesNotApply(f"{mutant.name}: {error.stderr}") from None


def _git(
    *arguments: str, folder: Path = CHECKOUT, environment: Mapping[str, str] | None = None
) -> str:
    run = subprocess.run(
        ["git", *arguments],
        cwd=folder,
        env={**os.environ, **(environment or {})},
        capture_output=True,
        text=True,
        check=True,
    )
    return run.stdout.strip()
