"""Stores for one run of the tests: `python -m stack.throwaway FOLDER DETOURS`.

Starts Postgres and Kafka with their data in FOLDER, writes `addresses.json` there once both serve
(or `failure.txt`), and when its standard input ends stops and removes FOLDER, so that nothing
outlives the tests.
"""

import asyncio
import json
import os
import shutil
import sys
from dataclasses import asdict, dataclass, field
from pathlib import Path

from stack.failures import StackFailure
from stack.kafka import Detour, EmbeddedKafka
from stack.postgres import random_password
from stack.settings import StackSettings
from stack.stores import running_stores, wipe_stores


@dataclass(frozen=True)
class StoreAddresses:
    """Where the tests find the stores; `admin_url` is Postgres's, of its administrator.

    Kafka has detours if it is the embedded one.
    """

    admin_url: str
    kafka_bootstrap: str
    kafka_detours: list[Detour] = field(default_factory=list)

    def write(self, path: Path) -> None:
        """Write them to `path`, whole or not at all."""
        draft = path.with_suffix(".draft")
        draft.touch(mode=0o600)
        draft.write_text(json.dumps(asdict(self)))
        draft.rename(path)

    @classmethod
    def read(cls, path: Path) -> "StoreAddresses":
        """Read what `write` wrote."""
        written = json.loads(path.read_text())
        detours = [Detour(**detour) for detour in written.pop("kafka_detours")]
        return cls(**written, kafka_detours=detours)


async def serve(folder: Path, detour_count: int) -> None:
    """Run the stores until standard input ends."""
    settings = StackSettings(state_dir=folder, is_durable=False)
    detours = [Detour.free() for _ in range(detour_count)]
    async with running_stores(
        settings, postgres_password=random_password(), kafka_detours=detours
    ) as stores:
        addresses = StoreAddresses(
            stores.postgres.admin_url,
            stores.kafka.bootstrap,
            detours if isinstance(stores.kafka, EmbeddedKafka) else [],
        )
        addresses.write(folder / "addresses.json")
        await _end_of_input()


async def _end_of_input() -> None:
    ended = asyncio.Event()
    loop = asyncio.get_running_loop()
    loop.add_reader(sys.stdin, ended.set)
    await ended.wait()
    loop.remove_reader(sys.stdin)


def main() -> None:
    """Run by the tests' plugin, in a session of its own: Ctrl-C does not reach it."""
    os.umask(0o022)
    folder = Path(sys.argv[1])
    try:
        asyncio.run(serve(folder, int(sys.argv[2])))
        wipe_stores(folder)
        shutil.rmtree(folder)  # here, since tests that are killed cannot
    except StackFailure as failure:
        (folder / "failure.txt").write_text(str(failure))
        sys.exit(1)


if __name__ == "__main__":
    main()
