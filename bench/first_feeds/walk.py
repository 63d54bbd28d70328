"""One file's way from its proposal to the product feed, as a merchant goes it."""

import re
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from bench.first_feeds.sources import Source

from channel_cli.answers import PreviewFamily
from channel_cli.category_calls import Attribute, ShopCatalogue
from channel_cli.commands.catalogues import take_file_fields
from channel_cli.following import apply_feed, follow_normalizing, import_and_follow
from channel_cli.progress import poll
from channel_cli.suggestion_calls import Suggestion, Suggestions
from channel_demo import sell
from channel_demo.session import Session

TAKEN = (
    "inventory",
    "package_weight",
    "package_length",
    "package_width",
    "package_height",
    "inventory_deduction_strategy",
    "shipping_preparation_time",
)
"""What stands in no file or in no row of some: the line that is offered as a comment is taken."""
SIDES = {"package_length": 30, "package_width": 20, "package_height": 10}
"""Defaults where a column has nothing in some rows: a family's parcel is read from its parent."""
TEMPLATES = {"USD": "free shipping", "EUR": "envio gratis"}
"""The first freight template of each shop, as `channel shops options` shows it."""
NEUTRAL = ("none", "no", "other", "others", "mainland china")
"""What is answered where AliExpress asks for what no column has, if it may be chosen."""


@dataclass
class Walk:
    """One file on its way: its commands and decisions are counted."""

    source: Source
    session: Session
    file: Path
    commands: int = 0
    decisions: int = 0
    rows: int = 0
    rejected_lines: int = 0
    configuration: dict[str, Any] = field(default_factory=dict)

    async def propose(self) -> None:
        """`channel feeds init`, and the merchant's decisions in the YAML."""
        options = {"shop": self.session.shop, "catalogue": self.session.catalogue}
        with self.file.open("rb") as content:
            proposal = await self.session.channel.propose_feed(
                self.session.merchant, (self.file.name, content), options
            )
        self.commands += 1
        form, fields = take_file_fields(yaml.safe_load(proposal.configuration))
        await self.session.channel.register_catalogue(
            self.session.merchant,
            self.session.catalogue,
            versioning="arrival",
            fed_by="files",
            fields=fields,
        )
        self.configuration = form | {"image_checks": False}
        self._decide(form, proposal.configuration)

    def _decide(self, form: dict[str, Any], text: str) -> None:
        if form["currency"] != self.source.currency:
            self.configuration["currency"] = self.source.currency
            self.decisions += 1
        attributes = form["attributes"]
        attributes["shipping_template_id"] = {"constant": TEMPLATES[self.source.currency]}
        self.decisions += 1
        for name in TAKEN:
            offered = re.search(rf"^  # {name}: (\{{.*\}})$", text, re.MULTILINE)
            if offered:
                attributes[name] = yaml.safe_load(offered[1])
                self.decisions += 1
            elif name in SIDES and "constant" not in attributes[name]:
                attributes[name].setdefault("default", SIDES[name])
                self.decisions += 1

    async def bring_in(self) -> None:
        """`channel import`, `channel feeds apply`."""
        done = await import_and_follow(
            self.session.channel,
            self.session.merchant,
            self.session.catalogue,
            self.file,
            {"mode": "full"},
        )
        if done.state == "failed":
            raise RuntimeError(f"{self.file.name} was not read: {done.failure}")
        self.rows, self.rejected_lines = done.rows_read, done.rejected
        self.commands += 2
        await self.save()

    async def save(self) -> None:
        """The configuration as it stands here, evaluated."""
        await apply_feed(
            self.session.channel, self.session.merchant, self.session.feed, self.configuration
        )
        await self.settle()

    async def settle(self) -> None:
        """Until every product was evaluated, also those that wait for a category's schema."""
        await follow_normalizing(self.session.channel, self.session.merchant, self.session.feed)
        async for progress in poll(self._progress, within=120, what="reading schemas"):
            if progress.dirty == 0 and progress.waiting == 0:
                break

    async def _progress(self) -> Any:
        return await self.session.channel.normalizing(self.session.merchant, self.session.feed)

    async def take_suggestions(self) -> bool:
        """`channel feeds accept best --from 0`: the first of each; whether there were some."""
        suggestions = Suggestions(
            self.session.channel.session, self.session.merchant, self.session.feed
        )
        taken = []
        for kind in ("categories", "attributes", "values"):
            found = await _answered(suggestions, kind)
            taken += [_taken(one) for one in found if one.candidates]
        self.commands += bool(taken)
        for begin in range(0, len(taken), 1_000):
            await suggestions.accept(taken[begin : begin + 1_000], note=None, version=None)
        await self.settle()
        return bool(taken)

    async def answer(self) -> bool:
        """A value for each required attribute that no column fills: decided, and saved."""
        feed = await self.session.channel.session.get(
            "catalog-service",
            f"/v1/merchants/{self.session.merchant}/feeds/{self.session.feed}",
            dict[str, Any],
        )
        self.configuration = feed["configuration"]
        lacking = await self._lacking()
        undivided = await self._undivided()
        if not lacking and not undivided:
            return False
        for name, forms in lacking.items():
            self._answer_attribute(name, forms)
        for leaf in undivided:
            await self._divide(leaf)
        self.commands += 1
        await self.save()
        return True

    async def _lacking(self) -> dict[str, dict[str, Attribute]]:
        """Attributes that hold products back: each leaf's form of them."""
        shop = ShopCatalogue(self.session.channel.session, self.session.merchant, self.session.shop)
        places: dict[str, set[str]] = {}
        async for family in self._families():
            for issue in family.issues:
                if family.category_id and issue.field and issue.severity == "error":
                    section, _, name = issue.field.partition(" > ")
                    if section == "category_attributes":
                        places.setdefault(family.category_id, set()).add(name)
        found: dict[str, dict[str, Attribute]] = {}
        for leaf, names in places.items():
            attributes = await shop.attributes(leaf)
            for attribute in attributes.category_attributes:
                if attribute.name in names:
                    found.setdefault(attribute.name, {})[leaf] = attribute
        return found

    async def _undivided(self) -> set[str]:
        """Leaves whose variations nothing tells apart: they have another SKU attribute."""
        divided = self.configuration.get("overrides", {})
        return {
            family.category_id
            async for family in self._families()
            if family.category_id
            and "sku_attributes" not in divided.get(family.category_id, {})
            and any(
                issue.rule == "M4.2" and issue.field.endswith("sku_attributes")
                for issue in family.issues
            )
        }

    async def _divide(self, leaf: str) -> None:
        """What the leaf has no attribute for is shown under one that it has."""
        shop = ShopCatalogue(self.session.channel.session, self.session.merchant, self.session.shop)
        known = [each.name for each in (await shop.attributes(leaf)).sku_attributes]
        matched = self.configuration.get("sku_attributes", {})
        homeless = [match for name, match in matched.items() if name not in known]
        free = [name for name in known if name not in matched]
        places = dict(zip(free or known, homeless, strict=False))
        of_leaf = self.configuration.setdefault("overrides", {}).setdefault(leaf, {})
        of_leaf["sku_attributes"] = places
        self.decisions += len(places)

    def _families(self) -> AsyncIterator[PreviewFamily]:
        return self.session.channel.preview(self.session.merchant, self.session.feed)

    def _answer_attribute(self, name: str, forms: Mapping[str, Attribute]) -> None:
        """The commonest choice for all leaves, and another for those that have it not."""
        chosen = {leaf: _choice(form) for leaf, form in forms.items()}
        commonest = Counter(chosen.values()).most_common(1)[0][0]
        _set_default(self.configuration, name, commonest)
        self.decisions += 1
        for leaf, value in chosen.items():
            if value != commonest:
                of_leaf = self.configuration.setdefault("overrides", {}).setdefault(leaf, {})
                _set_default(of_leaf, name, value, self.configuration)
                self.decisions += 1

    async def send(self) -> None:
        """`channel run product-feed --dry-run`, `channel run confirm`; new products only."""
        await sell.wait_for_publisher(self.session)
        await sell.publish_products(self.session)
        self.commands += 2


