"""What people and systems must be told, worked out beside the system from the same events.

It knows the kinds' own properties from the product's table; steps, reminders and damping are
written down here again.
"""

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from auth_service.troubles.kinds import KINDS
from auth_service.troubles.texts.describe import describe
from auth_service.troubles.trouble import Found

DAY = timedelta(days=1)
LIFETIME = timedelta(days=30)
STEPS = (("1", DAY), ("3", 3 * DAY), ("7", 7 * DAY))
REMINDERS = (1, 2, 4, 7)
"""Days before the first reminder, the second ...; the last repeats."""
HEADS = {
    "opened": "{}",
    "updated": "Still to do: {}",
    "reminded": "Reminder: {}",
    "closed": "Over: {}",
}
Key = tuple[str, str, str]
"""merchant, kind, subject"""


@dataclass
class Token:
    """A shop's token; `told` is the step that was told last."""

    expires_at: datetime
    is_connected: bool = True
    told: str = ""


@dataclass
class Open:
    """A trouble that is open."""

    remind_at: datetime | None
    reminders: int = 0
    quiet_until: datetime | None = None


@dataclass
class Expected:
    """What must have been told by now."""

    now: datetime
    tokens: dict[tuple[str, str], Token] = field(default_factory=dict)
    open: dict[Key, Open] = field(default_factory=dict)
    mailed: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    """Heads of messages by merchant, in order."""
    hooked: Counter[tuple[str, str, str, str]] = field(default_factory=Counter)
    """(merchant, event, kind, subject)."""

    def connect(self, merchant: str, shop: str) -> None:
        """The shop is connected, or renewed: whatever was wrong with its token is over."""
        self.tokens[merchant, shop] = Token(self.now + LIFETIME)
        for kind in ("token_expiring", "token_expired", "connection_ended"):
            self._close((merchant, kind, f"shop/{shop}"))

    def take_back(self, merchant: str, shop: str) -> None:
        """A call found out that the seller took the authorisation back."""
        self.tokens[merchant, shop].is_connected = False
        self._close((merchant, "token_expiring", f"shop/{shop}"), is_superseded=True)
        self._open((merchant, "connection_ended", f"shop/{shop}"))

    def condition(self, key: Key, *, present: bool) -> None:
        """Another service says that this is there, or over."""
        known = self.open.get(key)
        if present and known is None:
            self._open(key)
        elif present and known is not None:
            known.quiet_until = None
        elif known is not None and known.quiet_until is None:
            settles = KINDS[key[1]].settles
            if settles:
                known.quiet_until = self.now + settles
            else:
                self._close(key)

    def go_to(self, now: datetime) -> None:
        """It is this time now."""
        self.now = now
        for key, known in list(self.open.items()):
            if known.quiet_until is not None and known.quiet_until <= now:
                self._close(key)
        for (merchant, shop), token in self.tokens.items():
            if token.is_connected:
                self._pass_steps(merchant, shop, token)
        for key, known in self.open.items():
            due = known.remind_at is not None and known.remind_at <= now
            if due and known.quiet_until is None:
                known.reminders += 1
                known.remind_at = now + self._pause(known.reminders)
                self._tell(key, "reminded")

    def _pass_steps(self, merchant: str, shop: str, token: Token) -> None:
        key = (merchant, "token_expiring", f"shop/{shop}")
        left = token.expires_at - self.now
        if left <= timedelta(0):
            token.is_connected = False
            self._close(key, is_superseded=True)
            self._open((merchant, "token_expired", f"shop/{shop}"))
            return
        reached = next((name for name, before in STEPS if left <= before), "")
        if reached in {"", token.told}:
            return
        token.told = reached
        if key in self.open:
            self._tell(key, "updated")
            self._hook(key, "updated")
        else:
            self._open(key)

    def _open(self, key: Key) -> None:
        remind_at = self.now + self._pause(0) if KINDS[key[1]].is_reminded else None
        self.open[key] = Open(remind_at)
        self._tell(key, "opened")
        self._hook(key, "opened")

    def _close(self, key: Key, *, is_superseded: bool = False) -> None:
        if self.open.pop(key, None) is None:
            return
        follower = KINDS[key[1]].superseded_by
        is_superseded |= follower is not None and (key[0], follower, key[2]) in self.open
        if not is_superseded:
            self._tell(key, "closed")
        self._hook(key, "closed")

    @staticmethod
    def _pause(reminders: int) -> timedelta:
        return REMINDERS[min(reminders, 3)] * DAY

    def _tell(self, key: Key, event: str) -> None:
        title = describe(Found(*key, since=self.now), "en").title
        self.mailed[key[0]].append(HEADS[event].format(title))

    def _hook(self, key: Key, event: str) -> None:
        merchant, kind, subject = key
        self.hooked[merchant, f"trouble.{event}", kind, subject] += 1
