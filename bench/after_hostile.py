"""Whether another merchant's work is as fast after hostile input: `make bench-after_hostile`.

On the whole system, sandbox included. For each input of the assessment that once stopped or slowed
a service, a merchant's event, file, dry run, order and sign-in are timed before it, and again at
once after it was sent, while the services may still be busy with it (SAMPLES=7 each), and later.
The figure is the ratio of the medians. Every input must be answered as it should be: refused, or
failed alone.
"""

import asyncio
import io
import json
import os
import socket
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from itertools import count
from pathlib import Path
from statistics import median
from typing import Any
from urllib.parse import urlsplit

import httpx2
import jwt
import uvloop
from bench import noisy
from bench.noisy import SECOND_SELLER, Merchant, set_up
from bench.ratios import results_file
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from tests.stories.cases import inputs

from channel_cli.answers import ApiClient
from channel_cli.session import Problem
from channel_cli.settings import AUTH, CATALOG, ORDERS
from channel_demo import sell, trade
from channel_demo.session import open_demo
from channel_demo.survey import audited_shop
from stack.run import running_stack
from stack.settings import StackSettings

SAMPLES = int(os.environ.get("SAMPLES", "7"))
RESULTS = results_file("after_hostile")
ANOTHER_ADDRESS = "127.0.0.2"
"""Where the hostile merchant's programs are: sign-in is throttled by address, too."""
MEGABYTE = 1_000_000
SCOPES = ["catalogue:read", "catalogue:write", "feeds:read", "feeds:write", "orders:read"]

_seeds = count(1)


# ---- the merchant's work


async def order(merchant: Merchant, number: int) -> None:
    """A buyer orders, until the order is imported."""
    session = merchant.session
    product = f"P{number % noisy.PRODUCTS}"
    placed = await session.sandbox.place_order(
        [(product, 1)], seed=next(_seeds), status=trade.WAITS_FOR_SELLER
    )
    await merchant.channel.import_orders(merchant.name, session.shop)

    async def is_here() -> bool:
        with suppress(Problem):
            await merchant.channel.order(merchant.name, session.shop, placed.order_id)
            return True
        return False

    await merchant.until(is_here)


def sign_in(client: ApiClient) -> noisy.Unit:
    """A program of the merchant's asks for a token."""

    async def ask(merchant: Merchant, _number: int) -> None:
        await token_of(merchant.channel.session.http, merchant, client)

    return ask


async def token_of(http: httpx2.AsyncClient, merchant: Merchant, client: ApiClient) -> str:
    """A token for the client."""
    grant = {
        "grant_type": "client_credentials",
        "client_id": client.client_id,
        "client_secret": client.client_secret,
    }
    answer = await http.post(merchant.channel.session.url(AUTH) + "/v1/token", data=grant)
    return str(answer.raise_for_status().json()["access_token"])


# ---- what is hostile


@dataclass(frozen=True)
class Attacker:
    """Another merchant's programs, with a valid token of its own."""

    merchant: Merchant
    http: httpx2.AsyncClient
    token: str

    @property
    def authorised(self) -> dict[str, str]:
        """Headers."""
        return {"authorization": f"Bearer {self.token}"}

    def url(self, service: str, path: str) -> str:
        """A path of the merchant's."""
        base = self.merchant.channel.session.url(service)
        return f"{base}/v1/merchants/{self.merchant.name}{path}"

    async def upload(self, content: bytes, **options: str) -> int:
        """Send a catalogue file; the status."""
        answer = await self.http.post(
            self.url(CATALOG, "/catalogues/file-0/imports"),
            params={"mode": "partial", **options},
            files={"file": ("file", io.BytesIO(content))},
            headers=self.authorised,
        )
        return answer.status_code

    async def apply(self, description: str) -> int:
        """Save a configuration with this template; the status."""
        texts = {"title": {"field": "title"}, "description": {"template": description}}
        session = self.merchant.of_feed(0)
        placed = {"shop": session.shop, "catalogue": session.catalogue}
        form = inputs.form(languages={"en_US": texts}) | placed
        answer = await self.http.put(
            self.url(CATALOG, "/feeds/feed-0"), json=form, headers=self.authorised
        )
        return answer.status_code


