"""A first shop in the browser alone: each step as a person goes it, from an empty installation."""

import re
from pathlib import Path
from urllib.parse import urlsplit

from playwright.async_api import expect

from stack.run import Stack
from stack.system import SANDBOX

from .walker import Walker

PASSWORD = "correct horse battery"
FORMATS = Path(__file__).parents[3] / "services" / "catalog-service" / "tests" / "formats"
STALE = "What stands here may be of before."
"""What a page says while products are evaluated, or wait for AliExpress."""
DRAFTED = (
    "Drafted from %(rows)s rows. Each guess has its reason beside it; what is unsure is left out."
)
ANSWERS = {"Brand Name": "NONE", "Origin": "Mainland China", "Material": "Cotton"}
"""What a person says of attributes that no column has; of others the first that is offered."""


MERCHANT, SELLER = "bazaar", "2200100002"


async def sell_a_file(olga: Walker, ana: Walker, system: Stack) -> None:
    """From an empty installation to products online: an operator's part, and a merchant's."""
    addresses = system.addresses
    await make_operator(
        olga, addresses.operator_client_id, addresses.operator_client_secret, "olga@channel.example"
    )
    link = await register_merchant(olga, MERCHANT, "ana@bazaar.example")
    await accept(ana, link)
    await connect_shop(ana, SELLER)
    await upload_and_draft(ana, shopify_file(system.url(SANDBOX) + "/pictures"))
    await save_draft(ana)
    await accept_categories(ana)
    await fill_attributes(ana)
    await say_values(ana)
    await match_a_column(ana)
    await exclude(ana)
    await look_at_preview(ana)
    await send(ana)


def shopify_file(pictures: str) -> bytes:
    """The export of a small Shopify shop, its pictures at this address."""
    file = (FORMATS / "shopify.csv").read_bytes()
    return file.replace(b"https://pictures.example", pictures.encode())


async def make_operator(op: Walker, client_id: str, client_secret: str, email: str) -> None:
    """The first-run page: whoever holds the installation's own client is its first operator."""
    await op.open("/")
    await op.follow("This installation is new")
    await op.photograph("01-first-run")
    await op.fill(email=email, client_id=client_id, client_secret=client_secret)
    await op.press("Make the operator")
    await op.fill(display_name="Olga", password=PASSWORD)
    await op.press("Accept the invitation")


async def register_merchant(op: Walker, merchant: str, email: str) -> str:
    """A merchant and its owner's link, which a person hands on."""
    await op.open("/operate")
    await op.fill(merchant=merchant, email=email)
    await op.go_by(op.page.locator("form[action='/operate/merchants'] [type=submit]"))
    link = await op.page.locator("code", has_text="/invitation?").first.inner_text()
    await op.photograph("02-merchant")
    return f"{urlsplit(link).path}?{urlsplit(link).query}"


async def accept(person: Walker, link: str) -> None:
    """An invitation, and a password: then one is in."""
    await person.open(link)
    await person.fill(display_name="Ana", password=PASSWORD)
    await person.press("Accept the invitation")


async def connect_shop(ana: Walker, seller_id: str) -> None:
    """The real redirect: our page, AliExpress's own, and back."""
    await ana.open("/")
    await ana.photograph("03-today")
    await ana.follow("Connect a shop")
    await ana.fill(shop="main")
    await ana.press("Go on to AliExpress")
    await ana.go_by(ana.page.get_by_role("button").first)
    await agree(ana, seller_id)
    await ana.go_by(ana.page.get_by_role("link").first)
    await ana.sees("Connected")


async def agree(ana: Walker, seller_id: str) -> None:
    """AliExpress's own page: which account, and yes."""
    await ana.check(ana.page.locator(f"[name=seller_id][value='{seller_id}']"))
    await ana.photograph("04-aliexpress")
    await ana.go_by(ana.page.get_by_role("button", name="Agree"))
    await expect(ana.page.locator("body")).to_contain_text("The shop is connected")


async def upload_and_draft(ana: Walker, content: bytes) -> None:
    """The file is dropped on the page; then the draft says what its columns seem to be."""
    await ana.open("/feeds-new")
    await ana.photograph("05-upload")
    await ana.give_file(ana.page.locator("[name=file]"), "shopify.csv", content)
    await expect(ana.page.locator("[name=file]")).to_have_value(re.compile("shopify.csv"))
    await ana.press("Upload and draft")
    await ana.sees("What only you can say")
    await ana.sees(DRAFTED, rows=9)
    await ana.photograph("06-draft")


