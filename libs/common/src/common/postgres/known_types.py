"""What Postgres's own types are like is asked once in a process, not by each new connection."""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

import asyncpg

if TYPE_CHECKING:
    _Connection: TypeAlias = asyncpg.Connection[asyncpg.Record]
else:  # the class is generic in its stubs only
    _Connection = asyncpg.Connection

_FIRST_OF_A_CLUSTER = 10_000
"""Below are the types of Postgres itself, arrays among them, the same in every database."""

_answers: dict[frozenset[int], Any] = {}


class _Statement(NamedTuple):
    """Stands for the statement that was not needed: the caller's own is still prepared."""

    name: str = "known"


class TypesKnown(_Connection):
    """A connection that knows the types which another one of this process has asked about.

    asyncpg asks for array types anew on each connection, three queries of 7 ms in all, and
    has no public place for what is known; where it should ask in another way, it just asks again.
    """

    __slots__ = ()

    async def _introspect_types(
        self, typeoids: Iterable[int], timeout: float | None
    ) -> tuple[Any, Any]:
        wanted = frozenset(typeoids)
        if wanted in _answers:
            return _answers[wanted], _Statement()
        asked: tuple[Any, Any] = await super()._introspect_types(  # type: ignore[misc]  # no stub
            wanted, timeout
        )
        if max(wanted) < _FIRST_OF_A_CLUSTER:
            _answers[wanted] = asked[0]
        return asked
