"""The consumer of `condition.state`: what the other services see becomes troubles."""

from collections.abc import Sequence
from typing import Any

import structlog

from auth_service.troubles import store
from auth_service.troubles.change import apply_end, apply_found
from auth_service.troubles.kinds import KINDS
from auth_service.troubles.store import Key
from auth_service.troubles.trouble import Found
from common.contracts.condition import ConditionState
from common.messaging.newest import newest
from common.messaging.records import Delivery, NotApplied, Subscription
from common.postgres.pool import Connection

log = structlog.get_logger()

GROUP = "auth-service.conditions"


def subscription() -> Subscription:
    return Subscription(ConditionState, follow_conditions)


async def follow_conditions(
    connection: Connection, deliveries: Sequence[Delivery[Any]]
) -> Sequence[NotApplied]:
    """Apply the newest word on each subject, of those kinds that are known; older words than what
    was heard before change nothing."""
    states: list[ConditionState] = [delivery.event for delivery in deliveries]
    unknown = sorted({state.kind for state in states} - KINDS.keys())
    if unknown:
        log.warning("conditions.unknown_kinds", kinds=unknown)
    heard = newest((s for s in states if s.kind in KINDS), _key_of, lambda state: state.revision)
    if not heard:
        return []
    keys = [_key_of(state) for state in heard]
    await store.lock_subjects(connection, keys)
    known = await store.find_newest(connection, keys)
    for state in heard:
        trouble = known.get(_key_of(state))
        if trouble is not None and trouble.source_revision >= state.revision:
            continue
        if state.present:
            await apply_found(connection, _found(state), trouble, source_revision=state.revision)
        elif trouble is not None and trouble.closed_at is None:
            await apply_end(
                connection, trouble, ended_at=state.ended_at, source_revision=state.revision
            )
    return []


def _key_of(state: ConditionState) -> Key:
    return (state.merchant_id, state.kind, state.subject)


def _found(state: ConditionState) -> Found:
    return Found(
        merchant_id=state.merchant_id,
        kind=state.kind,
        subject=state.subject,
        since=state.since,
        shop_id=state.shop_id,
        feed_id=state.feed_id,
        catalogue_id=state.catalogue_id,
        run_id=state.run_id,
        order_id=state.order_id,
        details=state.details,
    )