async def save_draft(ana: Walker) -> None:
    """What stands in no file, and the first version."""
    template = ana.page.locator("[name=shipping_template_id]")
    for _ in range(40):  # AliExpress is asked for the shop's templates meanwhile
        if await template.evaluate("e => e.tagName") == "SELECT":
            break
        await ana.page.wait_for_timeout(500)
        await ana.page.reload()
    await ana.choose(template, 1)
    await ana.fill(
        currency="USD",
        shipping_preparation_time="3",
        inventory_deduction_strategy="place_order_withhold",
        package_weight="250",
        package_length="30",
        package_width="20",
        package_height="5",
    )
    await ana.photograph("07-terms")
    await ana.press("Save the feed")
    await ana.page.wait_for_url("**/feeds/products")


async def accept_categories(ana: Walker) -> None:
    """The suggested leaf of each category of the catalogue."""
    await ana.open("/feeds/products/categories")
    await ana.looks_until("Take what is chosen")
    await ana.looks_until_gone("AliExpress is being asked")
    await ana.looks_until_gone(STALE)
    groups = ana.page.locator("form[action$='/accept'] fieldset:has([name^=accept])")
    for number in range(await groups.count()):
        await ana.check(groups.nth(number).get_by_role("radio").first)
    await ana.photograph("08-categories")
    await ana.press("Take what is chosen")


async def fill_attributes(ana: Walker) -> None:
    """What AliExpress asks for and no column has; then values it does not know."""
    await ana.open("/feeds/products/attributes")
    await ana.looks_until_gone(STALE)
    await ana.sees("Asked for, and filled by nothing")
    rows = ana.page.locator("form[action$='/attributes'] tbody tr")
    for number in range(await rows.count()):
        name = (await rows.nth(number).locator("th").inner_text()).strip()
        box = rows.nth(number).locator("[name=value]")
        if await box.evaluate("e => e.tagName") == "SELECT":
            offered = await box.locator("option").all_inner_texts()
            wanted = ANSWERS.get(name)
            await ana.choose(box, offered.index(wanted) if wanted in offered else 1)
        else:
            first = ana.page.locator(f"#values-{number + 1} option").first
            answer = ANSWERS.get(name) or await first.get_attribute("value") or "NONE"
            await ana.type_in(box, answer)
    await ana.photograph("09-attributes")
    await ana.go_by(ana.page.locator("form[action$='/attributes'] [type=submit]"))


async def match_a_column(ana: Walker) -> None:
    """One field by itself: what it gives stands beside it while it is typed."""
    await ana.open("/feeds/products/match?section=titles&name=en_US")
    await ana.check(ana.page.get_by_label(ana.say("A text made of columns")))
    await ana.fill(template="{{ Title }} by {{ Vendor }}")
    await expect(ana.page.locator("#results")).to_contain_text("Linen dress by Acme")
    await ana.photograph("10-match")
    await ana.press("Save as a new version")
    await ana.page.wait_for_url("**/feeds/products/attributes")


async def say_values(ana: Walker) -> None:
    """A brand that AliExpress does not know: what is taken in its place."""
    await ana.open("/feeds/products/attributes")
    await ana.looks_until_gone(STALE)
    await ana.sees("Values that are not allowed")
    write = ana.say("Write what each value becomes")
    await ana.go_by(ana.page.get_by_role("link", name=write).first)
    await ana.fill(default="NONE", unknown="default")
    await ana.press("Save as a new version")
    await ana.page.wait_for_url("**/feeds/products/attributes")


async def exclude(ana: Walker) -> None:
    """A rule, tried on the whole feed before it is saved."""
    await ana.open("/feeds/products/exclusions")
    await ana.fill(field="Title", test="contains", value="scarf")
    await ana.press("Try it on the whole feed")
    await ana.sees("States before and after")
    await ana.photograph("11-try")
    await ana.press("Save as a new version")
    await ana.page.wait_for_url("**/feeds/products")


async def look_at_preview(ana: Walker) -> None:
    """What would be sent, and one product side by side with its source."""
    await ana.open("/feeds/products/preview")
    await ana.looks_until("Summer shirt by Acme")
    await ana.photograph("12-preview")
    await ana.follow("Summer shirt by Acme")
    await ana.sees("What would be sent")
    await ana.photograph("13-product")


async def send(ana: Walker) -> None:
    """A dry run, its confirmation, and the run watched to its report."""
    await send_new(ana, "products", 2)
    await ana.sees("Completed")
    await ana.looks_until("Ended")
    await ana.sees("Nothing was refused.")
    await ana.photograph("16-report")


async def send_new(ana: Walker, feed: str, products: int) -> None:
    """A dry run that creates so many products, and its confirmation."""
    await ana.open(f"/feeds/{feed}/send")
    create = f"{ana.say('Create')} {products}"
    await ana.looks_until(create)  # feed-publisher hears of what was evaluated in a moment
    await ana.photograph("14-send")
    await ana.press("Dry run")
    await ana.sees("This waits for you")
    await ana.photograph("15-confirm")
    await ana.press("Send %(count)s changes to AliExpress", count=products)
