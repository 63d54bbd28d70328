"""The steps towards a token's end, each published once per generation. Pure."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal, get_args

ComingStep = Literal["14d", "7d", "3d", "1d", "6h"]
Step = Literal["14d", "7d", "3d", "1d", "6h", "expired"]

LEFT_AT_STEP: dict[Step, timedelta] = {
    "14d": timedelta(days=14),
    "7d": timedelta(days=7),
    "3d": timedelta(days=3),
    "1d": timedelta(days=1),
    "6h": timedelta(hours=6),
    "expired": timedelta(0),
}
"""How much time is left when a step is reached, in the order of time."""

_ORDER: tuple[Step, ...] = get_args(Step)


@dataclass(frozen=True)
class Progress:
    """The step to publish now (None: none) and when the next is due (None: never)."""

    step: Step | None
    next_at: datetime | None


def latest_step(expires_at: datetime, now: datetime) -> Step | None:
    """The last step whose time has come."""
    reached = [step for step, left in LEFT_AT_STEP.items() if now >= expires_at - left]
    return reached[-1] if reached else None


def progress(expires_at: datetime, now: datetime, last_step: str | None) -> Progress:
    """What follows when `last_step` was the last one published of this generation.

    Steps missed meanwhile are not published: the latest stands for those before it. A clock
    that went back repeats nothing.
    """
    latest = latest_step(expires_at, now)
    if _place(latest) <= _place(last_step):
        return Progress(None, _next_at(expires_at, last_step))
    return Progress(latest, _next_at(expires_at, latest))


def first_step_at(expires_at: datetime) -> datetime:
    """When the first step of a new token is due."""
    return expires_at - LEFT_AT_STEP[_ORDER[0]]


def _next_at(expires_at: datetime, last_step: str | None) -> datetime | None:
    following = _ORDER[_place(last_step) + 1 :]
    return expires_at - LEFT_AT_STEP[following[0]] if following else None


def _place(step: str | None) -> int:
    return -1 if step is None else [str(each) for each in _ORDER].index(step)
