"""What a merchant does once the shop sells: ships, renews, goes back, repairs, is told."""

from playwright.async_api import expect

from channel_demo.sandbox import SandboxControl

from . import first_shop
from .walker import Walker

SHIRTS = ["SUMMER-SHIRT-M-BLUE", "SUMMER-SHIRT-S-BLUE"]
TAKEN = "Rows: %(accepted)s accepted, %(there)s already there, %(refused)s refused."
CARRIER = "AliExpress Standard Shipping"


async def place_orders(sandbox: SandboxControl, *seeds: int) -> list[str]:
    """Buyers order shirts; the numbers of their orders."""
    return [
        (
            await sandbox.place_order(
                [(SHIRTS[seed % 2], 1)], seed=seed, status="WAIT_SELLER_SEND_GOODS"
            )
        ).order_id
        for seed in seeds
    ]


async def fetch_orders(ana: Walker, number: str) -> None:
    """Until the order is there."""
    await ana.open("/shops/main")
    await ana.press("Fetch orders now")
    await ana.open("/orders?view=all")
    await ana.looks_until(number)


async def ship_orders(ana: Walker, sandbox: SandboxControl) -> None:
    """One by its page, two by a file."""
    first, second, third = await place_orders(sandbox, 1, 2, 3)
    await fetch_orders(ana, third)
    await ana.open(f"/orders/main/{first}")
    await ana.fill(carrier=CARRIER, tracking_number="LP00123456789012")
    await ana.go_by(ana.page.locator("form[action$='/shipments'] [type=submit]"))
    await ana.looks_until("Confirmed")

    await ana.open("/orders-file")
    rows = [f"{each},{CARRIER},LP0012345678{each[-4:]}" for each in (second, third)]
    await ana.fill(rows="\n".join(["order_id,carrier,tracking_number", *rows]))
    await ana.press("Check what would happen")
    await ana.go_by(ana.page.locator("form:has([name=for_good]) [type=submit]"))
    await ana.sees(TAKEN, accepted=2, there=0, refused=0)
    for each in (second, third):
        await ana.open(f"/orders/main/{each}")
        await ana.looks_until("Confirmed")


async def renew(ana: Walker) -> None:
    """The token, at AliExpress's own pages."""
    await ana.open("/shops/main")
    await ana.press("Renew the connection")
    await ana.go_by(ana.page.get_by_role("button").first)
    await first_shop.agree(ana, first_shop.SELLER)


async def roll_back(ana: Walker) -> None:
    """A version with a slip in it, one without, and back to the first."""
    await ana.open("/feeds/products/settings")
    days = ana.page.locator("[name=shipping_preparation_time]")
    await ana.fill(shipping_preparation_time="5", units_time_zone="Mars")
    await ana.press("Save as a new version")
    await expect(ana.page.locator("#w-units_time_zone")).to_be_visible()
    await expect(days).to_have_value("5")  # nothing is lost
    await ana.fill(units_time_zone="Europe/Madrid")
    await ana.press("Save as a new version")
    await expect(days).to_have_value("5")
    await ana.open("/feeds/products/versions/1")
    await ana.press("Go back to version %(version)s", version=1)
    await ana.open("/feeds/products/settings")
    await expect(days).to_have_value("3")


async def choose_alerts(ana: Walker) -> None:
    """What comes by mail; a test mail shows that it does."""
    await ana.open("/alerts/subscriptions")
    switch = ana.page.locator("[name=mail]").first
    before = await switch.is_checked()
    await ana.switch(switch)
    await ana.press("Save")
    await expect(switch).to_be_checked(checked=not before)
    await ana.press("Send me a test mail")
    await ana.sees("A test mail is on its way to %(email)s.", email="ana@bazaar.example")
