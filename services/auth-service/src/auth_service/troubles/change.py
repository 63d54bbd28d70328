"""Open, renew and close troubles, in the transaction of what was noticed: row, fact and notice."""

from collections.abc import Sequence
from datetime import datetime

from auth_service.troubles import store
from auth_service.troubles.damping import Open, remind_after, steps
from auth_service.troubles.kinds import AT_ONCE, KINDS, Kind
from auth_service.troubles.store import Key
from auth_service.troubles.texts.describe import describe
from auth_service.troubles.trouble import Found, Outcome, Trouble
from common import clock
from common.contracts.envelope import encode, header_map
from common.contracts.trouble import TroubleClosed, TroubleOpened, TroubleSeverity
from common.messaging.outbox import add_encoded
from common.postgres.pool import Connection

SOURCE = "/auth-service"


async def raise_trouble(connection: Connection, found: Found, *, source_revision: int = 0) -> None:
    """This was noticed: open its trouble, unless one is open."""
    key = (found.merchant_id, found.kind, found.subject)
    await store.lock_subjects(connection, [key])
    newest = (await store.find_newest(connection, [key])).get(key)
    await apply_found(connection, found, newest, source_revision=source_revision)


async def apply_found(
    connection: Connection, found: Found, newest: Trouble | None, *, source_revision: int
) -> None:
    """As `raise_trouble`, of a subject that is locked and whose newest trouble is known."""
    kind = KINDS[found.kind]
    for step in steps(_open(newest), is_present=True, now=clock.now(), settles=kind.settles):
        if step == "open":
            await _open_new(connection, kind, found, source_revision)
        elif newest is not None and step == "close":
            await _close(connection, newest, ended_at=None, source_revision=source_revision)
        elif newest is not None:
            await store.note_found(
                connection,
                newest.trouble_id,
                found,
                source_revision=source_revision,
                is_again=step == "again",
            )


async def end_trouble(
    connection: Connection,
    key: Key,
    *,
    outcome: Outcome = "ended",
    ended_at: datetime | None = None,
) -> None:
    """This is over: close its trouble, where one is open; of a kind that comes and goes, later."""
    await store.lock_subjects(connection, [key])
    newest = (await store.find_newest(connection, [key])).get(key)
    await apply_end(connection, newest, ended_at=ended_at, outcome=outcome)


async def apply_end(
    connection: Connection,
    newest: Trouble | None,
    *,
    ended_at: datetime | None = None,
    source_revision: int | None = None,
    outcome: Outcome | None = None,
) -> None:
    """As `end_trouble`, of a subject that is locked and whose newest trouble is known."""
    if newest is None:
        return
    now = clock.now()
    revision = newest.source_revision if source_revision is None else source_revision
    settles = AT_ONCE if outcome == "superseded" else KINDS[newest.kind].settles
    for step in steps(_open(newest), is_present=False, now=now, settles=settles):
        if step == "close":
            ends = newest.quiet_since or ended_at or now
            await _close(
                connection, newest, ended_at=ends, source_revision=revision, outcome=outcome
            )
        elif step == "quiet":
            await store.note_quiet(
                connection,
                newest.trouble_id,
                since=ended_at or now,
                until=now + settles,
                source_revision=revision,
            )
        else:
            await store.note_heard(connection, newest.trouble_id, revision)


async def escalate(connection: Connection, found: Found) -> None:
    """This came nearer: open its trouble, or tell of the open one again."""
    key = (found.merchant_id, found.kind, found.subject)
    await store.lock_subjects(connection, [key])
    newest = (await store.find_newest(connection, [key])).get(key)
    if newest is None or newest.closed_at is not None:
        await apply_found(connection, found, newest, source_revision=0)
        return
    nearer = await store.raise_revision(connection, newest.trouble_id, found.details)
    await store.add_notice(connection, nearer, "updated")


async def close_quiet(connection: Connection, keys: Sequence[Key]) -> None:
    """Close those of these that have been quiet for long enough."""
    await store.lock_subjects(connection, keys)
    for newest in (await store.find_newest(connection, keys)).values():
        if newest.quiet_until is not None and newest.quiet_until <= clock.now():
            await _close(connection, newest, ended_at=None, source_revision=newest.source_revision)


def _open(newest: Trouble | None) -> Open | None:
    if newest is None or newest.closed_at is not None:
        return None
    return Open(newest.quiet_until)


async def _open_new(connection: Connection, kind: Kind, found: Found, source_revision: int) -> None:
    remind_at = clock.now() + remind_after(0) if kind.is_reminded else None
    trouble = await store.insert_trouble(
        connection,
        found,
        severity=kind.severity,
        remind_at=remind_at,
        source_revision=source_revision,
    )
    text = describe(found, "en")
    fact = TroubleOpened(
        merchant_id=trouble.merchant_id,
        trouble_id=trouble.trouble_id,
        kind=trouble.kind,
        subject=trouble.subject,
        severity=kind.severity,
        title=text.title,
        meaning=text.meaning,
        remedy=text.remedy,
        since=trouble.since,
        shop_id=trouble.shop_id,
        feed_id=trouble.feed_id,
        catalogue_id=trouble.catalogue_id,
        run_id=trouble.run_id,
        order_id=trouble.order_id,
        details=trouble.details,
    )
    event_id = await _publish(connection, fact)
    await store.add_notice(connection, trouble, "opened", event_id)


async def _close(
    connection: Connection,
    trouble: Trouble,
    *,
    ended_at: datetime | None,
    source_revision: int,
    outcome: Outcome | None = None,
) -> None:
    """Close it. One that became another kind's, which stands open, is superseded."""
    follower = KINDS[trouble.kind].superseded_by
    if outcome is None:
        became = (trouble.merchant_id, follower or "", trouble.subject)
        is_followed = follower is not None and await store.is_open(connection, became)
        outcome = "superseded" if is_followed else "ended"
    closed = await store.close(
        connection,
        trouble.trouble_id,
        ended_at=ended_at or trouble.quiet_since or clock.now(),
        outcome=outcome,
        source_revision=source_revision,
    )
    severity: TroubleSeverity = "critical" if closed.severity == "critical" else "warning"
    fact = TroubleClosed(
        merchant_id=closed.merchant_id,
        trouble_id=closed.trouble_id,
        kind=closed.kind,
        subject=closed.subject,
        severity=severity,
        title=describe(closed, "en").title,
        since=closed.since,
        shop_id=closed.shop_id,
        feed_id=closed.feed_id,
        catalogue_id=closed.catalogue_id,
        run_id=closed.run_id,
        order_id=closed.order_id,
        details=closed.details,
        ended_at=closed.ended_at or clock.now(),
        times=closed.times,
        outcome=outcome,
    )
    event_id = await _publish(connection, fact)
    await store.add_notice(connection, closed, "closed", event_id)


async def _publish(connection: Connection, fact: TroubleOpened | TroubleClosed) -> str:
    """Add the fact to the outbox; its event's id, which webhooks carry too."""
    encoded = encode(fact, source=SOURCE)
    await add_encoded(connection, [encoded])
    return header_map(encoded.headers)["ce_id"]
