"""A merchant always has an owner who can act. Pure."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from common.errors import NotFound, Refusal


class MemberRow(Protocol):
    """What the rule looks at of a member."""

    @property
    def person_id(self) -> str: ...
    @property
    def role(self) -> str: ...
    @property
    def accepted_at(self) -> datetime | None: ...


class LastOwner(Refusal):
    """The change would leave the merchant without anybody who may manage it."""

    def __init__(self) -> None:
        super().__init__(
            "this is the merchant's last owner",
            status=409,
            slug="last-owner",
            field="role",
            remedy="Make another member an owner first, who has accepted the invitation.",
        )


def require_owner_left(members: Sequence[MemberRow], person_id: str) -> None:
    """Whether the merchant has an owner when this member is none any more.

    Only those who accepted count: an invitation may never be opened. A merchant whose owners are
    all only invited has none to lose. Raises `NotFound` for who is no member, and `LastOwner`.
    """
    found = [member for member in members if member.person_id == person_id]
    if not found:
        raise NotFound("member", remedy="List the members.")
    owners = {m.person_id for m in members if m.role == "owner" and m.accepted_at is not None}
    if owners == {person_id}:
        raise LastOwner
