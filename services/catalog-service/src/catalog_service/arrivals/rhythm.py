"""In which rhythm something comes for a catalogue. Pure.

Arrivals are counted in beats, at most one an hour: a file of a million lines is one, and an hour of
a stream of events. What counts for the rhythm is the silence before a beat.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

BEAT = timedelta(hours=1)
REMEMBERED = 10
"""Over about so many beats the usual silence is a mean."""
LONGEST = timedelta(days=60)
"""A longer silence counts as this one: after an outage of years the rhythm is soon right again."""


@dataclass(frozen=True)
class Rhythm:
    """A catalogue's arrivals: the first, the last, the first of the last beat, how many beats there
    were, and the usual silence before one."""

    first_at: datetime
    beat_at: datetime
    last_at: datetime
    beats: int = 1
    usual_silence: timedelta = timedelta()


def after_arrival(rhythm: Rhythm | None, at: datetime) -> Rhythm:
    """The rhythm once something came at this time, which is not before what came last."""
    if rhythm is None:
        return Rhythm(at, at, at)
    if at <= rhythm.last_at:
        return rhythm
    if at - rhythm.beat_at < BEAT:
        return replace(rhythm, last_at=at)
    silence = min(at - rhythm.last_at, LONGEST)
    known = rhythm.usual_silence
    return replace(
        rhythm,
        beat_at=at,
        last_at=at,
        beats=rhythm.beats + 1,
        usual_silence=known + (silence - known) / min(rhythm.beats, REMEMBERED),
    )
