"""Files and folders that only their owner reads: secrets, addresses, logs of buyers' orders."""

import os
from pathlib import Path

from stack.accounts import unprivileged_account

PRIVATE_UMASK = 0o077
"""Of every process the stack starts."""


def make_private_folder(folder: Path) -> None:
    """Make it, or close it if others can look into it.

    As root, Postgres runs as another user and must pass to its own folder inside: its group may
    walk through, and nobody may list or read.
    """
    folder.mkdir(parents=True, exist_ok=True)
    account = unprivileged_account()
    if account is not None:
        os.chown(folder, -1, account.group_id)
    folder.chmod(0o700 if account is None else 0o710)


def close_to_others(folder: Path) -> None:
    """Take from everyone but the owner what they may do with it and all that is in it."""
    for path in (folder, *folder.rglob("*")):
        path.chmod(0o700 if path.is_dir() else 0o600)


def write_private(path: Path, text: str) -> None:
    """Put `text` at `path`, mode 0600, whole or not at all."""
    draft = path.with_suffix(".draft")
    draft.unlink(missing_ok=True)
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
    draft.rename(path)


def open_private(path: str, flags: int) -> int:
    """An opener for `open`: what it creates has mode 0600."""
    return os.open(path, flags, 0o600)
