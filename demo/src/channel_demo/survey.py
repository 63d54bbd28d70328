"""What came of it: what is online by the marketplace's own word, and why the rest is not."""

import re
from dataclasses import dataclass

from channel_cli.answers import PreviewFamily, PublishedProduct
from channel_cli.progress import poll
from channel_demo.report import Rejected
from channel_demo.sandbox import AUDITING, ONLINE, ShopProduct
from channel_demo.session import Session

GONE = frozenset({"deleted", "feed_removed"})
EXCLUDED = "excluded"
RULE = re.compile(r"\bM\d+\.\d+\b")


@dataclass(frozen=True)
class Found:
    """The feed's products by their outcome."""

    families: int
    online: int
    excluded: int
    rejected: list[Rejected]


async def survey(session: Session) -> Found:
    """Every product of the feed: online, excluded, or rejected with its reason."""
    online_ids = {item.product_id for item in await audited_shop(session) if item.status == ONLINE}
    families = [
        family
        async for family in session.channel.preview(session.merchant, session.feed)
        if family.state not in GONE
    ]
    published = {
        item.family_id: item
        async for item in session.channel.published(session.merchant, session.feed)
    }
    online = [
        family
        for family in families
        if family.family_id in published
        and published[family.family_id].marketplace_product_id in online_ids
    ]
    excluded = [family for family in families if family.state == EXCLUDED]
    names = {family.family_id for family in (*online, *excluded)}
    rejected = [
        rejection_of(family, published.get(family.family_id))
        for family in families
        if family.family_id not in names
    ]
    return Found(len(families), len(online), len(excluded), rejected)


async def audited_shop(session: Session) -> list[ShopProduct]:
    """The shop as the marketplace has it, once it is checking none of its products."""
    async for shop in poll(session.sandbox.products, within=60, what="the marketplace's audit"):
        if all(item.status != AUDITING for item in shop):
            break
    return shop


def rejection_of(family: PreviewFamily, published: PublishedProduct | None) -> Rejected:
    """Why a product is not online: its first error, else what the marketplace said."""
    for issue in family.issues:
        if issue.severity == "error":
            return Rejected(family.family_id, issue.sku, issue.rule, issue.message, issue.remedy)
    for cause in published.causes if published else ():
        named = RULE.search(cause.explanation)
        rule = named.group() if named else cause.code
        return Rejected(family.family_id, None, rule, cause.message, cause.remedy)
    return Rejected(family.family_id, None, "", "not online, and no reason is known", "")


async def count_shipped(session: Session) -> int:
    """Orders of which the marketplace has a parcel."""
    return sum(bool(order.shipments) for order in await session.sandbox.orders())
