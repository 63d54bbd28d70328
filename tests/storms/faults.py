"""The faults of a storm, one after the other, each injected only while work is in flight."""

import asyncio
import random
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta

from stack.processes import Process
from stack.run import Stack

SESSION_TIMEOUT = timedelta(seconds=6)
SUSPENDED_FOR = SESSION_TIMEOUT + timedelta(seconds=2)


@dataclass(frozen=True)
class FaultCounts:
    """How many faults of each kind a storm has."""

    kills: int
    stops: int
    kafka_restarts: int
    postgres_restarts: int
    cuts: int

    def shuffled(self, chance: random.Random) -> list[str]:
        """The kinds of fault, in the order they strike."""
        kinds = (
            ["kill"] * self.kills
            + ["stop"] * self.stops
            + ["kafka"] * self.kafka_restarts
            + ["postgres"] * self.postgres_restarts
            + ["cut"] * self.cuts
        )
        chance.shuffle(kinds)
        return kinds


class FaultInjector:
    """Disturbs the processes of a running stack."""

    def __init__(
        self,
        stack: Stack,
        victims: list[Process],
        cut_connections: Callable[[], Awaitable[None]],
        chance: random.Random,
    ) -> None:
        self._stack = stack
        self._victims = victims
        self._cut_connections = cut_connections
        self._chance = chance
        self._suspended: set[asyncio.Task[None]] = set()
        self.injected: Counter[str] = Counter()

    async def inject(self, kind: str) -> None:
        """Do it and let the system come back; a stopped process stays so in the background."""
        match kind:
            case "kill":
                victim = await self._running_victim()
                await victim.kill()
                await victim.wait_until_ready()
            case "stop":
                await self._suspend(await self._running_victim())
            case "kafka":
                await self._stack.kafka.restart()
            case "postgres":
                await self._stack.postgres.restart()
            case "cut":
                with suppress(OSError):
                    await self._cut_connections()
        self.injected[kind] += 1

    async def settle(self) -> None:
        """Wait until every stopped process goes on."""
        await asyncio.gather(*self._suspended)

    async def _running_victim(self) -> Process:
        while True:
            suspended = {task.get_name() for task in self._suspended}
            running = [victim for victim in self._victims if victim.name not in suspended]
            if running:
                return self._chance.choice(running)
            await asyncio.wait(self._suspended, return_when=asyncio.FIRST_COMPLETED)

    async def _suspend(self, victim: Process) -> None:
        await victim.suspend()
        task = asyncio.create_task(self._resume(victim), name=victim.name)
        self._suspended.add(task)
        task.add_done_callback(self._suspended.discard)

    async def _resume(self, victim: Process) -> None:
        lasts = SUSPENDED_FOR.total_seconds()
        await asyncio.sleep(lasts)  # rule: sleep-in-test - the fault's own length
        victim.resume()
