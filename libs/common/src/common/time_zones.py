"""Names of time zones, as people and merchants send them. Pure."""

from functools import cache
from zoneinfo import available_timezones


@cache
def _known() -> frozenset[str]:
    return frozenset(available_timezones())


def require_time_zone(name: str) -> str:
    """The name, where it is one of the IANA database. Raises `ValueError`."""
    if name not in _known():
        raise ValueError("it is no time zone of the IANA database, such as Europe/Madrid or UTC")
    return name
