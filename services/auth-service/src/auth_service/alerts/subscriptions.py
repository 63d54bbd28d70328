"""Who is told of what by default: owners of everything, agents of orders (M9.1). Pure."""

from collections.abc import Iterable, Mapping
from typing import Literal, get_args

from auth_service.troubles.kinds import KINDS
from common.errors import Refusal

Channel = Literal["mail", "in_app"]
CHANNELS: tuple[Channel, ...] = get_args(Channel)
Overrides = Mapping[tuple[str, Channel], bool]
"""What a person chose, by kind and channel."""


def is_on_by_default(role: str, kind: str, channel: Channel) -> bool:
    """owner: all; agent: what is about orders; viewer: all, in the list alone."""
    if role == "owner":
        return True
    if role == "agent":
        return KINDS[kind].group == "orders"
    return role == "viewer" and channel == "in_app"


def is_on(role: str, kind: str, channel: Channel, chosen: Overrides) -> bool:
    """What the person chose, else the default."""
    return chosen.get((kind, channel), is_on_by_default(role, kind, channel))


def kinds_of(role: str, channel: Channel, chosen: Overrides) -> list[str]:
    """The kinds that somebody of this role is told of by this channel."""
    return [kind for kind in KINDS if is_on(role, kind, channel, chosen)]


def overrides_of(
    role: str, chosen: Iterable[tuple[str, Channel, bool]]
) -> dict[tuple[str, Channel], bool]:
    """Of these choices those that differ from the default: the others follow it."""
    return {
        (kind, channel): value
        for kind, channel, value in chosen
        if value != is_on_by_default(role, kind, channel)
    }


def require_kinds(kinds: Iterable[str], field: str) -> None:
    """Raises `Refusal` where one of these is no kind of trouble."""
    unknown = sorted(set(kinds) - KINDS.keys())
    if unknown:
        raise Refusal(
            f"not a kind of trouble: {', '.join(unknown)[:200]}",
            status=422,
            slug="kind-unknown",
            field=field,
            remedy="Choose from the kinds that are listed (docs/alerts.md).",
        )
