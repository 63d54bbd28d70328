"""The browser is back from AliExpress: exchange its code for a token and store that sealed."""

from contextlib import AbstractContextManager
from dataclasses import dataclass, replace

import asyncpg
import structlog

from aliexpress.client import Client
from aliexpress.errors import AppRefused, CallerFault, MarketplaceFailure
from aliexpress.oauth import CodeVerifier, TokenGrant, create_token
from auth_service.clients.secrets import hash_of
from auth_service.connecting.store import Attempt, claim_return
from auth_service.merchants.eligibility import require_eligible
from auth_service.sealing.token_vault import TokenVault
from auth_service.shops import store
from auth_service.shops.take_grant import take_grant
from common.errors import Refusal
from common.failpoints import reach
from common.postgres.audit import acting_as, current_actor, record
from common.postgres.pool import Pool
from common.postgres.unit_of_work import reading, unit_of_work

log = structlog.get_logger()

_START_OVER = "Ask for a new link and open it."


@dataclass(frozen=True)
class Callback:
    """What the browser came back with: AliExpress's query and our cookie. Each may be missing."""

    state: str | None
    code: str | None
    cookie: str | None


class StateUnknown(Refusal):
    """The state was not given to this browser, was used before, or is too old."""

    def __init__(self) -> None:
        super().__init__(
            "This answer does not belong to a connection begun in this browser",
            status=400,
            slug="state-unknown",
            rule="M1.2",
            remedy=f"{_START_OVER} Finish within ten minutes, in the same browser, and once.",
        )


class SellerDeclined(Refusal):
    """AliExpress sent no code: the seller did not agree."""

    def __init__(self) -> None:
        super().__init__(
            "The shop was not connected, because access was not granted on AliExpress",
            status=400,
            slug="seller-declined",
            rule="M1.2",
            remedy=f"{_START_OVER} Agree on AliExpress's page.",
        )


class CodeRefused(Refusal):
    """AliExpress gave no token for the code."""

    def __init__(self, failure: MarketplaceFailure) -> None:
        super().__init__(
            f"AliExpress gave no token for this code ({failure.code or 'no answer'})",
            status=400 if isinstance(failure, CallerFault) else 502,
            slug="code-refused",
            rule="M1.2",
            remedy=f"{_START_OVER} A code is valid once and for a short time.",
        )


class ConnectLater(Refusal):
    """AliExpress refuses our app, so no code can be exchanged now; the seller did nothing wrong."""

    def __init__(self, refusal: AppRefused) -> None:
        super().__init__(
            f"The shop is not connected yet. {refusal}",
            status=503,
            slug="app-refused",
            rule="M1.2",
            remedy="Nothing is wrong with your account. Ask for a new link later and open it, "
            "once the operator has put the channel's access right.",
        )


class OtherSeller(Refusal):
    """A renewal came back with another seller account (M1.4)."""

    def __init__(self, expected: store.Shop) -> None:
        super().__init__(
            f"This shop belongs to the AliExpress account "
            f"{expected.seller_name or expected.seller_id}, and another account agreed",
            status=409,
            slug="other-seller",
            rule="M1.4",
            remedy="Log out at AliExpress, ask for a new link and agree with that account. "
            "To sell with the other account, connect it as a shop of its own.",
        )


class SellerTaken(Refusal):
    """The seller account is connected as another shop already."""

    def __init__(self, holder: store.Shop | None, merchant_id: str) -> None:
        is_own = holder is not None and holder.merchant_id == merchant_id
        name = f"the shop {holder.shop_id}" if holder and is_own else "a shop elsewhere"
        super().__init__(
            f"This AliExpress account is connected already as {name}",
            status=409,
            slug="seller-taken",
            rule="M1.7",
            remedy="Use that shop: several feeds may share it. One account is one shop.",
        )


async def finish_connection(
    pool: Pool,
    client: Client,
    vault: TokenVault,
    callback: Callback,
    *,
    redirect_uri: str,
    contact: str,
    proves_code: bool,
) -> store.Shop:
    """The shop, connected with a token of a new generation (M1.2, M1.4).

    Raises `StateUnknown`, `SellerDeclined`, `NotEligible`, `CodeRefused`, `ConnectLater`,
    `OtherSeller` and `SellerTaken`. A kill between AliExpress's answer and the commit leaves
    nothing: the merchant connects again.
    """
    attempt = await _claim(pool, callback)
    if not callback.code:
        raise SellerDeclined
    async with reading(pool) as connection:
        shop = await store.load_shop(connection, attempt.merchant_id, attempt.shop_id)
    require_eligible(shop.merchant_id, shop.is_eligible, contact)
    verifier = CodeVerifier.of(callback.cookie) if proves_code and callback.cookie else None
    try:
        grant = await create_token(
            client, callback.code, redirect_uri=redirect_uri, verifier=verifier
        )
    except AppRefused as refusal:
        raise ConnectLater(refusal) from refusal
    except MarketplaceFailure as failure:
        raise CodeRefused(failure) from failure
    reach("auth.after-token")
    return await _save(pool, vault, attempt, grant)


async def _claim(pool: Pool, callback: Callback) -> Attempt:
    async with unit_of_work(pool) as connection:
        attempt = await claim_return(
            connection, hash_of(callback.state or ""), hash_of(callback.cookie or "")
        )
    if attempt is None:
        raise StateUnknown
    return attempt


def _by_seller(seller_id: str) -> AbstractContextManager[None]:
    """Who agreed on AliExpress acts: that nobody signed in here for it is how OAuth works."""
    return acting_as(replace(current_actor(), subject=f"seller:{seller_id}"))


async def _save(pool: Pool, vault: TokenVault, attempt: Attempt, grant: TokenGrant) -> store.Shop:
    try:
        async with unit_of_work(pool) as connection:
            known = await store.lock_shop(connection, attempt.merchant_id, attempt.shop_id)
            if known.seller_id not in {None, grant.seller_id}:
                raise OtherSeller(known)
            shop = await take_grant(connection, vault, known, grant, cause="person")
            details = {"seller": shop.seller_id, "generation": shop.generation}
            with _by_seller(grant.seller_id):
                await record(
                    connection,
                    "shop.connected",
                    shop.shop_id,
                    details,
                    merchant_id=shop.merchant_id,
                )
    except asyncpg.UniqueViolationError as taken:
        if taken.constraint_name != store.SELLER_CONSTRAINT:
            raise
        async with reading(pool) as connection:
            holder = await store.find_shop_of_seller(connection, grant.seller_id)
        raise SellerTaken(holder, attempt.merchant_id) from taken
    log.info(
        "shop.connected",
        merchant=shop.merchant_id,
        shop=shop.shop_id,
        generation=shop.generation,
        expires_at=shop.expires_at.isoformat() if shop.expires_at else None,
    )
    return shop
