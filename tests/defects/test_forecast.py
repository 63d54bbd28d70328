"""What preview says of a family is what the marketplace says of its body (M6.1).

`make bench-forecast` does at length what is done here with each kind of defect once.
"""

from collections.abc import AsyncIterator
from itertools import chain

import pytest

from stack.forkserver import ForkServer
from stack.sandbox import Sandbox, running_sandbox
from stack.testing import open_marketplace

from .catalogues import Kind, make_catalogues
from .families import CATALOGUE, PICTURES
from .forecast import compare, report_of, report_of_odd
from .measure import SimulatorLookups
from .planting import DEFECTS

SEED = 20261127
DEFECTS_OF_EACH = 38
APART = len(DEFECTS) // 3
"""The catalogues begin with other kinds, so that together they have all."""
ODD_OF_EACH = 40
RIGHT = {"precision": 1.0, "recall": 1.0}


@pytest.fixture(scope="module")
async def market(
    tmp_path_factory: pytest.TempPathFactory, fork_server: ForkServer
) -> AsyncIterator[Sandbox]:
    """A sandbox of this module's own, which runs jobs and ends audits when they begin."""
    folder = tmp_path_factory.mktemp("market")
    async with running_sandbox(
        folder, spawn=fork_server.spawn, feed_seconds="0", audit_seconds="0"
    ) as sandbox:
        yield sandbox


@pytest.fixture(scope="module")
def catalogues() -> list[Kind]:
    return make_catalogues(SEED, PICTURES)


async def test_each_kind_of_defect_is_called_what_the_marketplace_calls_it(
    market: Sandbox, catalogues: list[Kind]
) -> None:
    outcomes = list(
        chain.from_iterable(
            [
                await compare(market, kind, kind.cases(DEFECTS_OF_EACH, first=(number + 1) * APART))
                for number, kind in enumerate(catalogues)
            ]
        )
    )
    report = report_of(outcomes)
    assert report["disagreements"] == {}
    assert report["bodies not reproduced"] == []
    assert (report["accepted"], report["refused"]) == (RIGHT, RIGHT)
    assert report["called valid"] == {"accepted": len(outcomes) // 2, "refused": 0}
    named = {outcome.forecast.kind for outcome in outcomes} - {""}
    assert named == {defect.name for defect in DEFECTS}
    elsewhere = {text.partition(":")[0] for text in report["refused by both"]["for another field"]}
    assert elsewhere <= {"no parent", "a parent without children"}


async def test_of_odd_values_what_is_called_valid_is_accepted(
    market: Sandbox, catalogues: list[Kind]
) -> None:
    for kind in catalogues:
        report = report_of_odd(await compare(market, kind, kind.edited(ODD_OF_EACH)))
        assert report["disagreements"] == {}
        assert report["called valid"]["accepted"] > 0
        assert report["called refused"]["refused"] > 0


async def test_a_marketplace_that_asks_for_more_is_seen(
    market: Sandbox, catalogues: list[Kind]
) -> None:
    [simple, *_] = catalogues
    async with open_marketplace(market.url) as marketplace:
        for leaf in simple.source.assortment.paths.values():
            wanted = CATALOGUE.optional(leaf)[:1]
            await marketplace.control("schemas", category_id=leaf.id, require=wanted)
    try:
        report = report_of(await compare(market, simple, simple.cases(5)))
    finally:
        await market.reset()
    assert report["accepted"]["precision"] < 1
    assert {"without a defect"} == set(report["disagreements"])


async def test_an_evaluation_that_lets_something_through_is_seen(
    market: Sandbox, catalogues: list[Kind]
) -> None:
    class Blind(SimulatorLookups):
        def image(self, url: str) -> str:
            return ""

    [simple, *_] = catalogues
    blind = Blind(simple.seller)
    first = [defect.name for defect in simple.defects()].index(
        'image_url_list = "[\'pictures/missing-1"'
    )
    report = report_of(await compare(market, simple, simple.cases(1, first), blind))
    assert report["accepted"] == {"precision": 0.5, "recall": 1.0}
    [[sample]] = report["disagreements"].values()
    assert (sample["forecast"], sample["issues"]) == ("valid", [])
    assert "None of your image url" in sample["verdict"]


async def test_an_evaluation_that_refuses_too_much_is_seen(
    market: Sandbox, catalogues: list[Kind]
) -> None:
    class Afraid(SimulatorLookups):
        def image(self, url: str) -> str:
            return "its server did not answer"

    [simple, *_] = catalogues
    report = report_of(await compare(market, simple, simple.cases(1), Afraid(simple.seller)))
    assert report["refused"]["precision"] == 0.5
    assert "without a defect" in report["disagreements"]
