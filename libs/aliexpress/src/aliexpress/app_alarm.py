"""Tells an operator that AliExpress refuses our app: an ERROR of each code, a gauge while it lasts.

The log has one line however many calls are refused; who is refused is one seller and operation, so
that calls which succeed beside it do not end it.
"""

import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta

import structlog

from aliexpress.errors import AppRefused, CallerFault
from common.telemetry.names import APP_REFUSED
from common.telemetry.setup import Gauge

log = structlog.get_logger()

FORGOTTEN_AFTER = timedelta(minutes=10)
"""A refusal that was not seen again for so long has ended; all that waits asks more often."""

Caller = tuple[str, str | None]
"""Operation and seller."""

_refused = Gauge(APP_REFUSED)


class AppAlarm:
    """What AliExpress refuses our app, as the calls of one client show it."""

    def __init__(self, *, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._refused: dict[Caller, tuple[str, float]] = {}
        self._logged: dict[str, float] = {}

    @contextmanager
    def watching(self, operation: str, seller_id: str | None) -> Iterator[None]:
        """Observe the enclosed call."""
        caller = (operation, seller_id)
        try:
            yield
        except AppRefused as refusal:
            self._note_refused(caller, refusal)
            raise
        except CallerFault:  # AliExpress looked at the request, so it takes the app
            self._note_accepted(caller)
            raise
        else:
            self._note_accepted(caller)

    def _note_refused(self, caller: Caller, refusal: AppRefused) -> None:
        codes, at = refusal.codes, self._monotonic()
        self._forget(before=at - FORGOTTEN_AFTER.total_seconds())
        if codes not in self._logged:
            log.error(
                "aliexpress.app_refused",
                code=codes,
                reason=refusal.message,
                operation=refusal.operation,
                request_id=refusal.request_id,
                remedy=refusal.remedy,
            )
        self._refused[caller] = codes, at
        self._logged[codes] = at
        self._measure()

    def _note_accepted(self, caller: Caller) -> None:
        if not self._refused:
            return
        self._refused.pop(caller, None)
        self._forget(before=self._monotonic() - FORGOTTEN_AFTER.total_seconds())
        if not self._refused:
            log.info("aliexpress.app_accepted", operation=caller[0])
        self._measure()

    def _forget(self, *, before: float) -> None:
        self._refused = {c: kept for c, kept in self._refused.items() if kept[1] >= before}
        self._logged = {codes: at for codes, at in self._logged.items() if at >= before}

    def _measure(self) -> None:
        operations = {(codes, operation) for (operation, _), (codes, _) in self._refused.items()}
        counted = Counter(codes for codes, _ in operations)
        _refused.replace({(("code", codes),): float(n) for codes, n in counted.items()})
