"""`Client.call`: one request to AliExpress, from limit to typed answer or typed failure."""

import copy
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import TypeVar

from opentelemetry.trace import Span

from aliexpress import envelope
from aliexpress.app_alarm import AppAlarm
from aliexpress.errors import CallerFault, LimitReached, OutcomeUnknown, PlatformFault
from aliexpress.gateway import Gateway
from aliexpress.limits import Limiter
from aliexpress.operation import AccessToken, AppCredentials, Operation
from aliexpress.telemetry import note_request, note_request_id, note_status, observed_call
from aliexpress.transport import AnswerLost, NotSent, Reply, Transport
from aliexpress.wire import Fields, Refused, Unreadable, encode
from common import clock

T = TypeVar("T")


class Client:
    """An app's access to AliExpress, shared by all its sellers.

    `is_simplified` asks for the plain answer form; both forms are read either way. `integrator`
    names this software to AliExpress where a method has `developer_features`.
    """

    def __init__(
        self,
        app: AppCredentials,
        gateway: Gateway,
        transport: Transport,
        limiter: Limiter,
        *,
        is_simplified: bool = False,
        integrator: str | None = None,
        now: Callable[[], datetime] = clock.now,
    ) -> None:
        self.app = app
        self.gateway = gateway
        self.integrator = integrator
        self.now = now
        self._transport = transport
        self._limiter = limiter
        self._alarm = AppAlarm()
        self._is_simplified = is_simplified

    async def call(
        self,
        operation: Operation,
        parameters: Mapping[str, str],
        token: AccessToken | None,
        read: Callable[[Fields], T],
        *,
        files: Mapping[str, bytes] | None = None,
    ) -> T:
        """Call `operation` and put the object inside its answer through `read`.

        Waits for the limiter first; a call it refuses is not made. A call that is cancelled may
        have been done. `read` may raise `Unreadable` and `Refused`. Raises one of
        the failures of `aliexpress.errors`, and no other exception for anything AliExpress sends.
        """
        seller_id = token.seller_id if token else None
        await self._limiter.acquire(seller_id, operation.name)
        with (
            observed_call(operation.name, seller_id) as span,
            self._alarm.watching(operation.name, seller_id),
        ):
            form = self.gateway.request(
                operation,
                parameters,
                self.app,
                token,
                self.now(),
                is_simplified=self._is_simplified,
            )
            url = self.gateway.url(operation)
            reply = await self._send(span, operation, url, form, files or {})
            try:
                answer = self._open(operation, reply)
                if (request_id := envelope.request_id_of(answer)) is not None:
                    note_request_id(span, request_id)
                return self._read(operation, answer, read)
            except LimitReached as limit:
                await self._limiter.refused(seller_id, operation.name, limit)
                raise

    async def exchange(
        self,
        operation: Operation,
        url: str,
        form: Mapping[str, str],
        read: Callable[[Fields], T],
    ) -> T:
        """Post an unsigned form, which only the old gateway's token exchange wants. As `call`."""
        with (
            observed_call(operation.name, None) as span,
            self._alarm.watching(operation.name, None),
        ):
            reply = await self._send(span, operation, url, form, {})
            return self._read(operation, self._open(operation, reply), read)

    def limited_by(self, limiter_of: Callable[[Limiter], Limiter]) -> "Client":
        """The same client, transport and all, whose calls wait for what is made of its limiter.
        Only one of the two is to be closed."""
        other = copy.copy(self)
        other._limiter = limiter_of(self._limiter)  # noqa: SLF001 - its own copy
        return other

    def developer_features(self) -> dict[str, str]:
        """The parameter by which some methods learn who calls."""
        if self.integrator is None:
            return {}
        return {"developer_features": encode({"source": self.integrator})}

    async def aclose(self) -> None:
        """Close the transport."""
        await self._transport.aclose()

    async def _send(
        self,
        span: Span,
        operation: Operation,
        url: str,
        form: Mapping[str, str],
        files: Mapping[str, bytes],
    ) -> Reply:
        try:
            note_request(span, url)
            reply = await self._transport.post(url, form, files)
        except NotSent as error:
            raise PlatformFault(operation.name, str(error), code="not-sent") from error
        except AnswerLost as error:
            kind = OutcomeUnknown if operation.is_write else PlatformFault
            raise kind(operation.name, str(error), code="answer-lost") from error
        note_status(span, reply.status)
        return reply

    def _open(self, operation: Operation, reply: Reply) -> Fields:
        try:
            return envelope.open_envelope(operation, reply, self.now())
        except Unreadable as unreadable:
            raise envelope.classify_unreadable(operation, unreadable, None) from unreadable

    def _read(self, operation: Operation, answer: Fields, read: Callable[[Fields], T]) -> T:
        request_id = envelope.request_id_of(answer)
        try:
            return read(answer)
        except Refused as refused:
            raise envelope.classify_refusal(operation, refused, request_id) from refused
        except Unreadable as unreadable:
            raise envelope.classify_unreadable(operation, unreadable, request_id) from unreadable
        except RecursionError as error:
            too_deep = Unreadable(answer.path, "nested too deeply")
            raise envelope.classify_unreadable(operation, too_deep, request_id) from error


def require_at_most(operation: Operation, count: int, limit: int, what: str) -> None:
    """Refuse a call that AliExpress's batch limit would refuse, before it is sent."""
    if not 0 < count <= limit:
        raise CallerFault(
            operation.name, f"1 to {limit} {what} are taken, not {count}", code="batch-size"
        )