async def _answered(suggestions: Suggestions, kind: str) -> list[Suggestion]:
    """All of a kind, once AliExpress has answered."""

    async def listed() -> list[Suggestion]:
        return [one async for one in suggestions.of_kind(kind)]

    async for found in poll(listed, within=120, what=f"suggesting {kind}"):
        if not any(one.is_awaited for one in found):
            break
    return found


def _taken(one: Suggestion) -> dict[str, Any]:
    taken: dict[str, Any] = {"kind": one.kind, "of": one.of, "take": one.candidates[0].take}
    if one.kind == "values":
        taken |= {"attribute": one.attribute, "section": one.section}
    return taken


def _choice(form: Attribute) -> str:
    """A neutral value, else the first; a text of our own where there is no choice."""
    titles = list(form.values.values())
    neutral = [title for title in titles if title.casefold() in NEUTRAL]
    return (neutral or titles or ["See the description"])[0]


def _set_default(
    place: dict[str, Any], name: str, value: str, general: Mapping[str, Any] | None = None
) -> None:
    """What stands where the match gives nothing, or nothing that is allowed."""
    section = place.setdefault("category_attributes", {})
    match = section.get(name) or (general or {}).get("category_attributes", {}).get(name)
    if match is None or "constant" in match:
        section[name] = {"constant": value}
    else:
        section[name] = {**match, "default": value, "unknown": "default"}
