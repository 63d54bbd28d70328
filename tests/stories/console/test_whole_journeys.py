"""The whole journey from an empty installation on, otherwise than with a mouse, a wide screen and
English: on a phone, in French, by keyboard alone."""

from collections.abc import Mapping
from typing import Any

import pytest

from channel_demo.sandbox import open_sandbox
from stack.system import CONSOLE, SANDBOX
from stack.testing import StartSystem, eventually

from . import daily_work, first_shop
from .chromium import CHROMIUM, chromium
from .walker import walking

pytestmark = [
    pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not here: apt-get install chromium"),
    pytest.mark.timeout(900),
]
WAYS: Mapping[str, Mapping[str, Any]] = {
    "on-a-phone": {"width": 390},
    "in-french": {"language": "fr-FR"},
    "by-keyboard": {"by_keyboard": True},
}


@pytest.mark.parametrize("way", WAYS)
async def test_from_an_empty_installation_to_parcels_and_back(
    request: pytest.FixtureRequest, start_system: StartSystem, way: str
) -> None:
    if request.config.getoption("--length") != "long":
        pytest.skip("make test-browser")
    async with (
        start_system(console=True) as system,
        chromium() as browser,
        open_sandbox(system.url(SANDBOX), first_shop.SELLER) as sandbox,
        walking(browser, system.url(CONSOLE), **WAYS[way]) as olga,
        walking(browser, system.url(CONSOLE), **WAYS[way]) as ana,
    ):
        await first_shop.sell_a_file(olga, ana, system)

        async def are_online() -> bool:
            products = await sandbox.products()
            return [each.status for each in products] == ["onSelling", "onSelling"]

        await eventually(are_online, within=20)
        await daily_work.ship_orders(ana, sandbox)
        await daily_work.renew(ana)
        await daily_work.choose_alerts(ana)
        await daily_work.roll_back(ana)
        assert ana.faults + olga.faults == []
