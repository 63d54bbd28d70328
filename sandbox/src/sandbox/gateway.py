"""Both gateways: verify what was sent, find whose call it is, answer in the gateway's form."""

import asyncio
from datetime import UTC, datetime, timedelta
from itertools import count

import msgspec

from sandbox import errors, signing
from sandbox.clock import wall_seconds
from sandbox.errors import GatewayError
from sandbox.faults import Fault
from sandbox.methods.registry import OPERATIONS, SYSTEM_OPERATIONS, Call, Handler
from sandbox.server import Request, Response
from sandbox.state import State
from sandbox.wire import render

NEW_BUSINESS, NEW_SYSTEM, OLD = "sync", "rest", "old"
HANG_SECONDS = 3600.0
GIANT_BYTES = 64 * 1024 * 1024
UNKNOWN = "unknown"


class ConnectionBroken(Exception):
    """A fault wants the connection dropped without an answer."""


class Gateway:
    """Answers calls; `kind` is the gateway they came in by."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._serial = count(1)

    async def answer(self, request: Request, kind: str, path: str) -> Response:
        """Answer one call. Raises `ConnectionBroken` for faults that do."""
        parameters = request.parameters
        name = path or parameters.get("method", "")
        is_known = name in OPERATIONS or name in SYSTEM_OPERATIONS
        counts = self._state.counts
        with counts.while_answering(name if is_known else UNKNOWN):
            try:
                if request.method not in ("GET", "POST"):
                    raise errors.action_not_allowed(request.method)
                call, handler = self._admit(request, parameters, kind, name)
                broken = await self._strike_before(call)
                if broken is not None:
                    counts.count(name, "fault")
                    return broken
                self._state.advance()
                answer = handler(call)
            except GatewayError as error:
                counts.count(name if is_known else UNKNOWN, error.code)
                body = error.body(kind, self._request_id())
                if self._state.quirks.error_in_wrapper and kind != NEW_SYSTEM and name:
                    body = {name.replace(".", "_") + "_response": body}
                return Response(msgspec.json.encode(body), status=self._state.settings.error_status)
            counts.count(name)
            response = Response(self._write(answer, parameters, kind, name))
            return await self._strike_after(call, response)

    def _admit(
        self, request: Request, parameters: dict[str, str], kind: str, name: str
    ) -> tuple[Call, Handler]:
        """Everything that must be right before the business is asked. Raises `GatewayError`."""
        if not name:
            raise errors.missing_method()
        self._verify(parameters, kind, name)
        handler = SYSTEM_OPERATIONS.get(name) or OPERATIONS.get(name)
        if handler is None:
            raise errors.invalid_method(name)
        seller_id = ""
        if name in OPERATIONS:
            token = parameters.get("session") or parameters.get("access_token")
            if not token:
                raise errors.missing_token()
            seller_id = self._state.oauth.seller_of(token) or ""
            if not seller_id or self._state.faults.strike("dead_token", name, seller_id):
                raise errors.dead_token()
        is_old_form = self._state.quirks.limit_form == "old"
        self._state.limits.check(name, seller_id, is_old_form=is_old_form)
        return Call(self._state, name, seller_id, parameters, request.files), handler

    def _verify(self, parameters: dict[str, str], kind: str, name: str) -> None:
        settings = self._state.settings
        app_key = parameters.get("app_key")
        if not app_key:
            raise errors.missing_app_key()
        if app_key != settings.app_key:
            raise errors.invalid_app_key()
        is_old = kind == OLD
        if is_old and not parameters.get("v"):
            raise errors.missing_version()
        signing.verify_timestamp(parameters.get("timestamp"), self._clocks(name), is_old=is_old)
        prefix = name if "/" in name else ""
        signing.verify_signature(parameters, settings.app_secret, prefix)
        if parameters.get("format", "xml" if is_old else "json").lower() != "json":
            raise errors.invalid_format()

    def _clocks(self, name: str) -> list[datetime]:
        skew = self._state.faults.strike("clock_skew", name, "")
        shift = timedelta(seconds=skew.seconds or 86_400 if skew else 0)
        wanted = self._state.settings.timestamp_clock
        clocks = []
        if wanted != "wall":
            clocks.append(self._state.clock.now() + shift)
        if wanted != "sandbox":
            clocks.append(datetime.now(UTC) + shift)
        return clocks

    def _write(
        self, answer: dict[str, object], parameters: dict[str, str], kind: str, name: str
    ) -> bytes:
        request_id = self._request_id()
        body: dict[str, object] = answer | {"request_id": request_id}
        is_simplified = parameters.get("simplify", "").lower() == "true" and (
            parameters.get("format", "").lower() == "json"
            or not self._state.settings.simplify_needs_format
        )
        if name in SYSTEM_OPERATIONS:
            body = {"code": "0"} | body
        elif not is_simplified:
            body = {name.replace(".", "_") + "_response": body}
            if kind == NEW_SYSTEM:
                body |= {"code": "0", "request_id": request_id}
        return render(body, is_simplified=is_simplified, quirks=self._state.quirks)

    async def _strike_before(self, call: Call) -> Response | None:
        """Faults that come before any effect."""
        if not self._state.faults.listed():
            return None
        if fault := call.strike("latency"):
            await asyncio.sleep(fault.seconds or 1.0)
        if fault := call.strike("hang"):
            await asyncio.sleep(fault.seconds or HANG_SECONDS)
            raise ConnectionBroken
        if call.strike("refused"):
            raise ConnectionBroken
        if fault := call.strike("http_error"):
            return _http_error(fault)
        if fault := call.strike("redirect"):
            location = [(b"location", fault.message.encode())]
            return Response(b"", status=307, headers=location)
        if call.strike("html"):
            return Response(_HTML, content_type="text/html;charset=UTF-8")
        if fault := call.strike("error"):
            raise _error_of(fault)
        return None

    async def _strike_after(self, call: Call, response: Response) -> Response:
        """Faults that come after the effect."""
        if not self._state.faults.listed():
            return response
        if fault := call.strike("late_answer"):
            await self._state.faults.until_removed(fault, at_most=fault.seconds or 1.0)
        if call.strike("answer_lost"):
            raise ConnectionBroken
        if fault := call.strike("http_error_after"):
            return _http_error(fault)
        if call.strike("truncated"):
            response.body = response.body[: len(response.body) // 2]
        if call.strike("wrong_types"):
            response.body = msgspec.json.encode(_of_other_types(msgspec.json.decode(response.body)))
        if call.strike("giant"):
            response.body = b" " * GIANT_BYTES + response.body
        return response

    def _request_id(self) -> str:
        return f"0ba28873{int(wall_seconds() * 1000)}{next(self._serial) % 10_000:04d}"


_HTML = b"<html><head><title>Bad Gateway</title></head><body><h1>Bad Gateway</h1></body></html>"


def _http_error(fault: Fault) -> Response:
    body = f"<html><body><h1>{fault.status}</h1></body></html>".encode()
    return Response(body, status=fault.status, content_type="text/html")


def _of_other_types(value: object) -> object:
    """The same names, and under each the other kind of thing: an object below the outermost a
    list of its values, a list an object by number, a text a number, anything else an object."""
    if isinstance(value, dict):
        return {name: _swapped(inner) for name, inner in value.items()}
    return _swapped(value)


def _swapped(value: object) -> object:
    match value:
        case dict():
            return [_swapped(inner) for inner in value.values()]
        case list():
            return {str(number): _swapped(inner) for number, inner in enumerate(value)}
        case str():
            return len(value)
        case _:
            return {"value": value}


def _error_of(fault: Fault) -> GatewayError:
    """The error a fault asks for: a sub code makes it one of the service behind."""
    code, message = fault.code or "isp.remote-connection-error", fault.message or "System error"
    if code.startswith("isv.permission-"):
        return errors.not_permitted(code, message)
    if code.startswith(("isv.", "isp.")):
        return GatewayError(
            code[:3].upper(),
            "ServiceUnavailable",
            15,
            "Remote service error",
            sub_code=code,
            sub_message=message,
            is_old_form=True,
        )
    number = int(code) if code.isdecimal() else 15
    return GatewayError("SYSTEM", code, number, message, is_old_form=code.isdecimal())
