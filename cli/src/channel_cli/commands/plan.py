"""`channel plan`: what a run does, or would do, product by product."""

from collections import Counter
from typing import Annotated, Any

import typer

from channel_cli.answers import Answer, PlanLine, Run, RunReport
from channel_cli.client import Channel
from channel_cli.output import (
    SAMPLE_FEED,
    SAMPLE_MERCHANT,
    AsJson,
    FeedId,
    MerchantId,
    ask,
    fail,
    out,
    say,
    table_of,
    write_json,
)

LINES_SHOWN = 200
LONGEST = 80
OFFER = ("price", "discount_price", "inventory", "country_prices")


class WholePlan(Answer, frozen=True, kw_only=True):
    """A run's plan: `counts` are lines by action; `unchanged` products need nothing, `missing` ones
    are wanted and cannot be sent."""

    run_id: str
    kind: str
    state: str
    counts: dict[str, int]
    missing: int
    lines: list[PlanLine]
    unchanged: int | None = None


def plan(
    run_id: Annotated[
        str | None,
        typer.Argument(help="The run; the feed's newest that does anything when left out."),
    ] = None,
    *,
    merchant: MerchantId = SAMPLE_MERCHANT,
    feed: FeedId = SAMPLE_FEED,
    action: Annotated[
        str | None, typer.Option(help="Only create, update, delete, price or stock.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """What a run does, or would do, product by product: before and after (M6.1)."""

    async def asked(channel: Channel) -> WholePlan:
        run = await _run(channel, merchant, feed, run_id)
        report = await channel.report(merchant, run.run_id)
        lines = [line async for line in channel.plan(merchant, run.run_id)]
        return _whole(run, report, [line for line in lines if action in {None, line.planned}])

    found = ask(asked)
    if as_json:
        write_json(found)
        return
    columns = ("action", "product", "SKU", "before", "after", "status", "why")
    title = f"{found.kind} run {found.run_id}: {found.state}"
    out.print(table_of(columns, map(_row, found.lines[:LINES_SHOWN]), title=title))
    if len(found.lines) > LINES_SHOWN:
        say(f"And {len(found.lines) - LINES_SHOWN} lines more: --json has all.")
    counted = ", ".join(f"{name} {count}" for name, count in found.counts.items()) or "nothing"
    say(f"In all: {counted}; {found.unchanged or 0} products unchanged, {found.missing} missing.")


async def _run(channel: Channel, merchant: str, feed: str, run_id: str | None) -> Run:
    if run_id is not None:
        return await channel.run(merchant, run_id)
    runs = [run async for run in channel.runs(merchant, feed)]
    if not runs:
        fail(f"{feed} has not run yet", "Type `channel run product-feed --dry-run`.")
    return next((run for run in runs if run.progress.total), runs[0])


def _whole(run: Run, report: RunReport, lines: list[PlanLine]) -> WholePlan:
    return WholePlan(
        run_id=run.run_id,
        kind=run.kind,
        state=run.state,
        counts=dict(Counter(line.action for line in lines)),
        missing=report.missing,
        unchanged=report.unchanged,
        lines=lines,
    )


def _row(line: PlanLine) -> tuple[str | None, ...]:
    why = " ".join(part for part in (line.code, line.message) if part)
    action = line.action if line.action == line.planned else f"{line.planned}, {line.action}"
    before, after = _side(line.before), _side(line.after)
    return action, line.family_id, line.sku, before, after, line.status, why


def _side(side: dict[str, Any] | None) -> str:
    """What a side holds, in short: a title and each SKU's offer, or one SKU's values."""
    if side is None:
        return ""
    content = side.get("content") or {}
    titles = [text["text"] for text in content.get("titles", ())]
    title = next(iter(titles), side.get("title"))
    lines = [] if title is None else [_short(title)]
    lines += [f"{code}: {_offer(offer)}" for code, offer in (side.get("skus") or {}).items()]
    return "\n".join([*lines, *([_offer(side)] if "skus" not in side else [])]).strip()


def _offer(values: dict[str, Any]) -> str:
    shown = ((name, values.get(name)) for name in OFFER)
    return _short(
        ", ".join(f"{name} {_value(value)}" for name, value in shown if value not in (None, []))
    )


def _value(value: Any) -> str:
    """A value, or the prices of countries: `ES 13.40, sale 12.00`."""
    if not isinstance(value, list):
        return str(value)
    return "; ".join(
        f"{one['country']} {one['price']}"
        + (f", sale {one['discount_price']}" if one.get("discount_price") else "")
        for one in value
    )


def _short(text: str) -> str:
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 3]}..."