def expect(status: int, *expected: int) -> None:
    """Raise where the input was answered otherwise."""
    if status not in expected:
        raise RuntimeError(f"answered with {status}, not one of {expected}")


async def zeros(size: int) -> AsyncIterator[bytes]:
    """A body of that many bytes."""
    for _ in range(size // MEGABYTE):
        yield bytes(MEGABYTE)


async def codecs_that_are_none(attacker: Attacker) -> None:
    """Files whose encoding is no text's, has no mark, or is named wrongly."""
    statuses = {
        await attacker.upload(b"id,title\n1,a\n", encoding=name) for name in ("zlib", "hex")
    }
    assert statuses == {422}, statuses
    await attacker.upload("id,title\n1,a\n".encode("utf-16-le"), encoding="utf-16")
    await attacker.upload(b"<?xml version='1.0' encoding='hex'?><a><b>1</b></a>", format="xml")


async def equal_columns(attacker: Attacker) -> None:
    """A file with a thousand equal column names."""
    await attacker.upload(b",".join([b"a"] * 1_000) + b"\n" + b",".join([b"1"] * 1_000))


async def many_elements(attacker: Attacker) -> None:
    """60 MB of empty elements."""
    await attacker.upload(b"<a>" + b"<x/>" * 15_000_000 + b"</a>", format="xml")


async def one_long_line(attacker: Attacker) -> None:
    """50 MB in one line."""
    await attacker.upload(b"id,title\n" + b"x" * 50 * MEGABYTE)


async def costly_templates(attacker: Attacker) -> None:
    """Templates that would build gigabytes, or compute for minutes."""
    for template in (
        "{{ description | list | join(description) | list | join(description) }}",
        "{{ 1.5 | round(1000000, 'floor') }}",
        "{{ " + "9" * 10_000 + " }}",
        "{% for a in range(99999999) %}{% for b in range(99999999) %}x{% endfor %}{% endfor %}",
    ):
        expect(await attacker.apply(template), 200, 422)


async def long_bodies_of_nobody(attacker: Attacker) -> None:
    """300 MB of JSON, and of a form, without a token."""
    url = attacker.url(CATALOG, "/feeds/feed-0")
    for kind in ("application/json", "multipart/form-data; boundary=b"):
        with suppress(httpx2.HTTPError):  # it is refused before it is sent
            answer = await attacker.http.put(
                url, content=zeros(300 * MEGABYTE), headers={"content-type": kind}
            )
            expect(answer.status_code, 401, 413)


async def very_many_keys(attacker: Attacker) -> None:
    """As many unknown keys as a body may hold."""
    body = json.dumps({f"k{n}": 0 for n in range(150_000)})
    headers = {**attacker.authorised, "content-type": "application/json"}
    url = attacker.url(CATALOG, "/feeds/feed-0")
    answer = await attacker.http.put(url, content=body, headers=headers)
    expect(answer.status_code, 413, 422)


async def odd_parameters(attacker: Attacker) -> None:
    """NUL, numbers beyond 64 bits, a cursor of 10,000 characters."""
    for service, path in (
        (CATALOG, "/catalogues/file-0/products?q=%00"),
        (CATALOG, "/feeds/feed-0/preview?limit=99999999999999999999"),
        (CATALOG, "/catalogues/file-0/imports/99999999999999999999"),
        (ORDERS, "/orders?cursor=" + "A" * 10_000),
    ):
        answer = await attacker.http.get(attacker.url(service, path), headers=attacker.authorised)
        expect(answer.status_code, 400, 404, 422)


async def unknown_keys(attacker: Attacker) -> None:
    """Tokens signed by keys that nobody knows."""
    key = Ed25519PrivateKey.generate()
    url = attacker.url(CATALOG, "/feeds")
    for number in range(200):
        token = jwt.encode({"sub": "a"}, key, algorithm="EdDSA", headers={"kid": f"k{number}"})
        answer = await attacker.http.get(url, headers={"authorization": f"Bearer {token}"})
        expect(answer.status_code, 401, 503)


async def wrong_secrets(attacker: Attacker) -> None:
    """A hundred guesses at sign-in."""
    client = ApiClient(client_id="nobody", client_secret="wrong")
    for _ in range(100):
        try:
            await token_of(attacker.http, attacker.merchant, client)
        except httpx2.HTTPStatusError as refused:
            expect(refused.response.status_code, 401, 429)
        else:
            raise RuntimeError("a wrong secret was taken")


async def half_headers(attacker: Attacker) -> None:
    """300 connections whose headers do not end."""
    for service in (AUTH, CATALOG, ORDERS):
        place = urlsplit(attacker.merchant.channel.session.url(service))
        for _ in range(100):
            half = socket.create_connection((place.hostname or "", place.port or 0))
            half.sendall(b"GET / HTTP/1.1\r\nhost: a\r\n")
            _kept.append(half)


_kept: list[socket.socket] = []

HOSTILE: tuple[Callable[[Attacker], Awaitable[None]], ...] = (
    codecs_that_are_none,
    equal_columns,
    many_elements,
    one_long_line,
    costly_templates,
    long_bodies_of_nobody,
    very_many_keys,
    odd_parameters,
    unknown_keys,
    wrong_secrets,
    half_headers,
)


# ---- what is measured


Medians = dict[str, float]
"""Seconds, by unit."""


async def timed(units: dict[str, noisy.Unit], merchant: Merchant) -> Medians:
    """The median seconds of each unit."""
    seconds: dict[str, list[float]] = {name: [] for name in units}
    for number in range(SAMPLES):
        for name, unit in units.items():
            seconds[name].append(await noisy.timed(unit, merchant, number))
    return {name: median(each) for name, each in seconds.items()}


def compared(what: str, after: Medians, calm: tuple[Medians, Medians]) -> Iterator[dict[str, Any]]:
    """A row for each unit: against the mean of before and of later, since an import reads the
    orders of the last minute again, and takes the longer the more they are."""
    before, later = calm
    for name, seconds in after.items():
        usual = (before[name] + later[name]) / 2
        yield {
            "after": what,
            "work": name,
            "usual_s": round(usual, 3),
            "after_s": round(seconds, 3),
            "ratio": round(seconds / usual, 2),
        }


async def main() -> None:
    """On a system of its own."""
    with tempfile.TemporaryDirectory(prefix="bench-hostile-") as folder:
        settings = StackSettings(state_dir=Path(folder), containers=False)
        async with (
            running_stack(settings) as stack,
            open_demo(stack.addresses, currency="USD", catalogue="-", feed="-") as session,
            session.publisher("/bench") as publisher,
            httpx2.AsyncClient(
                timeout=60, transport=httpx2.AsyncHTTPTransport(local_address=ANOTHER_ADDRESS)
            ) as http,
        ):
            quiet = Merchant(replace(session, merchant="quiet"), publisher, "-", 1)
            sandbox = replace(session.sandbox, seller_id=SECOND_SELLER)
            other = replace(session, merchant="hostile", shop="second", sandbox=sandbox)
            hostile = Merchant(other, publisher, "-", 1)
            await asyncio.gather(set_up(quiet), set_up(hostile))
            await sell.publish_products(quiet.of_feed(0))
            await audited_shop(quiet.session)
            make = session.channel.make_api_client
            client = await make("quiet", name="erp", scopes=["orders:read"])
            own = await make("hostile", name="erp", scopes=SCOPES)
            attacker = Attacker(hostile, http, await token_of(http, hostile, own))
            units = {
                "event": noisy.event,
                "file": noisy.file,
                "run": noisy.run,
                "order": order,
                "sign-in": sign_in(client),
            }
            await timed(units, quiet)  # warm
            figures = []
            before = await timed(units, quiet)
            for attack in HOSTILE:
                await attack(attacker)
                after, later = await timed(units, quiet), await timed(units, quiet)
                found = [*compared(attack.__name__, after, (before, later))]
                figures += found
                before = later
                ratios = "  ".join(f"{one['work']} {one['ratio']:.2f}" for one in found)
                print(f"{attack.__name__:<24} {ratios}", flush=True)
    result = {"command": "make bench-after_hostile", "samples": SAMPLES, "figures": figures}
    RESULTS.write_text(json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    uvloop.run(main())
