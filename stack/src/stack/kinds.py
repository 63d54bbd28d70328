"""Which kind each store is, remembered in the state folder from the first start on.

An image that is pulled later, or a Docker that is away for once, must not move a stack to empty
stores: it goes on with the kind it began with, or says why it cannot.
"""

import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from stack.failures import OtherStores
from stack.private_files import write_private

DOCKER_SOCKET = Path("/var/run/docker.sock")


class Kind(StrEnum):
    """Where a store comes from."""

    ADDRESS = "address"
    CONTAINER = "container"
    EMBEDDED = "embedded"


@dataclass(frozen=True)
class Offer:
    """What there is for one store: an address in `setting`, a container of `image`."""

    store: str
    setting: str
    image: str
    is_given: bool
    has_container: Callable[[], bool]

    def choose(self, began_with: Kind | None) -> Kind:
        """The kind to start; raises `OtherStores` when it is not the one the stack began with."""
        if began_with is None:
            return self._first()
        if self.is_given and began_with is not Kind.ADDRESS:
            raise self._other(f"{self.setting} names another one: unset it")
        if began_with is Kind.ADDRESS and not self.is_given:
            raise self._other(f"its address is missing: set {self.setting} again")
        if began_with is Kind.CONTAINER and not self.has_container():
            raise self._other(
                f"its container cannot be had: let Docker run, with the image {self.image}, and"
                " leave STACK_CONTAINERS true"
            )
        return began_with

    def _first(self) -> Kind:
        if self.is_given:
            return Kind.ADDRESS
        return Kind.CONTAINER if self.has_container() else Kind.EMBEDDED

    def _other(self, obstacle: str) -> OtherStores:
        return OtherStores(
            f"the {self.store} this stack began with holds its data, and {obstacle}; or begin with"
            " empty stores by setting STACK_STATE_DIR to another folder"
        )


def kinds_of(state: Path) -> dict[str, Kind]:
    """The kinds the stack of this folder began with, by store; empty before its first start."""
    try:
        kept: dict[str, str] = json.loads(_file(state).read_text())
    except FileNotFoundError:
        return {}
    return {store: Kind(kind) for store, kind in kept.items()}


def keep_kinds(state: Path, kinds: dict[str, Kind]) -> None:
    """Remember the kinds."""
    state.mkdir(parents=True, exist_ok=True)
    write_private(_file(state), json.dumps(kinds))


def _file(state: Path) -> Path:
    return state / "stores.json"


def may_have_docker() -> bool:
    """Whether asking Docker is worth the import of its client."""
    return bool(os.environ.get("DOCKER_HOST")) or DOCKER_SOCKET.exists()
