"""Inputs that went wrong once, through the whole system: what stands at AliExpress afterwards."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from channel_cli.answers import ImportProblem, RunReport
from channel_cli.following import RUN_ENDED, import_and_follow
from channel_cli.progress import poll
from channel_cli.session import Problem
from channel_demo import bring_in, sell
from channel_demo.sandbox import ShopProduct, ShopSku
from channel_demo.session import Session, open_demo
from channel_demo.sources import Sources
from common import clock
from stack.testing import StartSystem

from ..passing_time import let_time_pass
from . import inputs

HOUR = timedelta(hours=1)


@dataclass(frozen=True)
class Cases:
    """All catalogues, sent to one shop; `shop` is what stood there then."""

    point: Session
    comma: Session
    google: Session
    woocommerce: Session
    shop: dict[str, ShopProduct]
    """By each of its SKU codes."""
    problems: list[ImportProblem]
    """Of the file with a foreign byte."""

    def sku(self, code: str) -> ShopSku:
        """A SKU as it stood."""
        return sku_of(self.shop, code)


def sku_of(shop: dict[str, ShopProduct], code: str) -> ShopSku:
    return next(sku for sku in shop[code].skus if sku.sku_code == code)


async def shop_of(session: Session) -> dict[str, ShopProduct]:
    return {s.sku_code: p for p in await session.sandbox.products() for s in p.skus}


async def bring_events(
    session: Session, name: str, form: dict[str, Any], rows: Sequence[inputs.Row]
) -> Session:
    own = replace(session, catalogue=name, feed=name)
    events = inputs.events_of(own, rows, 1)
    await bring_in.apply_configuration(own, Sources(form, name, name, events))
    await bring_in.publish(own, events)
    return own


async def bring_file(
    session: Session, file: Path, form: dict[str, Any]
) -> tuple[Session, list[ImportProblem]]:
    own = replace(session, catalogue=file.stem, feed=file.stem)
    await bring_in.apply_configuration(own, Sources(form, file.stem, file.stem, file=file))
    done = await import_and_follow(own.channel, own.merchant, file.stem, file, {"mode": "full"})
    assert done.failure is None
    problems = own.channel.import_problems(own.merchant, file.stem, done.import_id)
    return own, [problem async for problem in problems]


@pytest.fixture(scope="module")
async def cases(
    start_system: StartSystem, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Cases]:
    """One system, on which all of them are brought online."""
    folder = tmp_path_factory.mktemp("files")
    now = clock.now()
    bodies = {
        "mixed.csv": inputs.mixed_bytes(),
        "google.xml": inputs.google(now, HOUR).encode(),
        "woocommerce.csv": inputs.woocommerce(now, HOUR).encode(),
    }
    for name, body in bodies.items():
        (folder / name).write_bytes(body)
    async with (
        start_system() as system,
        open_demo(system.addresses, currency="USD", catalogue="", feed="") as session,
    ):
        await bring_in.connect_shop(session)
        point = await bring_events(session, "point", inputs.form(), inputs.POINT_ROWS)
        comma = await bring_events(session, "comma", inputs.COMMA, inputs.COMMA_ROWS)
        mixed, problems = await bring_file(session, folder / "mixed.csv", inputs.COMMA)
        google, _ = await bring_file(session, folder / "google.xml", inputs.GOOGLE)
        woocommerce, _ = await bring_file(session, folder / "woocommerce.csv", inputs.WOOCOMMERCE)
        for own in (point, comma, mixed, google, woocommerce):
            await settle(own)
            await sell.publish_products(own)
        yield Cases(point, comma, google, woocommerce, await shop_of(session), problems)


async def settle(session: Session) -> None:
    """Wait until no family waits for anything, and the publisher has them all."""
    channel = session.channel
    async for progress in poll(
        lambda: channel.normalizing(session.merchant, session.feed), within=60, what="evaluating"
    ):
        if progress.dirty == progress.waiting == 0:
            break
    await sell.wait_for_publisher(session)


async def document(session: Session, family: str) -> dict[str, Any]:
    found = await session.channel.preview_family(session.merchant, session.feed, family)
    return dict(found)


async def errors(session: Session, family: str) -> list[tuple[str, str]]:
    issues = (await document(session, family))["issues"]
    return [(i["rule"], i["field"]) for i in issues if i["severity"] == "error" and i["remedy"]]


# -- numbers ------------------------------------------------------------------------------------


async def test_a_number_that_begins_with_its_decimal_point(cases: Cases) -> None:
    assert cases.sku("LP-A").price == "0.75"
    assert (cases.sku("LP-B").price, cases.sku("LP-B").discount_price) == ("24.50", "0.80")
    assert "LP-C" in cases.shop
    content = (await document(cases.point, "LP-C"))["content"]
    assert content["package_weight_kg"] == "0.450"


@pytest.mark.parametrize(
    ("code", "price", "weight"),
    [
        ("NT-A", "24.90", "0.500"),
        ("NT-B", "24.13", "0.300"),
        ("NT-C", "24.90", "0.375"),
        ("NT-D", "0.45", "0.300"),
    ],
)
async def test_numbers_that_are_no_text_under_a_decimal_comma(
    cases: Cases, code: str, price: str, weight: str
) -> None:
    assert cases.sku(code).price == price
    assert (await document(cases.comma, code))["content"]["package_weight_kg"] == weight


async def test_a_fraction_written_by_the_other_sign_is_no_thousand(cases: Cases) -> None:
    assert "NP" not in cases.shop
    assert await errors(cases.point, "NP") == [("M3.9", "sku_info_list > price")]


async def test_a_stock_below_zero_is_none_wherever_its_sign_stands(cases: Cases) -> None:
    stocks = {sku.sku_code: sku.inventory for sku in cases.shop["SS-S"].skus}
    assert stocks == {"SS-S": 0, "SS-M": 0, "SS-L": 0, "SS-XL": 0, "SS-XXL": 2}
    assert "SP" not in cases.shop
    assert await errors(cases.point, "SP") == [("M3.9", "sku_info_list > price")]


# -- texts --------------------------------------------------------------------------------------


async def test_entities_in_titles_and_tags_as_entities_in_descriptions(cases: Cases) -> None:
    assert cases.shop["TE-A"].title == 'Cover & pad \u2014 40 cm "Soft" na\u00eff'
    assert "TE-B" in cases.shop
    (description,) = (await document(cases.point, "TE-B"))["content"]["descriptions"]
    assert description["text"] == f"<p>Soft <b>linen</b></p> {inputs.TEXT}"
    assert "TE-C" not in cases.shop
    assert await errors(cases.point, "TE-C") == [("M3.6", "title_multi_language_list > en_US")]


def test_one_foreign_byte_spoils_no_neighbours_letters(cases: Cases) -> None:
    right = {f"MX-{n}": f"Taie brod\u00e9e \u00e0 la main {n}" for n in range(1, 6) if n != 3}
    titles = {code: p.title for code, p in cases.shop.items() if code.startswith("MX-")}
    assert {code: titles.get(code) for code in right} == right
    is_reported = [(problem.line, bool(problem.remedy)) for problem in cases.problems] == [
        (4, True)
    ]
    assert is_reported or titles.get("MX-3") == "Taie brod\u00e9e \u00e0 la main 3"


# -- families -----------------------------------------------------------------------------------


@pytest.mark.parametrize("group", ["GL", "GO"])
def test_a_listed_parent_gives_the_content_and_is_no_sku(cases: Cases, group: str) -> None:
    codes = {code for code in cases.shop if code.split("-")[0] == group}
    assert codes == {f"{group}-S", f"{group}-M"}
    assert cases.shop[f"{group}-S"] == cases.shop[f"{group}-M"]
    assert cases.shop[f"{group}-S"].title == f"Linen top {group}"


# -- what comes later ---------------------------------------------------------------------------


async def send_offers(session: Session) -> RunReport:
    run = await sell.run_feed(session, "offer", RUN_ENDED, is_dry_run=False)
    return await session.channel.report(session.merchant, run.run_id)


async def test_a_bad_sale_price_holds_no_stock_back(cases: Cases) -> None:
    session = cases.point
    await bring_in.publish(session, inputs.events_of(session, inputs.SECOND_POINT_ROWS, 2))
    await settle(session)
    report = await send_offers(session)
    shop = await shop_of(session)
    stocks = {code: sku_of(shop, code).inventory for code in ("HP-S", "HP-M", "HP-L", "HQ")}
    assert stocks == {"HP-S": 6, "HP-M": 0, "HP-L": 6, "HQ": 0}
    assert sku_of(shop, "HP-S") == cases.sku("HP-S")
    named = {family: cause for cause in report.causes for family in cause.families}
    assert {"HP", "HQ"} <= named.keys()
    assert all(named[family].remedy for family in ("HP", "HQ"))


def discounts(shop: dict[str, ShopProduct], prefix: str) -> dict[str, str | None]:
    return {
        code.removeprefix(prefix): sku_of(shop, code).discount_price
        for code in shop
        if code.startswith(prefix)
    }


async def test_a_sale_begins_and_ends_by_its_dates_without_an_event(cases: Cases) -> None:
    google = {"over": None, "next": None, "now": "19.90", "always": "19.90"}
    woocommerce = {"over": None, "next": None, "now": "9.90", "always": "9.90"}
    assert discounts(cases.shop, "GD-") == google
    assert discounts(cases.shop, "WD-") == woocommerce
    unclear = await errors(cases.google, "GD-unclear")
    assert unclear == [("M3.9", "sku_info_list > discount_from")]
    await let_time_pass(cases.google, (3 * HOUR).total_seconds())
    for session, prefix in ((cases.google, "GD-"), (cases.woocommerce, "WD-")):
        await pass_the_dates(session, {prefix + "next", prefix + "always"})
        await send_offers(session)
    shop = await shop_of(cases.google)
    assert discounts(shop, "GD-") == google | {"next": "19.90", "now": None}
    assert discounts(shop, "WD-") == woocommerce | {"next": "9.90", "now": None}


async def pass_the_dates(session: Session, on_sale: set[str]) -> None:
    """Wait until these SKUs alone are on sale as evaluated, and the publisher knows."""
    async for known in poll(lambda: skus_on_sale(session), within=60, what="passing the dates"):
        if known == on_sale:
            break
    await settle(session)


async def skus_on_sale(session: Session) -> set[str]:
    """The SKU codes whose offer has a discount, as last evaluated."""
    families = session.channel.preview(session.merchant, session.feed)
    try:
        previews = [await document(session, family.family_id) async for family in families]
    except Problem as problem:
        if problem.details.status != 401:
            raise
        return set()  # the clock was moved, and not every service has followed it yet
    offers = [offer for preview in previews for offer in preview["offers"] or ()]
    return {offer["sku_code"] for offer in offers if offer.get("discount_price")}
