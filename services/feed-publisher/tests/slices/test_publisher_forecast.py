"""What the next run would do with a feed, counted, is what its dry run plans (M6.1)."""

from collections import Counter
from typing import Any

import msgspec
import pytest

from common.contracts.product import Part, ProductNormalized
from common.errors import Issue
from feed_publisher.explaining import forecast

from ..publisher_harness import FEED, Harness, Sku

TITLE = Issue("M3.6", "title_multi_language_list", "the title is missing", "Fill it.")


def invalid(harness: Harness, family: str) -> ProductNormalized:
    state = harness.product(family, content_is_valid=False)
    return msgspec.structs.replace(
        state, content_part=Part(is_valid=False, hash="none", issues=[TITLE])
    )


async def counted(harness: Harness, kind: str = "product") -> dict[str, Any]:
    found = dict(await harness.call("GET", f"/feeds/{FEED}/forecast", kind=kind))
    assert (found.pop("kind"), found.pop("is_partial")) == (kind, False)
    return found


@pytest.fixture(autouse=True)
def small_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(forecast, "PIECE_FAMILIES", 2)


async def test_a_forecast_counts_what_a_dry_run_plans(harness: Harness) -> None:
    await harness.take(
        *[harness.product(f"p{n}") for n in range(3)],
        *[invalid(harness, f"bad{n}") for n in range(2)],
        harness.product("sold-out", Sku("sold-out", stock=0)),
    )
    before = {"actions": {"create": 3}, "refused": 1, "waiting": 2, "unchanged": 0}
    assert await counted(harness) == before
    await harness.run("product")
    # the same once nothing is marked any more: what was refused or is missing stays so
    assert await counted(harness) == before | {"actions": {}, "unchanged": 3}
    assert (await counted(harness, "offer"))["actions"] == {}

    await harness.take(
        harness.product("p0", title="Warm"),
        harness.product("p1", Sku("p1", "19.00", stock=2)),
        harness.absent("p2"),
        harness.product("bad0"),
    )
    after = await counted(harness)
    assert after == {
        "actions": {"create": 1, "delete": 1, "update": 1},
        "refused": 1,
        "waiting": 1,
        "unchanged": 1,
    }
    offers = await counted(harness, "offer")
    assert offers["actions"] == {"price": 1, "stock": 2}  # p2 is zeroed until it is deleted
    run_id = await harness.ask("product", dry_run=True)
    await harness.wait(run_id, "planned")
    assert Counter(line["action"] for line in await harness.plan(run_id)) == after["actions"]
    report = await harness.call("GET", f"/runs/{run_id}/report")
    assert report["unchanged"] == after["unchanged"]
