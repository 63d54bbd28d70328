"""A text opened in the editor of whoever types: `$VISUAL`, else `$EDITOR`."""

import os
import shlex
import subprocess
import tempfile
from pathlib import Path

import msgspec

from channel_cli.output import fail


def open_in_editor(text: str, *, name: str, instead: str, suffix: str = ".json") -> Path:
    """A file with the text as the editor left it; it is the caller's to remove.

    `name` and `suffix` are parts of the file's. Without an editor, or when it fails, the command
    ends; `instead` says how else it can be done.
    """
    command = os.environ.get("VISUAL") or os.environ.get("EDITOR")
    if not command:
        fail("neither VISUAL nor EDITOR is set", f"Set EDITOR, or {instead}.")
    handle, path = tempfile.mkstemp(prefix=f"{name}-", suffix=suffix)
    file = Path(path)
    with os.fdopen(handle, "w", encoding="utf-8") as opened:
        opened.write(text)
    try:
        code = subprocess.run([*shlex.split(command), path], check=False).returncode
    except OSError as error:
        file.unlink()
        fail(f"{command} cannot be run: {error.strerror}", f"Set EDITOR, or {instead}.")
    if code:
        file.unlink()
        fail(f"{command} ended with {code}: nothing was sent", f"Try again, or {instead}.")
    return file


def spread(text: str) -> str:
    """JSON over lines, for people; what is no JSON as it is."""
    try:
        return msgspec.json.format(text, indent=2) + "\n"
    except msgspec.DecodeError:
        return text


def compact(text: str) -> str:
    """JSON on one line, for records; what is no JSON as it is."""
    try:
        return msgspec.json.format(text, indent=-1)
    except msgspec.DecodeError:
        return text
