"""A shop's token through any life: connected, renewed, declined, revoked, reported dead, lapsed."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from auth_service.expiry.watch_tokens import watch_tokens
from auth_service.shops.expiry_steps import Step, latest_step
from common import clock
from common.contracts.shop import ShopState
from common.contracts.token import TokenExpired, TokenExpiring, TokenRenewed

from ..auth_harness import Auth, Seller

ONE, TWO = "2200100001", "2200100002"
TOKEN = "/internal/v1/shops/shein/main/token"
ORDER: tuple[Step | None, ...] = (None, "14d", "7d", "3d", "1d", "6h", "expired")


@dataclass(frozen=True)
class Connect:
    """Somebody walks the pages as this seller."""

    seller_id: str


@dataclass(frozen=True)
class Decline:
    """The seller does not agree."""


@dataclass(frozen=True)
class Revoke:
    """AliExpress ends the shop's token without a word."""


@dataclass(frozen=True)
class Report:
    """A service says that the token of the generation so many before the newest is dead."""

    before: int


@dataclass(frozen=True)
class Pass:
    """Time passes, and the watcher looks."""

    hours: int


Act = Connect | Decline | Revoke | Report | Pass
ACTS = st.one_of(
    st.builds(Connect, st.sampled_from([ONE, ONE, ONE, TWO])),
    st.just(Decline()),
    st.just(Revoke()),
    st.builds(Report, st.integers(0, 2)),
    st.builds(Pass, st.one_of(st.integers(1, 30), st.integers(30, 400), st.integers(700, 740))),
)


class Life:
    """The shop as it must be, beside the shop as it is."""

    def __init__(self, auth: Auth, seller: Seller) -> None:
        self.auth, self.seller = auth, seller
        self.connection = "pending"
        self.seller_id: str | None = None
        self.generation = 0
        self.expires_at = clock.now()
        self.is_revoked = False
        self.step: Step | None = None
        self.expiring: list[tuple[int, str]] = []
        self.expired: list[tuple[int, str]] = []

    async def go_through(self, act: Act) -> None:
        match act:
            case Connect(seller_id):
                await self._connect(seller_id)
            case Decline():
                page = await self.auth.callback(await self.auth.start(), None)
                assert page.status_code == 400
            case Revoke() if self.seller_id is not None:
                body = {"seller_id": self.seller_id}
                await self.seller.http.post("/control/tokens/expire", json=body)
                self.is_revoked = True
            case Report(before) if self.generation > before:
                await self._report(self.generation - before)
            case Pass(hours):
                await self.seller.move_clock(advance_seconds=hours * 3600)
                while await watch_tokens(self.auth.pool):
                    pass
                self._reach_steps()

    async def _connect(self, seller_id: str) -> None:
        page = await self.auth.callback(await self.auth.start(), await self.seller.code(seller_id))
        if self.seller_id not in {None, seller_id}:
            assert page.status_code == 409, page.text
            return
        assert page.status_code == 200, page.text
        self.connection, self.seller_id, self.is_revoked = "connected", seller_id, False
        self.generation += 1
        self.step = None
        self.expires_at = (await self.auth.row())["expires_at"]
        left = self.expires_at - clock.now()
        assert timedelta(days=29) < left <= timedelta(days=31)

    async def _report(self, generation: int) -> None:
        answer = await self.auth.http.post(
            f"{TOKEN}/dead", json={"generation": generation}, headers=self.auth.service
        )
        assert answer.status_code == 200, answer.text
        is_of_this = generation == self.generation and self.connection == "connected"
        if is_of_this and self.is_revoked and self.expires_at > clock.now():
            self.connection = "disconnected"
            self.expired.append((generation, "taken_back"))

    def _reach_steps(self) -> None:
        reached = latest_step(self.expires_at, clock.now())
        if self.connection != "connected" or ORDER.index(reached) <= ORDER.index(self.step):
            return
        self.step = reached
        if reached == "expired":
            self.connection = "lapsed"
            self.expired.append((self.generation, "time"))
        elif reached is not None:
            self.expiring.append((self.generation, reached))

    async def is_as_it_must_be(self) -> None:
        row = await self.auth.row()
        assert (row["connection"], row["generation"]) == (self.connection, self.generation)
        states = await self.auth.events(ShopState)
        assert states[-1].connection == self.connection
        revisions = [state.revision for state in states]
        assert revisions == sorted(set(revisions))
        expiring = await self.auth.events(TokenExpiring)
        assert [(event.generation, event.step) for event in expiring] == self.expiring
        expired = await self.auth.events(TokenExpired)
        assert [(event.generation, event.cause) for event in expired] == self.expired
        renewed = [event.generation for event in await self.auth.events(TokenRenewed)]
        assert renewed == list(range(1, self.generation + 1))
        given_out = await self.auth.http.get(TOKEN, headers=self.auth.service)
        is_usable = self.connection == "connected" and self.expires_at > clock.now()
        assert given_out.status_code == (200 if is_usable else 409)
        if is_usable:
            assert given_out.json()["generation"] == self.generation


@settings(
    max_examples=settings().max_examples // 4,  # each is a life on a database
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@example([Connect(ONE), Revoke(), Report(0), Pass(740), Connect(ONE), Report(1), Pass(700)])
@example([Connect(ONE), Connect(ONE), Revoke(), Report(1), Report(0), Connect(ONE)])
@example([Connect(ONE), Pass(730), Connect(TWO), Connect(ONE), Pass(400)])
@given(st.lists(ACTS, min_size=5, max_size=20))
async def test_whatever_happens_to_a_token_the_shop_and_its_events_say_so(
    selling: tuple[Auth, Seller], acts: Sequence[Act]
) -> None:
    auth, seller = selling
    for table in ("connect_attempt", "shop", "api_client", "merchant", "outbox"):
        await auth.pool.execute(f"DELETE FROM {table}")
    await auth.register()
    await auth.connect()
    life = Life(auth, seller)
    for act in acts:
        await life.go_through(act)
        await life.is_as_it_must_be()
