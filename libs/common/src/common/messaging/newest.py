"""Which of several states of one key is the truth: the highest revision. Pure."""

from collections.abc import Callable, Iterable
from typing import TypeVar

K = TypeVar("K", str, tuple[str, ...])
R = TypeVar("R")


def newest(states: Iterable[R], key: Callable[[R], K], revision: Callable[[R], int]) -> list[R]:
    """The state of the highest revision per key, in key order (the order rows are locked in)."""
    best: dict[K, R] = {}
    for state in states:
        place = key(state)
        held = best.get(place)
        if held is None or revision(state) > revision(held):
            best[place] = state
    return [best[place] for place in sorted(best)]
