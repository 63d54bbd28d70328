"""The page on which people read the mails that were caught."""

from sandbox.pages import render_page
from sandbox.server import Request, Response
from sandbox.state import State

SHOWN = 200


def mails(state: State, request: Request) -> Response:
    """The list, the newest first; with `id` one mail."""
    chosen = request.query.get("id", "")
    mail = state.mailbox.find(int(chosen)) if chosen.isdecimal() and len(chosen) < 16 else None
    if mail is not None:
        return render_page("mail.html", mail=mail)
    found = list(state.mailbox.of(request.query.get("to", "")))
    return render_page("mails.html", mails=found[::-1][:SHOWN], count=len(found))
