"""The faults of a storm, one after the other, each struck only while work is in flight."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta

from stack.processes import Process
from stack.run import Stack

SESSION_TIMEOUT = timedelta(seconds=6)
SUSPENDED_FOR = SESSION_TIMEOUT + timedelta(seconds=2)


@dataclass(frozen=True)
class Dose:
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


@dataclass
class Struck:
    """What struck, for the report."""

    by_kind: dict[str, int] = field(default_factory=dict)

    def count(self, kind: str) -> None:
        """One more of this kind."""
        self.by_kind[kind] = self.by_kind.get(kind, 0) + 1


class Faults:
    """Strikes the processes of a running stack."""

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
        self._asleep: set[asyncio.Task[None]] = set()
        self.struck = Struck()

    async def strike(self, kind: str) -> None:
        """Do it and let the system come back; a stopped process sleeps on in the background."""
        match kind:
            case "kill":
                victim = await self._awake_victim()
                await victim.kill()
                await victim.wait_until_ready()
            case "stop":
                self._put_to_sleep(await self._awake_victim())
            case "kafka":
                await self._stack.kafka.restart()
            case "postgres":
                await self._stack.postgres.restart()
            case "cut":
                with suppress(OSError):
                    await self._cut_connections()
        self.struck.count(kind)

    async def settle(self) -> None:
        """Wait until every sleeper is awake."""
        await asyncio.gather(*self._asleep)

    async def _awake_victim(self) -> Process:
        while True:
            asleep = {task.get_name() for task in self._asleep}
            awake = [victim for victim in self._victims if victim.name not in asleep]
            if awake:
                return self._chance.choice(awake)
            await asyncio.wait(self._asleep, return_when=asyncio.FIRST_COMPLETED)

    def _put_to_sleep(self, victim: Process) -> None:
        victim.suspend()
        task = asyncio.create_task(self._wake(victim), name=victim.name)
        self._asleep.add(task)
        task.add_done_callback(self._asleep.discard)

    async def _wake(self, victim: Process) -> None:
        lasts = SUSPENDED_FOR.total_seconds()
        await asyncio.sleep(lasts)  # rule: sleep-in-test - the fault's own length
        victim.resume()
