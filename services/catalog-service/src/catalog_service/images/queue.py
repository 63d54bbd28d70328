"""Which of the claimed picture addresses is fetched next (A9). Pure.

Merchants take turns, and each has slots of its own, so that servers that do not answer delay their
own merchant alone. That holds for hosts, too: what one merchant finds away is asked for another.
"""

from collections import Counter, deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from urllib.parse import urlsplit

ImageKey = tuple[str, str]
"""(merchant, url)"""

PER_HOST = 4
"""How many pictures of a merchant are asked of one host at the same time."""
WAITING_AT_MOST = 10_000
"""How many claimed addresses may wait, of all merchants."""


@dataclass(frozen=True)
class _Claimed:
    url: str
    host: str
    until: datetime


@dataclass
class _Line:
    """A merchant's addresses: those that wait, and how many are being fetched of each host."""

    waiting: deque[_Claimed] = field(default_factory=deque)
    fetched: Counter[str] = field(default_factory=Counter)


class CheckQueue:
    """The addresses a process has claimed. `per_merchant` and `over_all` are how many are fetched
    at the same time."""

    def __init__(self, *, per_merchant: int, over_all: int) -> None:
        self._per_merchant = per_merchant
        self._over_all = over_all
        self._lines: dict[str, _Line] = {}  # who was served longest ago comes first
        self._fetched = 0

    @property
    def merchants_waiting(self) -> list[str]:
        """The merchants with addresses that wait: nothing more is to be claimed for them."""
        return [merchant for merchant, line in self._lines.items() if line.waiting]

    @property
    def room(self) -> int:
        """How many addresses more may be claimed."""
        return WAITING_AT_MOST - sum(len(line.waiting) for line in self._lines.values())

    def add(self, keys: Iterable[ImageKey], *, until: datetime) -> None:
        """Addresses claimed until then; those not begun by then are given up."""
        for merchant, url in keys:
            line = self._lines.setdefault(merchant, _Line())
            line.waiting.append(_Claimed(url, _host(url), until))

    def begin(self, now: datetime) -> ImageKey | None:
        """The next address to be fetched; None while there is no room or nothing to be done.

        The merchant with the fewest under way is next. None may have more slots than are left
        free, so that one that comes later finds some.
        """
        free = self._over_all - self._fetched
        slots = min(self._per_merchant, free)
        for merchant, line in sorted(self._lines.items(), key=lambda item: item[1].fetched.total()):
            if line.fetched.total() >= slots:
                break
            url = _take(line, now)
            if url is not None:
                self._fetched += 1
                self._lines[merchant] = self._lines.pop(merchant)
                return merchant, url
        self._forget_idle()
        return None

    def end(self, key: ImageKey) -> None:
        """The address was fetched: there is room for another."""
        merchant, url = key
        self._lines[merchant].fetched[_host(url)] -= 1
        self._fetched -= 1

    def give_up(self, key: ImageKey) -> None:
        """The address's host is away: the merchant's others that wait for it are due again when
        their claims end."""
        merchant, url = key
        line, host = self._lines[merchant], _host(url)
        line.waiting = deque(claimed for claimed in line.waiting if claimed.host != host)

    def _forget_idle(self) -> None:
        self._lines = {
            merchant: line
            for merchant, line in self._lines.items()
            if line.waiting or line.fetched.total()
        }


def _take(line: _Line, now: datetime) -> str | None:
    """The first address that waits and whose host has room."""
    line.waiting = deque(claimed for claimed in line.waiting if claimed.until > now)
    for claimed in line.waiting:
        if line.fetched[claimed.host] < PER_HOST:
            line.waiting.remove(claimed)
            line.fetched[claimed.host] += 1
            return claimed.url
    return None


def _host(url: str) -> str:
    try:
        return urlsplit(url).netloc
    except ValueError:
        return ""
