"""Who runs what: PostgreSQL refuses to run as root and is then given to an unprivileged user."""

import os
import pwd
import shutil
import stat
import tempfile
from dataclasses import dataclass
from pathlib import Path

UNPRIVILEGED = "nobody"
SHARED_GROUND = Path("/var/tmp")  # noqa: S108 - every user reaches it, and it outlives a reboot


@dataclass(frozen=True)
class Account:
    """A user of this machine."""

    user_id: int
    group_id: int


def unprivileged_account() -> Account | None:
    """The user for what must not run as root; None when we are not root ourselves."""
    if os.geteuid() != 0:
        return None
    entry = pwd.getpwnam(UNPRIVILEGED)
    return Account(entry.pw_uid, entry.pw_gid)


def is_reachable(path: Path, account: Account) -> bool:
    """Whether the account may walk down to `path` and into it."""
    path = path.resolve()
    return all(_is_open(folder.stat(), account) for folder in (path, *path.parents))


def _is_open(folder: os.stat_result, account: Account) -> bool:
    if folder.st_uid == account.user_id:
        return bool(folder.st_mode & stat.S_IXUSR)
    if folder.st_gid == account.group_id:
        return bool(folder.st_mode & stat.S_IXGRP)
    return bool(folder.st_mode & stat.S_IXOTH)


def make_owned_folder(wanted: Path, account: Account | None) -> Path:
    """Make a private folder for `account`: `wanted`, or a place it can reach instead.

    Below a closed home (mode 0700) the folder is made on shared ground under a random name, and
    `wanted` becomes a link to it, so that the next start finds it again.
    """
    if account is None:
        wanted.mkdir(mode=0o700, parents=True, exist_ok=True)
        return wanted
    wanted.parent.mkdir(parents=True, exist_ok=True)
    if not wanted.exists():
        if is_reachable(wanted.parent, account):
            wanted.mkdir()
        else:
            wanted.unlink(missing_ok=True)  # a link whose target was cleaned away
            wanted.symlink_to(tempfile.mkdtemp(prefix="aliexpress-channel-", dir=SHARED_GROUND))
    folder = wanted.resolve()
    os.chown(folder, account.user_id, account.group_id)
    folder.chmod(0o700)
    return folder


def remove_owned_folder(folder: Path) -> None:
    """Remove what `make_owned_folder` made, wherever it is."""
    if folder.is_symlink():
        shutil.rmtree(folder.resolve(), ignore_errors=True)
        folder.unlink()
    elif folder.exists():
        shutil.rmtree(folder)
