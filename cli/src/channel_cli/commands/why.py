"""`channel why`: the whole chain of one SKU, from its source row to what AliExpress shows."""

from collections.abc import Iterator
from typing import Annotated, Any

import typer

from channel_cli.client import Channel
from channel_cli.commands.adopt import hints_of
from channel_cli.conclude import conclude
from channel_cli.output import (
    SAMPLE_FEED,
    SAMPLE_MERCHANT,
    AsJson,
    FeedId,
    MerchantId,
    ask,
    out,
    table_of,
    write_json,
)
from channel_cli.sku_answers import (
    NextStep,
    PublishedSku,
    SkuItem,
    SourceRow,
    WantedSku,
    WholeSku,
)
from channel_cli.sku_calls import FeedSkus

LONGEST = 120
Rows = Iterator[tuple[str, Any]]


def why(
    sku: Annotated[str, typer.Argument(help="The SKU's code.")],
    merchant: MerchantId = SAMPLE_MERCHANT,
    feed: FeedId = SAMPLE_FEED,
    live: Annotated[
        bool, typer.Option("--live/--no-live", help="Read what AliExpress shows just now.")
    ] = True,
    as_json: AsJson = False,
) -> None:
    """Why a SKU is as it is: source, matches, issues, plan, last call, what AliExpress shows."""

    async def asked(channel: Channel) -> WholeSku:
        skus = FeedSkus(channel.session, merchant, feed)
        wanted, published = await skus.both(sku, is_live=live)
        return WholeSku(conclusion=conclude(wanted, published), wanted=wanted, published=published)

    found = ask(asked)
    if as_json:
        write_json(found)
        return
    if found.wanted is not None and found.wanted.matches:
        out.print(_matches(found.wanted))
    if found.wanted is not None and found.wanted.issues:
        out.print(_issues(found.wanted))
    out.print(table_of(("link", "what is known"), [*_of_catalogue(found), *_of_publisher(found)]))
    out.print(found.conclusion, markup=False)


def _matches(wanted: WantedSku) -> Any:
    rows = (
        (m.field, m.failure or _short(m.value), m.origin, m.product_id, _named(m.sources))
        for m in wanted.matches
    )
    return table_of(("field", "value", "from", "row", "source fields"), rows)


def _issues(wanted: WantedSku) -> Any:
    rows = (
        (i.effect, f"{i.rule} {i.field}: {i.message}", _named(i.sources), i.remedy)
        for i in wanted.issues
    )
    return table_of(("", "issue", "source fields", "remedy"), rows)


def _named(sources: dict[str, Any]) -> str:
    return "\n".join(f"{name} = {_short(value)}" for name, value in sources.items())


def _short(value: Any) -> str:
    text = "nothing" if value is None else str(value)
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 3]}..."


def _of_catalogue(found: WholeSku) -> Rows:
    wanted = found.wanted
    if wanted is None:
        yield "source", "catalog-service does not know it"
        return
    yield "source", _row(wanted.source)
    if wanted.parent is not None:
        yield "parent", _row(wanted.parent)
    yield "product", wanted.family_id
    yield "category", f"{wanted.category_path or 'none'} -> {wanted.category_id or 'no match'}"
    evaluated = "" if wanted.evaluated_with is None else f", evaluated with {wanted.evaluated_with}"
    yield "configuration", f"version {wanted.configuration_version}{evaluated}"
    left_out = f", left out by {', '.join(wanted.excluded_by)}" if wanted.excluded_by else ""
    yield "state", f"{wanted.state or 'not evaluated yet'}{left_out}"
    yield "wanted", wanted.wanted or "nothing"


def _row(row: SourceRow | None) -> str:
    if row is None:
        return "no row has this SKU code"
    gone = ", deleted" if row.is_deleted else ""
    return f"{row.product_id}, version {row.version} of {row.updated_at:%Y-%m-%d %H:%M} UTC{gone}"


def _of_publisher(found: WholeSku) -> Rows:
    published = found.published
    if published is None:
        yield "publishing", "feed-publisher does not know it"
        return
    accepted = published.accepted
    yield "accepted", _parts(accepted.offer) or "nothing"
    yield "AliExpress product", accepted.marketplace_product_id or "none"
    for step in published.next_steps:
        yield f"next {step.kind} run", _step(step)
    yield "open item", _item(published.open_item)
    yield "last outcome", _item(published.last_outcome)
    for one in published.candidates:
        hints = ", ".join(hints_of(one)) or "no hint but the SKU codes"
        yield "online before", f"product {one.marketplace_product_id}, {one.title}: {hints}"
    yield "AliExpress shows", _shown(published)


def _step(step: NextStep) -> str:
    lines = [step.verdict]
    lines += [f"{a.action}: {_parts(a.before)} -> {_parts(a.after)}" for a in step.actions]
    lines += [f"{cause.message}. {cause.remedy}" for cause in step.causes]
    return "\n".join(lines)


def _parts(values: dict[str, Any] | None) -> str:
    return ", ".join(f"{name} {_short(value)}" for name, value in (values or {}).items() if value)


def _item(item: SkuItem | None) -> str:
    if item is None:
        return "none"
    lines = [f"{item.action}: {item.status}, run {item.run_id}"]
    if item.call is not None:
        job = f", job {item.call.job_id}" if item.call.job_id else ""
        called = f"{item.call.called_at:%Y-%m-%d %H:%M:%S} UTC"
        lines.append(f"called {called}{job}: {item.call.state}")
    if item.cause is not None:
        lines.append(f"{item.cause.code} {item.cause.message}: {item.cause.remedy}")
    return "\n".join(lines)


def _shown(published: PublishedSku) -> str:
    shown = published.shown
    lines = [] if published.live_problem is None else [published.live_problem]
    if shown is None:
        return "\n".join([*lines, "nothing"])
    age = "just now" if shown.is_live else f"{shown.age_seconds} s ago"
    lines.append(f"{shown.status}, read {age}: {_parts(shown.offer) or 'no such SKU'}")
    lines += [f"{d.get('what')}: {d.get('cause')} {d.get('remedy')}" for d in shown.differences]
    return "\n".join(lines)
