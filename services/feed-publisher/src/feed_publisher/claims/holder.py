"""Who holds a SKU code in a shop. Pure."""

import msgspec


class Holder(msgspec.Struct, frozen=True):
    """The feed and family a SKU code belongs to in this shop."""

    feed_id: str
    family_id: str
