"""From an HTTP answer to the object inside it, or to the failure in it. Pure.

Both error forms are read, from either gateway, wrapped in `error_response` or at the top.
"""

import re
from datetime import datetime, timedelta
from typing import Any

from aliexpress.app_refusals import ADDRESS, AppRefusal, find_by_code, find_by_words
from aliexpress.errors import (
    AppRefused,
    BadAnswer,
    BusinessError,
    CallerFault,
    LimitReached,
    LimitScope,
    MarketplaceFailure,
    OutcomeUnknown,
    PlatformFault,
    TokenDead,
)
from aliexpress.operation import Operation
from aliexpress.transport import Reply
from aliexpress.wire import Fields, Refused, Unreadable, read_object, until_midnight_in_beijing

SHORTEST_BAN = timedelta(seconds=1)  # where a limit is reported without its length

_BAN = re.compile(r"ban will last (?:for )?(\d{1,9})(?: more)? second", re.IGNORECASE)
TOKEN_DEAD_CODES = frozenset({"27", "IllegalAccessToken", "IllegalRefreshToken"})
LIMIT_CODES = frozenset({"7", "ApiCallLimit", "AppCallLimit", "isp.call-limited"})
PLATFORM_CODES = frozenset({"3", "10", "ServiceUnavailable"})
CLOCK_CODES = frozenset({"31", "InvalidTimestamp"})  # nothing was done; it heals with the clocks
REMOTE_SERVICE_CODES = frozenset({"15", "50"})  # sub_code says whose fault it is
APP_STATUSES = frozenset({401, 403, 407})  # without a word of AliExpress: who calls is refused
_PLATFORM_TYPES = frozenset({"ISP", "SYSTEM"})
# What was asked may have been done all the same:
_REACHED_BACK_END = ("timeout", "remote-connection", "remote-service", "unknown-error")
_PLATFORM_WORDS = ("系统异常", "系统错误", "system exception", "system error", "稍后重试")
PLATFORM_BUSINESS_CODES = frozenset({"16009999"})


class Complaint:
    """An error as AliExpress words it, whichever the form."""

    def __init__(self, answer: Fields, request_id: str | None) -> None:
        self.code = answer.find_text("code", "error_code", "error") or ""
        self.sub_code = answer.find_text("sub_code") or ""
        self.kind = (answer.find_text("type") or "").upper()
        words = answer.find_text("sub_msg", "msg", "message", "error_msg", "error_description")
        self.message = words or "no reason given"
        self.all_words = " ".join(filter(None, (self.message, answer.find_text("msg", "message"))))
        self.request_id = answer.find_text("request_id") or request_id


def open_envelope(operation: Operation, reply: Reply, now: datetime) -> Fields:
    """The object inside `reply`.

    Raises the typed failure the reply stands for, or `Unreadable`.
    """
    try:
        answer = read_object(reply.body)
        inner = _unwrapped(operation, answer)
        complaint = find_complaint(answer) or find_complaint(inner)
    except Unreadable:
        if reply.status >= 400:
            raise _by_status(operation, reply.status) from None
        raise
    if complaint is not None:
        raise classify(operation, complaint, now)
    if reply.status >= 400:
        raise _by_status(operation, reply.status, request_id_of(answer))
    if reply.status >= 300:
        raise Unreadable("$", f"status {reply.status} is not an answer")
    return inner


def request_id_of(answer: Fields) -> str | None:
    """AliExpress's name of the call, where the answer carries one."""
    return answer.find_text("request_id", "requestId")


def find_complaint(answer: Fields) -> Complaint | None:
    """The error that `answer` carries at its top, if any."""
    wrapped = answer.find_fields("error_response")
    if wrapped is not None:
        return Complaint(wrapped, request_id_of(answer))
    code = answer.find_text("code", "error")
    has_words = answer.has("message", "msg", "type", "sub_code", "error_description")
    if code is not None and code != "0" and (has_words or not _has_answer(answer)):
        return Complaint(answer, None)
    return None


def classify(operation: Operation, complaint: Complaint, now: datetime) -> MarketplaceFailure:
    """The failure a platform error means for its caller."""
    code, sub_code = complaint.code, complaint.sub_code
    named: dict[str, Any] = {
        "code": code,
        "sub_code": sub_code,
        "request_id": complaint.request_id,
    }
    if _is_limit(complaint):
        return LimitReached(
            operation.name,
            complaint.message,
            ban=_ban_of(complaint, now),
            scope=_scope_of(sub_code),
            **named,
        )
    if (of_app := _find_app_refusal(complaint)) is not None:
        return AppRefused(operation.name, complaint.message, remedy=of_app.remedy, **named)
    if _is_one_of(TOKEN_DEAD_CODES, code):
        return TokenDead(operation.name, complaint.message, **named)
    is_platform = _is_one_of(CLOCK_CODES, code) or (
        not sub_code.casefold().startswith("isv.")
        and (
            sub_code.casefold().startswith("isp.")
            or _is_one_of(PLATFORM_CODES | REMOTE_SERVICE_CODES, code)
            or complaint.kind in _PLATFORM_TYPES
        )
    )
    if not is_platform:
        return CallerFault(operation.name, complaint.message, **named)
    names = f"{code} {sub_code} {complaint.all_words}".lower()
    may_be_done = any(word in names for word in _REACHED_BACK_END) or (
        code in REMOTE_SERVICE_CODES and not sub_code
    )
    if operation.is_write and may_be_done:
        return OutcomeUnknown(operation.name, complaint.message, **named)
    return PlatformFault(operation.name, complaint.message, **named)


