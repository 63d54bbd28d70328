"""Where a trouble is repaired. Pure."""

from urllib.parse import quote

from console.answers.alerts import Trouble


def place_of(trouble: Trouble) -> str | None:
    """The page of the narrowest thing that the trouble names; None where it names none."""
    if trouble.order_id and trouble.shop_id:
        return _path("orders", trouble.shop_id, trouble.order_id)
    for area, name in (
        ("runs", trouble.run_id),
        ("feeds", trouble.feed_id),
        ("catalogues", trouble.catalogue_id),
        ("shops", trouble.shop_id),
    ):
        if name:
            return _path(area, name)
    return None


def _path(*steps: str) -> str:
    return "".join(f"/{quote(step, safe='')}" for step in steps)
