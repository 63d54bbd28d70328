"""The pages: one form each, or what came of it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from fastapi.responses import HTMLResponse

from auth_service.html import HEADERS, templates_of, with_forms
from auth_service.invitations.open_link import Opened
from auth_service.people.person import Member, Person
from common.errors import Refusal

_templates = templates_of(Path(__file__).parent)
_form = _templates.get_template("form.html.j2")
_outcome = _templates.get_template("done.html.j2")


@dataclass(frozen=True)
class Field:
    """A field that somebody fills in."""

    name: str
    label: str
    kind: str
    autocomplete: str
    is_required: bool = True
    value: str = ""


@dataclass(frozen=True)
class Form:
    """A page with one form."""

    title: str
    action: str
    button: str
    paragraphs: tuple[str, ...] = ()
    fields: tuple[Field, ...] = ()
    hidden: tuple[tuple[str, str], ...] = ()
    links: tuple[tuple[str, str], ...] = ()


EMAIL = Field("email", "E-mail address", "email", "username")
PASSWORD = Field("password", "Password", "password", "current-password")
NEW_PASSWORD = Field("password", "New password, at least 12 characters", "password", "new-password")
CODE = Field("code", "Code of your second factor, if you have one", "text", "one-time-code", False)


def form_page(form: Form, token: str, *, refusal: Refusal | None = None) -> HTMLResponse:
    """The form; after a refusal with its reason, and its status."""
    return HTMLResponse(
        _form.render(form=form, token=token, refusal=refusal),
        status_code=refusal.status if refusal else 200,
        headers=with_forms("'self'") | _retry(refusal),
    )


def done_page(title: str, *paragraphs: str, links: Sequence[tuple[str, str]] = ()) -> HTMLResponse:
    """It is done; what next, with addresses and their texts."""
    return HTMLResponse(
        _outcome.render(title=title, paragraphs=paragraphs, links=links), headers=HEADERS
    )


def refused_page(refusal: Refusal, *more: str) -> HTMLResponse:
    """It was not done; why, and what next."""
    return HTMLResponse(
        _outcome.render(title=refusal.title, paragraphs=(refusal.remedy, *more), rule=refusal.rule),
        status_code=refusal.status,
        headers=HEADERS | _retry(refusal),
    )


def sign_in_form(next_path: str, email: str = "") -> Form:
    return Form(
        "Sign in",
        "/v1/sign-in",
        "Sign in",
        fields=(replace(EMAIL, value=email), PASSWORD, CODE),
        hidden=(("next", next_path),),
        links=(("/v1/forgot-password", "I forgot my password"),),
    )


def signed_in_form(person: Person) -> Form:
    return Form(
        "You are signed in",
        "/v1/sign-out",
        "Sign out",
        (f"As {person.display_name} ({person.email}).",),
    )


TO_SIGN_IN = (("/v1/sign-in", "Sign in"),)
FORGOT_FORM = Form(
    "Forgot your password?",
    "/v1/forgot-password",
    "Send me a link",
    ("We send a link to set another password to this address, if somebody signs in with it.",),
    (EMAIL,),
)


def reset_form(opened: Opened, link: str) -> Form:
    return Form(
        "Set another password",
        "/v1/reset-password",
        "Set the password",
        (f"For {opened.person.email}. All your sessions end, here and elsewhere.",),
        (NEW_PASSWORD,),
        (("link", link),),
    )


def invitation_form(opened: Opened, link: str) -> Form:
    whose = (
        f"work for the merchant {opened.merchant_name}"
        if opened.merchant_name is not None
        else "run this installation"
    )
    return Form(
        "You are invited",
        "/v1/invitation",
        "Accept",
        (
            f"You, {opened.person.email}, are invited to {whose}.",
            "If this is not your business, close this window: nothing has happened.",
        ),
        (NEW_PASSWORD,) if opened.needs_password else (),
        (("link", link),),
    )


def renew_form(merchant_name: str, merchant_id: str, shop_id: str, until: str) -> Form:
    return Form(
        f"Renew the shop {shop_id}",
        "/v1/renew",
        "Renew the connection",
        (
            f"The shop {shop_id} of {merchant_name} {until}",
            "AliExpress will ask you to agree again, with the same account.",
        ),
        hidden=(("merchant_id", merchant_id), ("shop_id", shop_id)),
    )


def owners_to_ask(owners: list[Member]) -> str:
    """Whom somebody asks who may not renew."""
    names = ", ".join(f"{owner.display_name} ({owner.email})" for owner in owners)
    return f"Ask an owner: {names}." if names else "Ask the operator of this channel."


def _retry(refusal: Refusal | None) -> dict[str, str]:
    if refusal is None or refusal.retry_after is None:
        return {}
    return {"Retry-After": str(max(1, int(refusal.retry_after.total_seconds())))}
