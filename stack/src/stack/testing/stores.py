"""The Postgres and the Kafka of one run of the tests."""

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

from stack.failures import StackFailure
from stack.stores import wipe_stores
from stack.throwaway import StoreAddresses

START_SECONDS = 600  # the first start on a machine downloads Kafka
STOP_SECONDS = 45
MEMORY = Path("/dev/shm")  # noqa: S108 - what is made in it is private
MEMORY_NEEDED = 8 * 1024**3
"""Many times what the stores of a run hold at once, databases being dropped with their tests."""


def ground_of_stores() -> Path | None:
    """The folder in which a run's stores lie; None for the place of all temporary files.

    In memory where there is much of it and `TMPDIR` names no other place: to copy and drop a
    database, which nearly every test does, takes 25 ms of processor time there, and 100 on a disk.
    """
    if "TMPDIR" in os.environ or not os.access(MEMORY, os.W_OK):
        return None
    return MEMORY if shutil.disk_usage(MEMORY).free >= MEMORY_NEEDED else None


class ThrowawayStores:
    """The stores of this run, started by whoever asks first, stopped by pytest's main process.

    The broker has this many detours, one for each of xdist's workers.
    """

    def __init__(self, folder: Path, *, detours: int = 1) -> None:
        self.folder = folder
        self._detours = detours
        self._host: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Begin to start them; `addresses` waits until they serve."""
        if self._host is None:
            self.folder.chmod(0o711)  # Postgres's unprivileged user has to reach its part
            with (self.folder / "host.log").open("wb") as log:
                self._host = subprocess.Popen(
                    [
                        *(sys.executable, "-m", "stack.throwaway"),
                        *(str(self.folder), str(self._detours)),
                    ],
                    stdin=subprocess.PIPE,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    start_new_session=True,
                )

    def addresses(self) -> StoreAddresses:
        """Where they are, once both serve. Raises `StackFailure` when one does not start."""
        deadline = time.monotonic() + START_SECONDS
        while not (self.folder / "addresses.json").exists():
            if (self.folder / "failure.txt").exists():
                raise StackFailure((self.folder / "failure.txt").read_text())
            has_ended = self._host is not None and self._host.poll() is not None
            if has_ended or time.monotonic() > deadline:
                raise StackFailure((self.folder / "host.log").read_text())
            time.sleep(0.05)
        return StoreAddresses.read(self.folder / "addresses.json")

    def stop(self) -> None:
        """End them and forget their data."""
        if self._host is not None and self._host.stdin is not None:
            self._host.stdin.close()
            try:
                self._host.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                os.killpg(self._host.pid, signal.SIGKILL)
                self._host.wait()
        if self.folder.exists():  # nothing was started, or it did not end well
            wipe_stores(self.folder)
            shutil.rmtree(self.folder, ignore_errors=True)
