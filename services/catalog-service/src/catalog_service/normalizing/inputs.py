"""What a family's evaluation depends on, as a digest: with the same inputs it would find the same,
so that a family that is marked though nothing of it changed is not evaluated again.

Named are its rows as they are stored, the feed and its configuration's version, how it stood, what
was looked up (the leaf's schema, the shop's currency, its pictures' verdicts), and the code, since
another release may find something else. The time is not: a family of which a sale begins or ends
loses its digest then (`mark_due`).
"""

from collections.abc import Sequence
from functools import cache
from hashlib import blake2b
from importlib.metadata import version
from importlib.resources import files
from importlib.resources.abc import Traversable

import msgspec

from catalog_service.feeds.store import Feed
from catalog_service.normalizing.normalize import Standing
from catalog_service.normalizing.variations import StoredMember

_LIBRARIES = ("jinja2", "jsonschema-rs", "msgspec", "nh3", "pydantic")
_encoder = msgspec.msgpack.Encoder()

LookedUp = tuple[str | int | None, ...]
"""What was looked up for the family, in the order in which it was; see `ShopLookups.looked_up`."""


def digest_of_inputs(
    feed: Feed, members: Sequence[StoredMember], standing: Standing, looked_up: LookedUp
) -> bytes:
    """The same for the same inputs, whatever order the members come in."""
    rows = sorted((m.product_id, m.parent_id, m.fields) for m in members)
    of_feed = (feed.shop_id, feed.catalogue_id, feed.configuration_version, feed.lifecycle)
    stood = (standing.is_online, standing.live_locale, standing.was_parent)
    encoded = _encoder.encode((code_version(), of_feed, stood, looked_up, rows))
    return blake2b(encoded, digest_size=16).digest()


@cache
def code_version() -> bytes:
    """A digest of all code that an evaluation may run through."""
    digest = blake2b(digest_size=16)
    for library in _LIBRARIES:
        digest.update(f"{library} {version(library)}\n".encode())
    for package in ("catalog_service", "common.contracts"):
        _add_sources(digest, files(package))
    return digest.digest()


def _add_sources(digest: blake2b, folder: Traversable) -> None:
    for entry in sorted(folder.iterdir(), key=lambda entry: entry.name):
        if entry.is_dir() and entry.name != "__pycache__":
            _add_sources(digest, entry)
        elif entry.name.endswith(".py"):
            digest.update(entry.name.encode())
            digest.update(entry.read_bytes())
