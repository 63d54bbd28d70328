"""A form that was sent after its session had ended: it waits on the page to sign in, in the browser
alone, and is shown to who typed it before it is sent. Pure."""

import re
from urllib.parse import quote_plus

import msgspec

from common.web.forms import safe_next
from common.web.identity import IDENTIFIER_PATTERN
from console.forms import Form
from console.services import Problem
from console.texts import N_
from console.tokens import Me

LONGEST_KEPT = 600_000
"""Of a form as the browser sends it again with the page to sign in, of which it is a field."""
OURS = {"csrf", "typed_by", "typed_for"}
_ID = re.compile(IDENTIFIER_PATTERN)
_ENDED = N_("Your session has ended")
NOT_KEPT = Problem(
    title=_ENDED,
    status=401,
    remedy=N_(
        "What you sent was not taken, and could not be kept: files, passwords and codes are not, "
        "nor what is very long. Sign in, then do it again."
    ),
)
KEPT = Problem(
    title=_ENDED, status=401, remedy=N_("Nothing was changed, and nothing you typed is lost.")
)


class KeptForm(msgspec.Struct, frozen=True):
    """Where the form was sent, its fields, who typed it, and the merchant it was for (empty: for
    none)."""

    action: str
    fields: list[tuple[str, str]]
    person_id: str
    merchant_id: str

    def is_of(self, me: Me) -> bool:
        """Whether this is the person who typed it, and the merchant is still one of theirs."""
        own = {member.merchant_id for member in me.memberships}
        is_any = me.is_operator and _ID.fullmatch(self.merchant_id) is not None
        may = not self.merchant_id or self.merchant_id in own or is_any
        return self.person_id == me.person_id and may


def kept_of(form: Form, action: str) -> KeptForm | None:
    """The form as it may be kept; None for one with a secret, or of nobody."""
    fields = [(name, value) for name, value in form.pairs if name not in OURS]
    person_id = form.text("typed_by")
    if not person_id or not safe_next(action) or any(_is_secret(name) for name, _ in fields):
        return None
    return KeptForm(action, fields, person_id, form.text("typed_for"))


def written(kept: KeptForm) -> str | None:
    """As a field of the page to sign in; None for what is too long."""
    text = msgspec.json.encode(kept).decode()
    return text if len(quote_plus(text)) <= LONGEST_KEPT else None


def read(text: str) -> KeptForm | None:
    """What the page to sign in held; None for what it never does."""
    try:
        kept = msgspec.json.decode(text, type=KeptForm)
    except msgspec.DecodeError:
        return None
    return kept if safe_next(kept.action) else None


def _is_secret(name: str) -> bool:
    return name == "code" or any(word in name for word in ("password", "secret"))
