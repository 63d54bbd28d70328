"""The pages a merchant's browser shows: whose shop it will be, and at the end done, or why not."""

from pathlib import Path

from fastapi.responses import HTMLResponse

from auth_service.connecting.connect_shop import Invitation
from auth_service.html import HEADERS, templates_of, with_forms
from auth_service.shops.store import Shop
from common.errors import Refusal

_templates = templates_of(Path(__file__).parent)
_page = _templates.get_template("outcome.html.j2")
_invitation = _templates.get_template("invitation.html.j2")


def invitation_page(invitation: Invitation, ticket: str) -> HTMLResponse:
    """Names the merchant and the shop before anything happens; its button goes on."""
    # Browsers hold a form's redirections against `form-action`, and AliExpress's are its own.
    return HTMLResponse(
        _invitation.render(invitation=invitation, ticket=ticket), headers=with_forms(None)
    )


def connected_page(shop: Shop, console_url: str = "") -> HTMLResponse:
    """Done; where there is a console, the way back to the shop's page there."""
    text = (
        f"{shop.shop_id} now works with the AliExpress account "
        f"{shop.seller_name or shop.seller_id}, until "
        f"{shop.expires_at:%d %B %Y, %H:%M} UTC. You may close this window."
    )
    back = f"{console_url.rstrip('/')}/shops/{shop.shop_id}" if console_url else ""
    return HTMLResponse(
        _page.render(title="The shop is connected", text=text, back=back), headers=HEADERS
    )


def refused_page(refusal: Refusal) -> HTMLResponse:
    """The shop is not connected; the page says why and what to do."""
    return HTMLResponse(
        _page.render(title=refusal.title, text=refusal.remedy, rule=refusal.rule),
        status_code=refusal.status,
        headers=HEADERS,
    )