def classify_refusal(
    operation: Operation, refused: Refused, request_id: str | None
) -> MarketplaceFailure:
    """The failure an error inside `result` means: the merchant's, our app's, or an outage further
    back."""
    message = refused.message.lower()
    code = refused.code
    if (of_app := None if code.isdecimal() else find_by_code([code])) is not None:
        return AppRefused(
            operation.name, refused.message, remedy=of_app.remedy, code=code, request_id=request_id
        )
    if (ban := _BAN.search(message)) is not None:
        return LimitReached(
            operation.name,
            refused.message,
            ban=timedelta(seconds=int(ban[1])),
            code=refused.code,
            request_id=request_id,
        )
    is_platform = refused.code in PLATFORM_BUSINESS_CODES or any(
        word in message for word in _PLATFORM_WORDS
    )
    kind = PlatformFault if is_platform else BusinessError
    return kind(operation.name, refused.message, code=refused.code, request_id=request_id)


def classify_unreadable(
    operation: Operation, unreadable: Unreadable, request_id: str | None
) -> MarketplaceFailure:
    """An answer of no documented form: for a write, its outcome is unknown."""
    kind = OutcomeUnknown if operation.is_write else BadAnswer
    return kind(operation.name, str(unreadable), code="bad-answer", request_id=request_id)


def _by_status(
    operation: Operation, status: int, request_id: str | None = None
) -> MarketplaceFailure:
    message = f"HTTP status {status} without a documented error"
    code = f"http-{status}"
    if status == 429:
        return LimitReached(
            operation.name, message, ban=SHORTEST_BAN, code=code, request_id=request_id
        )
    if status in APP_STATUSES:
        return AppRefused(
            operation.name, message, remedy=ADDRESS.remedy, code=code, request_id=request_id
        )
    if status < 500:
        return CallerFault(operation.name, message, code=code, request_id=request_id)
    kind = OutcomeUnknown if operation.is_write else PlatformFault
    return kind(operation.name, message, code=code, request_id=request_id)


def _unwrapped(operation: Operation, answer: Fields) -> Fields:
    """The inner object: under `<method>_response`, or the body itself where it is simplified."""
    expected = operation.name.replace(".", "_") + "_response"
    wrapper = expected if expected in answer.value else None
    if wrapper is None:
        wrappers = [name for name in answer.value if name.endswith("_response")]
        wrapper = wrappers[0] if len(wrappers) == 1 else None
    if wrapper is None:
        return answer
    inner = dict(inside.value) if (inside := answer.find_fields(wrapper)) is not None else {}
    if "request_id" not in inner and "request_id" in answer.value:
        inner["request_id"] = answer.value["request_id"]
    return Fields(inner, f"$.{wrapper}")


def _has_answer(answer: Fields) -> bool:
    return any(name.endswith("_response") or name == "result" for name in answer.value)


def _is_one_of(known: frozenset[str], *codes: str) -> bool:
    """Whether one of `codes` is known, whatever its case."""
    folded = {code.casefold() for code in known}
    return any(code.casefold() in folded for code in codes)


def _find_app_refusal(complaint: Complaint) -> AppRefusal | None:
    """Whether our app is refused; words decide only where there is no sub-code to do so."""
    found = find_by_code((complaint.sub_code, complaint.code, complaint.kind))
    return found or (None if complaint.sub_code else find_by_words(complaint.all_words))


def _is_limit(complaint: Complaint) -> bool:
    return (
        _is_one_of(LIMIT_CODES, complaint.code, complaint.sub_code)
        or complaint.sub_code.casefold().startswith("accesscontrol.limited")
        or _BAN.search(complaint.all_words) is not None
    )


def _ban_of(complaint: Complaint, now: datetime) -> timedelta:
    if (stated := _BAN.search(complaint.all_words)) is not None:
        return max(timedelta(seconds=int(stated[1])), SHORTEST_BAN)
    if complaint.sub_code.endswith("by-app-access-count"):
        return until_midnight_in_beijing(now)
    return SHORTEST_BAN


def _scope_of(sub_code: str) -> LimitScope:
    if "limited-by-app-access" in sub_code:
        return "app"
    if "limited-by" in sub_code:
        return "app-operation"
    return "seller-operation"
