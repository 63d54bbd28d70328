"""Why a SKU is as it is, in one line: the first link of the chain that does not hold. Pure."""

from collections.abc import Callable

from channel_cli.sku_answers import NextStep, PublishedSku, WantedSku

Wanted = WantedSku | None
Published = PublishedSku | None


def conclude(wanted: Wanted, published: Published) -> str:
    """The line, with what to do next where there is anything."""
    for link in _CHAIN:
        found = link(wanted, published)
        if found is not None:
            return found
    return "It is on AliExpress as it is wanted."


def _left_out(wanted: Wanted, published: Published) -> str | None:
    if wanted is None:
        return None
    if wanted.is_pending:
        waits = f": it waits for {_named(wanted.waits_for)}" if wanted.waits_for else ""
        return f"It is still to be evaluated{waits}."
    if wanted.state == "excluded" or (wanted.excluded_by and wanted.wanted is None):
        rules = ", ".join(wanted.excluded_by) or "the feed's exclusions"
        return f"It is left out by {rules} (M5.1){_removal(published)}"
    if wanted.state in {"deleted", "feed_removed"}:
        what = "the catalogue" if wanted.state == "deleted" else "AliExpress with its feed"
        return f"It is deleted from {what}{_removal(published)}"
    return None


def _named(waits_for: str) -> str:
    """What it waits for; the upload of a picture in words."""
    kind, _, name = waits_for.partition(":")
    if kind != "photo":
        return waits_for
    shop, _, url = name.partition(":")
    return f"the upload of {url} into the photo bank of {shop}"


def _removal(published: Published) -> str:
    is_online = published is not None and published.accepted.offer is not None
    return "; the next product run takes it off AliExpress." if is_online else "."


def _not_handed_over(wanted: Wanted, published: Published) -> str | None:
    if published is None or published.desired is None:
        return "feed-publisher has not heard of it yet: ask again in a moment."
    if wanted is not None and wanted.revision != published.desired.get("revision"):
        return "feed-publisher has not heard of its newest state yet: ask again in a moment."
    return None


def _held_elsewhere(wanted: Wanted, published: Published) -> str | None:
    holder = published.holder if published else None
    if published is None or holder is None:
        return None
    if (holder.feed_id, holder.family_id) == (published.feed_id, published.family_id):
        return None
    return f"Its code belongs to product {holder.family_id} of feed {holder.feed_id} (M1.7)."


def _open(wanted: Wanted, published: Published) -> str | None:
    if published is None or published.open_item is None:
        return None
    item = published.open_item
    if item.status == "withheld":
        run = f"`channel report {item.run_id}`, then `channel run confirm {item.run_id}`"
        return f"Its {item.action} is withheld (M7.4): see {run}."
    if not published.is_first_run_confirmed:
        return (
            f"Its {item.action} waits for the first product run to be confirmed:"
            f" `channel run confirm {item.run_id}`."
        )
    waits = f"; {published.waits_for_shop}" if published.waits_for_shop else ""
    return f"Its {item.action} is under way ({item.status}) in run {item.run_id}{waits}."


def _online_already(wanted: Wanted, published: Published) -> str | None:
    if published is None or not published.candidates:
        return None
    ids = ", ".join(one.marketplace_product_id for one in published.candidates)
    return (
        f"AliExpress has it already as product {ids}, which this channel did not publish (M1.6):"
        f" take that offline, or type `channel adopt accept {published.family_id}`."
    )


def _planned(wanted: Wanted, published: Published) -> str | None:
    for step in published.next_steps if published else ():
        if step.verdict == "planned" and published is not None:
            actions = " and ".join(dict.fromkeys(action.action for action in step.actions))
            return f"The next {step.kind} run will do its {actions}{_when(step, published)}"
    return None


def _when(step: NextStep, published: PublishedSku) -> str:
    refused = _refusal(published)
    tried = "" if refused is None else f" Last time it was refused: {refused}"
    if published.waits_for_shop:
        return f", once it may: {published.waits_for_shop}.{tried}"
    if step.is_paused:
        return f"; the feed is paused ({step.pause_reason or 'no reason given'}).{tried}"
    due = f", due {step.next_due_at:%Y-%m-%d %H:%M} UTC" if step.next_due_at else ""
    return f"{due}: `channel run {step.kind}-feed` does it now.{tried}"


def _refusal(published: PublishedSku) -> str | None:
    item = published.last_outcome
    if item is None or item.status != "rejected" or item.cause is None:
        return None
    return f"{item.cause.explanation} {item.cause.remedy}"


def _refused(wanted: Wanted, published: Published) -> str | None:
    for step in published.next_steps if published else ():
        if step.verdict in {"refused", "waits"} and step.causes:
            cause = step.causes[0]
            return f"Nothing of it is sent by a {step.kind} run: {cause.message}. {cause.remedy}"
    return None


def _in_error(wanted: Wanted, published: Published) -> str | None:
    if wanted is None or not wanted.errors:
        return None
    issue = wanted.errors[0]
    return f"{issue.rule} {issue.field}: {issue.message}. {issue.remedy}"


def _not_as_accepted(wanted: Wanted, published: Published) -> str | None:
    shown = published.shown if published else None
    if published is None or shown is None:
        return "It is not on AliExpress."
    if shown.status not in {"onSelling", "live", "auditing"}:
        return f"AliExpress shows its product as {shown.status}: see the seller centre."
    if shown.offer is None:
        return "AliExpress shows its product without this SKU."
    accepted = published.accepted.offer or {}
    moved = [
        name
        for name in ("price", "discount_price", "inventory")
        if accepted.get(name) is not None and accepted.get(name) != shown.offer.get(name)
    ]
    if moved:
        return f"AliExpress shows another {', '.join(moved)} than was accepted: it was moved there."
    return None


_CHAIN: tuple[Callable[[Wanted, Published], str | None], ...] = (
    _left_out,
    _not_handed_over,
    _held_elsewhere,
    _open,
    _online_already,
    _planned,
    _refused,
    _in_error,
    _not_as_accepted,
)
