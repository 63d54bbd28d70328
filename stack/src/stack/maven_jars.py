"""Jars fetched once from Maven's central repository, checked, kept in a cache.

A *release* is a folder whose `pom.xml` names what is taken and whose `SHA256SUMS` pins every jar.
"""

import fcntl
import hashlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from stack.failures import ReleaseBroken, ToolMissing

FETCH_SECONDS = 600


def fetched(name: str, release: Path, *, what: str) -> Path:
    """The folder of a release's jars, `name` in the cache, fetched when it is not there yet; `what`
    it is, for who has to install Maven.

    Raises `ToolMissing` without Maven, `ReleaseBroken` when a file is not the one that is pinned.
    """
    folder = _cache() / name
    with _lock(folder):
        if not _is_intact(folder, release):
            _fetch(folder, release, what)
    return folder


def _cache() -> Path:
    home = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(home, "aliexpress-channel")


@contextmanager
def _lock(folder: Path) -> Iterator[None]:
    folder.parent.mkdir(parents=True, exist_ok=True)
    with (folder.parent / f"{folder.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _is_intact(folder: Path, release: Path) -> bool:
    """Whether `folder` holds exactly the pinned files."""
    pinned = {}
    for line in (release / "SHA256SUMS").read_text().splitlines():
        checksum, name = line.split()
        pinned[name] = checksum
    found = {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.glob("*.jar")
    }
    return found == pinned


def _fetch(folder: Path, release: Path, what: str) -> None:
    maven = _maven(what)
    draft = Path(tempfile.mkdtemp(prefix=folder.name, dir=folder.parent))
    try:
        run = subprocess.run(
            [
                *(
                    maven,
                    "-q",
                    "-B",
                    "-f",
                    str(release / "pom.xml"),
                    "dependency:copy-dependencies",
                ),
                *(f"-DoutputDirectory={draft}", "-DincludeScope=runtime"),
            ],
            cwd=draft,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=FETCH_SECONDS,
            check=False,
        )
        if run.returncode:
            raise ReleaseBroken(f"Maven could not fetch {folder.name}:\n{run.stdout}")
        if not _is_intact(draft, release):
            raise ReleaseBroken(
                f"the jars Maven fetched for {folder.name} are not those of SHA256SUMS"
            )
        shutil.rmtree(folder, ignore_errors=True)
        draft.rename(folder)
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def _maven(what: str) -> str:
    """Maven's program, installed by the machine's package manager when that asks nothing."""
    if shutil.which("mvn") is None and shutil.which("apt-get"):
        as_root = _as_root_without_a_question()
        if as_root is not None:
            environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
            for words in (
                ["apt-get", "-q", "update"],
                ["apt-get", "-q", "install", "-y", "--no-install-recommends", "maven"],
            ):
                subprocess.run(
                    [*as_root, *words],
                    env=environment,
                    stdin=subprocess.DEVNULL,
                    capture_output=True,
                    check=False,
                    timeout=FETCH_SECONDS,
                )
    maven = shutil.which("mvn")
    if maven is None:
        raise ToolMissing(
            f"Maven is needed once, to fetch {what}: type `sudo apt-get install maven`"
        )
    return maven


def _as_root_without_a_question() -> list[str] | None:
    """The words that make a command run as root: none for root, sudo's when it asks nothing."""
    if os.geteuid() == 0:
        return []
    if shutil.which("sudo") is None:
        return None
    words = ["sudo", "-n"]
    asks = subprocess.run(
        [*words, "true"], stdin=subprocess.DEVNULL, capture_output=True, check=False
    ).returncode
    return None if asks else words
