"""The job that asks AliExpress which leaves it suggests for titles of products.

Only titles are asked for that somebody looks for suggestions of, a few of each category; an answer
is kept. What AliExpress does not answer now is asked for again, later each time.
"""

from collections import defaultdict
from collections.abc import Sequence
from datetime import timedelta
from functools import partial

import structlog

from aliexpress.categories import suggest_categories
from aliexpress.client import Client
from aliexpress.errors import (
    AppRefused,
    CallerFault,
    LimitReached,
    MarketplaceFailure,
    TokenDead,
)
from aliexpress.operation import AccessToken
from catalog_service.categories.marketplace import Tokens, access_token
from catalog_service.categories.shop_turns import ShopTurns, pause_after
from catalog_service.shops.store import ShopKey
from catalog_service.suggestions.store import (
    TitleKey,
    defer_titles,
    list_due_titles,
    save_answer,
)
from common import clock
from common.errors import Outage
from common.postgres.leases import hold_lease
from common.postgres.pool import Pool
from common.postgres.set_aside import (
    RowKey,
    forget_failures,
    is_about_the_data,
    note_failure,
)
from common.postgres.unit_of_work import reading, unit_of_work
from common.shop_tokens import ShopNotConnected

log = structlog.get_logger()

JOB = "title-suggestions"
TITLES_PER_TURN = 64
TITLES_OF_SHOP = 16
PAUSE_REFUSED = timedelta(minutes=1)
"""How long a shop is left alone while AliExpress refuses our app or the shop has no token."""

Title = tuple[TitleKey, str, int]
"""A title, its language, and how often it could not be asked for."""


class PlatformSuggestions:
    """The job, each shop's titles by one replica at a time."""

    def __init__(self, pool: Pool, client: Client, tokens: Tokens, *, holder: str) -> None:
        self._pool = pool
        self._client = client
        self._tokens = tokens
        self._holder = holder
        self._turns = ShopTurns()

    async def aclose(self) -> None:
        """End the calls that are under way."""
        await self._turns.aclose()

    async def run(self) -> bool:
        """Ask for the next titles; whether there were any. A shop that hangs keeps no other
        waiting."""
        async with reading(self._pool) as connection:
            due = await list_due_titles(
                connection,
                JOB,
                busy=self._turns.busy,
                limit=TITLES_PER_TURN,
                of_shop=TITLES_OF_SHOP,
            )
        by_shop: defaultdict[ShopKey, list[Title]] = defaultdict(list)
        for title in due:
            by_shop[title[0][:2]].append(title)
        return await self._turns.run(
            {shop: partial(self._ask_all, shop, titles) for shop, titles in by_shop.items()}
        )

    async def _ask_all(self, shop: ShopKey, titles: Sequence[Title]) -> bool:
        async with hold_lease(self._pool, f"catalog.{JOB}:{'/'.join(shop)}", self._holder) as lease:
            if lease is None:
                return False
            left = [key for key, _, _ in titles]
            try:
                token = await self._tokens.token(*shop)
                for key, language, failures in titles:
                    await self._ask_apart(access_token(token), key, language, failures)
                    left.remove(key)
            except TokenDead:
                await self._tokens.report_dead(*shop, token.generation)
                await self._defer(left, PAUSE_REFUSED)
            except LimitReached as reached:
                await self._defer(left, reached.ban)
            except (ShopNotConnected, AppRefused):
                await self._defer(left, PAUSE_REFUSED)
            except Outage as outage:
                log.warning("titles.not_asked", shop=shop[1], reason=str(outage))
                await self._defer(left, PAUSE_REFUSED)
        return True

    async def _ask_apart(
        self, token: AccessToken, key: TitleKey, language: str, failures: int
    ) -> None:
        """Ask for one title, whose own failure is noted. Raises what is no fault of this title."""
        try:
            await self._ask(token, key, language, failures)
        except MarketplaceFailure:
            raise
        except Exception as error:
            if not is_about_the_data(error):
                raise
            await note_failure(self._pool, JOB, _row(key), error)

    async def _ask(self, token: AccessToken, key: TitleKey, language: str, failures: int) -> None:
        """Ask for one title. Raises what is no fault of this title."""
        try:
            found = await suggest_categories(self._client, token, key[2], language=language)
            leaves = [each.category_id for each in found]
        except (TokenDead, LimitReached, AppRefused):
            raise
        except CallerFault as fault:
            log.warning("title.refused", shop=key[1], reason=str(fault))
            leaves = []
        except MarketplaceFailure as failure:
            log.warning("title.not_asked", shop=key[1], reason=str(failure))
            await self._defer([key], pause_after(failures + 1))
            return
        async with unit_of_work(self._pool) as connection:
            await save_answer(connection, key, leaves)
            await forget_failures(connection, JOB, [_row(key)])

    async def _defer(self, keys: Sequence[TitleKey], pause: timedelta) -> None:
        if keys:
            async with unit_of_work(self._pool) as connection:
                await defer_titles(connection, keys, retry_at=clock.now() + pause)


def _row(key: TitleKey) -> RowKey:
    return RowKey(key[0], f"{key[1]}/{key[2]}")
