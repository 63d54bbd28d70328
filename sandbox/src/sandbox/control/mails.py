"""Controls over the mails that were caught."""

from sandbox.control.forms import MailsRefused
from sandbox.control.requests import ControlError, json_response, read_form
from sandbox.server import Request, Response
from sandbox.state import State


def show(state: State, request: Request, parts: list[str]) -> Response:
    """The mails to `to`, or to all, after the id `after`."""
    after = request.query.get("after", "0")
    if not after.isdecimal():
        raise ControlError("after is a number")
    found = list(state.mailbox.of(request.query.get("to", ""), int(after)))
    return json_response({"mails": found})


def clear(state: State, request: Request, parts: list[str]) -> Response:
    """Forget all."""
    state.mailbox.clear()
    return json_response({})


def refuse(state: State, request: Request, parts: list[str]) -> Response:
    """Refuse the next mails with a code."""
    form = read_form(request, MailsRefused)
    state.mailbox.refusal = (form.code, form.count) if form.count > 0 else None
    return json_response({})
