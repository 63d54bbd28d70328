"""The services' REST as typed calls; every one raises `Problem` or `Unreachable`."""

from collections.abc import AsyncIterator, Mapping
from typing import Any, BinaryIO
from urllib.parse import quote

from channel_cli.answers import (
    ApiClient,
    AppliedFeed,
    BulkAnswer,
    Catalogue,
    CatalogueField,
    ConsentLink,
    DeadLetter,
    Document,
    FailedRow,
    FeedProposal,
    FieldValueCount,
    Import,
    ImportProblem,
    Merchant,
    ParkedWait,
    PlanLine,
    PreviewFamily,
    ProducerKey,
    Progress,
    PublishedProduct,
    Quarantine,
    Released,
    ReplayOutcome,
    Run,
    RunAsked,
    RunReport,
    Shop,
    SourceProduct,
)
from channel_cli.order_answers import (
    Correction,
    Corrections,
    Erasure,
    Order,
    OrderAudit,
    OrderAuditAsked,
    OrderChanges,
    OrderDifference,
    OrderImport,
    OrderImportAsked,
    Shipment,
    ShippedFile,
)
from channel_cli.publishing_answers import Feed
from channel_cli.session import Query, Session
from channel_cli.settings import AUTH, CATALOG, ORDERS, PUBLISHER


class Channel:
    """What can be asked of an installation. Ids come first, as in the routes."""

    def __init__(self, session: Session) -> None:
        self.session = session

    # ---- merchants and shops

    async def register_merchant(self, merchant: str, *, name: str, is_eligible: bool) -> Merchant:
        """Register a merchant, or change it."""
        body = {"name": name, "is_eligible": is_eligible}
        return await self.session.send("PUT", AUTH, route_of(merchant), Merchant, body=body)

    async def make_api_client(self, merchant: str, *, name: str, scopes: list[str]) -> ApiClient:
        """An API client bound to a merchant."""
        body = {"name": name, "scopes": scopes}
        path = route_of(merchant, "api-clients")
        return await self.session.send("POST", AUTH, path, ApiClient, body=body)

    async def make_producer_key(self, merchant: str, client_id: str) -> ProducerKey:
        """A key of the client, that catalogue events of its merchant are signed with."""
        path = route_of(merchant, "api-clients", client_id, "producer-keys")
        return await self.session.send("POST", AUTH, path, ProducerKey)

    async def connect_shop(self, merchant: str, shop: str) -> ConsentLink:
        """The link that connects a shop, or renews its token (M1.4)."""
        path = route_of(merchant, "shops", shop, "connect")
        return await self.session.send("POST", AUTH, path, ConsentLink)

    def shops(self, merchant: str) -> AsyncIterator[Shop]:
        """The merchant's shops."""
        return self.session.items(AUTH, route_of(merchant, "shops"), Shop)

    async def shop(self, merchant: str, shop: str) -> Shop:
        """One shop."""
        return await self.session.get(AUTH, route_of(merchant, "shops", shop), Shop)

    # ---- catalogue

    async def register_catalogue(
        self,
        merchant: str,
        catalogue: str,
        *,
        versioning: str,
        fed_by: str,
        fields: Mapping[str, str] | None = None,
    ) -> Catalogue:
        """Declare a catalogue: explicit or arrival versions, fed by events or files; `fields` are
        those of `id_field` and `parent_field` that its files have."""
        body = {"versioning": versioning, "fed_by": fed_by, **(fields or {})}
        path = route_of(merchant, "catalogues", catalogue)
        return await self.session.send("PUT", CATALOG, path, Catalogue, body=body)

    async def catalogue(self, merchant: str, catalogue: str) -> Catalogue:
        """A catalogue with its number of products."""
        return await self.session.get(
            CATALOG, route_of(merchant, "catalogues", catalogue), Catalogue
        )

    def catalogues(self, merchant: str) -> AsyncIterator[Catalogue]:
        """The merchant's catalogues with their numbers of products."""
        return self.session.items(CATALOG, route_of(merchant, "catalogues"), Catalogue)

    def source_products(self, merchant: str, catalogue: str) -> AsyncIterator[SourceProduct]:
        """Every source product of a catalogue."""
        path = route_of(merchant, "catalogues", catalogue, "products")
        return self.session.items(CATALOG, path, SourceProduct)

    async def source_product(self, merchant: str, catalogue: str, product_id: str) -> SourceProduct:
        """A source product as it was taken in."""
        path = route_of(merchant, "catalogues", catalogue, "products", product_id)
        return await self.session.get(CATALOG, path, SourceProduct)

    def catalogue_fields(self, merchant: str, catalogue: str) -> AsyncIterator[CatalogueField]:
        """The fields of a catalogue and what they hold."""
        path = route_of(merchant, "catalogues", catalogue, "fields")
        return self.session.items(CATALOG, path, CatalogueField)

    def field_values(
        self, merchant: str, catalogue: str, field: str
    ) -> AsyncIterator[FieldValueCount]:
        """A field's values, the most frequent first."""
        path = route_of(merchant, "catalogues", catalogue, "fields", field, "values")
        return self.session.items(CATALOG, path, FieldValueCount)

    async def import_file(
        self, merchant: str, catalogue: str, name: str, file: BinaryIO, options: Query
    ) -> Import:
        """Send a catalogue file; it is read in the background."""
        path = route_of(merchant, "catalogues", catalogue, "imports")
        return await self.session.send(
            "POST", CATALOG, path, Import, query=options, files={"file": (name, file)}
        )

    async def import_progress(self, merchant: str, catalogue: str, import_id: int) -> Import:
        """How far an import is."""
        path = route_of(merchant, "catalogues", catalogue, "imports", str(import_id))
        return await self.session.get(CATALOG, path, Import)

    def import_problems(
        self, merchant: str, catalogue: str, import_id: int
    ) -> AsyncIterator[ImportProblem]:
        """What could not be read, by line."""
        path = route_of(merchant, "catalogues", catalogue, "imports", str(import_id), "problems")
        return self.session.items(CATALOG, path, ImportProblem)

    def imports(self, merchant: str, catalogue: str) -> AsyncIterator[Import]:
        """A catalogue's imports, the newest first."""
        return self.session.items(
            CATALOG, route_of(merchant, "catalogues", catalogue, "imports"), Import
        )

    async def cancel_import(self, merchant: str, catalogue: str, import_id: int) -> Import:
        """End an import that has not ended."""
        path = route_of(merchant, "catalogues", catalogue, "imports", str(import_id), "cancel")
        return await self.session.send("POST", CATALOG, path, Import)

    async def confirm_deletions(self, merchant: str, catalogue: str, import_id: int) -> Import:
        """Let a full import delete what the guard withheld (M7.4)."""
        path = route_of(
            merchant, "catalogues", catalogue, "imports", str(import_id), "confirm-deletions"
        )
        return await self.session.send("POST", CATALOG, path, Import)

    # ---- feeds, at catalog-service: what should be

    async def apply_feed(
        self,
        merchant: str,
        feed: str,
        configuration: dict[str, Any],
        *,
        note: str | None = None,
        version: int | None = None,
    ) -> AppliedFeed:
        """Save a feed's configuration; all its products are normalized again. With a `version`
        only where that is the present one still."""
        path = route_of(merchant, "feeds", feed)
        return await self.session.send(
            "PUT",
            CATALOG,
            path,
            AppliedFeed,
            body=configuration,
            query={"note": note},
            headers=if_version(version),
        )

    async def check_feed(self, merchant: str, feed: str, configuration: dict[str, Any]) -> Document:
        """Try a configuration without saving it."""
        path = route_of(merchant, "feeds", feed, "check")
        return await self.session.send("POST", CATALOG, path, Document, body=configuration)

    async def propose_feed(
        self, merchant: str, file: tuple[str, BinaryIO] | None, options: Query
    ) -> FeedProposal:
        """A configuration proposed from a catalogue file, or from an imported catalogue."""
        path = route_of(merchant, "feed-proposals")
        files = {} if file is None else {"file": file}
        return await self.session.send(
            "POST", CATALOG, path, FeedProposal, query=options, files=files
        )

    async def normalizing(self, merchant: str, feed: str) -> Progress:
        """How far a feed's normalizing is."""
        return await self.session.get(
            CATALOG, route_of(merchant, "feeds", feed, "progress"), Progress
        )

    def preview(
        self, merchant: str, feed: str, filters: Query | None = None
    ) -> AsyncIterator[PreviewFamily]:
        """Every product of the feed as it would be sent, or why not (M6.1)."""
        path = route_of(merchant, "feeds", feed, "preview")
        return self.session.items(CATALOG, path, PreviewFamily, filters)

    async def preview_family(self, merchant: str, feed: str, family: str) -> Document:
        """One product: source fields beside content and offers, issues."""
        path = route_of(merchant, "feeds", feed, "preview", family)
        return await self.session.get(CATALOG, path, Document)

    # ---- feeds, at feed-publisher: what is sent

    def feeds(self, merchant: str) -> AsyncIterator[Feed]:
        """The merchant's feeds."""
        return self.session.items(PUBLISHER, route_of(merchant, "feeds"), Feed)

    async def feed(self, merchant: str, feed: str) -> Feed:
        """A feed with its schedules, pauses and counts."""
        return await self.session.get(PUBLISHER, route_of(merchant, "feeds", feed), Feed)

    async def pause_feed(self, merchant: str, feed: str, reason: str) -> Feed:
        """Stop its schedules."""
        path = route_of(merchant, "feeds", feed, "pause")
        return await self.session.send("POST", PUBLISHER, path, Feed, body={"reason": reason})

    async def resume_feed(self, merchant: str, feed: str) -> Feed:
        """Let its schedules run again."""
        path = route_of(merchant, "feeds", feed, "resume")
        return await self.session.send("POST", PUBLISHER, path, Feed)

    async def run_feed(self, merchant: str, feed: str, kind: str, *, is_dry_run: bool) -> RunAsked:
        """Run a feed now; `kind` is product or offer."""
        path = route_of(merchant, "feeds", feed, "runs")
        body = {"kind": kind, "dry_run": is_dry_run}
        return await self.session.send("POST", PUBLISHER, path, RunAsked, body=body)

    async def run(self, merchant: str, run_id: str) -> Run:
        """How far a run is."""
        return await self.session.get(PUBLISHER, route_of(merchant, "runs", run_id), Run)

    async def confirm_run(self, merchant: str, run_id: str, *, skip_overtaken: bool = False) -> Run:
        """Apply exactly the plan that was shown, or what of it has not changed since."""
        path = route_of(merchant, "runs", run_id, "confirm")
        query: Query = {"skip_overtaken": True} if skip_overtaken else {}
        return await self.session.send("POST", PUBLISHER, path, Run, query=query)

    def runs(self, merchant: str, feed: str, filters: Query | None = None) -> AsyncIterator[Run]:
        """A feed's runs, the newest first."""
        path = route_of(merchant, "feeds", feed, "runs")
        return self.session.items(PUBLISHER, path, Run, filters)

    def plan(self, merchant: str, run_id: str) -> AsyncIterator[PlanLine]:
        """What a run does, line by line."""
        return self.session.items(PUBLISHER, route_of(merchant, "runs", run_id, "plan"), PlanLine)

    async def report(self, merchant: str, run_id: str) -> RunReport:
        """What became of a run's items, grouped by cause (M7.5)."""
        path = route_of(merchant, "runs", run_id, "report")
        return await self.session.get(PUBLISHER, path, RunReport)

    async def report_csv(self, merchant: str, run_id: str) -> str:
        """The same as a spreadsheet."""
        return await self.session.text(
            PUBLISHER, route_of(merchant, "runs", run_id, "report"), "text/csv"
        )

    def published(
        self, merchant: str, feed: str, filters: Query | None = None
    ) -> AsyncIterator[PublishedProduct]:
        """A feed's products as the publisher knows them."""
        path = route_of(merchant, "feeds", feed, "products")
        return self.session.items(PUBLISHER, path, PublishedProduct, filters)

    async def published_product(self, merchant: str, feed: str, family: str) -> PublishedProduct:
        """One of them."""
        path = route_of(merchant, "feeds", feed, "products", family)
        return await self.session.get(PUBLISHER, path, PublishedProduct)

    # ---- orders

    def orders(self, merchant: str, filters: Query | None = None) -> AsyncIterator[Order]:
        """The merchant's orders."""
        return self.session.items(ORDERS, route_of(merchant, "orders"), Order, filters)

    async def order_changes(self, merchant: str, after: str | None) -> OrderChanges:
        """The next changes of the merchant's orders after a cursor; the oldest kept without one."""
        query: Query = {"after": after, "limit": 200}
        return await self.session.get(
            ORDERS, route_of(merchant, "orders", "changes"), OrderChanges, query
        )

    async def order(self, merchant: str, shop: str, order_id: str) -> Document:
        """One order with all that is known."""
        path = route_of(merchant, "shops", shop, "orders", order_id)
        return await self.session.get(ORDERS, path, Document)

    async def ship(
        self, merchant: str, shop: str, order_id: str, parcel: dict[str, Any], key: str
    ) -> Shipment:
        """Ship an order, or part of it; the same `key` never ships twice (M8.4)."""
        path = route_of(merchant, "shops", shop, "orders", order_id, "shipments")
        headers = {"Idempotency-Key": key}
        return await self.session.send("POST", ORDERS, path, Shipment, body=parcel, headers=headers)

    async def shipment(self, merchant: str, shop: str, order_id: str, shipment_id: str) -> Shipment:
        """A parcel's state."""
        path = route_of(merchant, "shops", shop, "orders", order_id, "shipments", shipment_id)
        return await self.session.get(ORDERS, path, Shipment)

    async def erase_buyer(self, merchant: str, shop: str, order_id: str) -> Erasure:
        """Erase the buyer's data of an order (M8.6)."""
        path = route_of(merchant, "shops", shop, "orders", order_id, "buyer-data")
        return await self.session.send("DELETE", ORDERS, path, Erasure)

    async def audit_orders(self, merchant: str, shop: str) -> OrderAuditAsked:
        """Compare the shop's orders with AliExpress's list now."""
        path = route_of(merchant, "shops", shop, "order-audits")
        return await self.session.send("POST", ORDERS, path, OrderAuditAsked)

    async def order_audit(self, merchant: str, shop: str, audit_id: int) -> OrderAudit:
        """One audit of a shop's orders."""
        path = route_of(merchant, "shops", shop, "order-audits", str(audit_id))
        return await self.session.get(ORDERS, path, OrderAudit)

    def order_differences(
        self, merchant: str, shop: str, audit_id: int
    ) -> AsyncIterator[OrderDifference]:
        """What an audit found."""
        path = route_of(merchant, "shops", shop, "order-audits", str(audit_id), "differences")
        return self.session.items(ORDERS, path, OrderDifference)

    def shipments(
        self, merchant: str, shop: str, filters: Query | None = None
    ) -> AsyncIterator[Shipment]:
        """The shop's parcels."""
        return self.session.items(
            ORDERS, route_of(merchant, "shops", shop, "shipments"), Shipment, filters
        )

    async def ship_file(
        self, merchant: str, shop: str, content: bytes, *, is_dry_run: bool
    ) -> ShippedFile:
        """Ship the parcels of a CSV file; sent again it ships nothing twice (M8.4)."""
        path = route_of(merchant, "shops", shop, "shipments", "file")
        return await self.session.send(
            "POST",
            ORDERS,
            path,
            ShippedFile,
            content=content,
            query={"dry_run": is_dry_run},
            headers={"Content-Type": "text/csv"},
        )

    async def shipment_template(self, merchant: str, shop: str) -> str:
        """The columns of a CSV file of parcels."""
        path = route_of(merchant, "shops", shop, "shipments", "template")
        return await self.session.text(ORDERS, path, "text/csv")

    async def correct_tracking(
        self,
        merchant: str,
        shop: str,
        order_id: str,
        shipment_id: str,
        right: dict[str, Any],
        *,
        key: str,
    ) -> Correction:
        """Correct a parcel's number or carrier; the same `key` is the same correction (M8.4)."""
        path = route_of(merchant, "shops", shop, "orders", order_id, "shipments", shipment_id)
        headers = {"Idempotency-Key": key}
        return await self.session.send(
            "POST", ORDERS, f"{path}/tracking", Correction, body=right, headers=headers
        )

    async def corrections(
        self, merchant: str, shop: str, order_id: str, shipment_id: str
    ) -> list[Correction]:
        """The corrections of a parcel, the oldest first."""
        path = route_of(merchant, "shops", shop, "orders", order_id, "shipments", shipment_id)
        return (await self.session.get(ORDERS, f"{path}/tracking", Corrections)).items

    async def import_orders(self, merchant: str, shop: str) -> OrderImportAsked:
        """Fetch the shop's orders now."""
        path = route_of(merchant, "shops", shop, "order-imports")
        return await self.session.send("POST", ORDERS, path, OrderImportAsked)

    def order_imports(self, merchant: str, shop: str) -> AsyncIterator[OrderImport]:
        """The fetchings of a shop's orders, the newest first."""
        path = route_of(merchant, "shops", shop, "order-imports")
        return self.session.items(ORDERS, path, OrderImport)

    # ---- every service; without a merchant as an operator: of every merchant, and of none

    def dead_letters(
        self, service: str, merchant: str | None, filters: Query | None = None
    ) -> AsyncIterator[DeadLetter]:
        """A service's dead letters."""
        return self.session.items(service, _scoped(merchant, "dead-letters"), DeadLetter, filters)

    async def dead_letter(self, service: str, merchant: str | None, letter_id: int) -> DeadLetter:
        """One dead letter with what it holds and what was done to it."""
        path = _scoped(merchant, "dead-letters", str(letter_id))
        return await self.session.get(service, path, DeadLetter)

    async def edit_dead_letter(
        self, service: str, merchant: str | None, letter_id: int, value: str
    ) -> ReplayOutcome:
        """Let the group take it again with this value in place of its own."""
        path = _scoped(merchant, "dead-letters", str(letter_id), "replay")
        return await self.session.send("POST", service, path, ReplayOutcome, body={"value": value})

    async def settle_dead_letters(
        self, service: str, merchant: str | None, action: str, request: dict[str, Any]
    ) -> BulkAnswer:
        """`replay` or `discard` those the request names; a part of them when they are many."""
        path = _scoped(merchant, "dead-letters", action)
        return await self.session.send("POST", service, path, BulkAnswer, body=request)

    async def replay_dead_letters(
        self, service: str, merchant: str | None, request: dict[str, Any]
    ) -> list[ReplayOutcome]:
        """Let the group take them again."""
        return (await self.settle_dead_letters(service, merchant, "replay", request)).items

    def quarantines(self, service: str, merchant: str | None) -> AsyncIterator[Quarantine]:
        """A service's quarantines."""
        return self.session.items(service, _scoped(merchant, "quarantines"), Quarantine)

    def set_aside(self, service: str, merchant: str | None) -> AsyncIterator[FailedRow]:
        """Rows that a service's background jobs failed on."""
        return self.session.items(service, _scoped(merchant, "set-aside"), FailedRow)

    async def release(
        self, service: str, job: str, merchant: str | None, row: str | None
    ) -> Released:
        """Let a job take rows again; operators only."""
        which = {"job": job, "merchant_id": merchant, "subject": row}
        return await self.session.send(
            "POST", service, "/v1/set-aside/release", Released, body=which
        )

    async def lift_quarantine(self, service: str, quarantine: Quarantine) -> None:
        """End a quarantine; operators only."""
        body = {
            "group": quarantine.group,
            "source": quarantine.source,
            "merchant_id": quarantine.merchant_id,
        }
        path = "/v1/quarantines/lift"
        await self.session.send("POST", service, path, type(None), body=body)

    def parked(self, service: str, merchant: str | None) -> AsyncIterator[ParkedWait]:
        """What a service's parked records wait for."""
        return self.session.items(service, _scoped(merchant, "parked"), ParkedWait)


def if_version(version: int | None) -> dict[str, str]:
    """The header by which a feed is changed only where this is its present version."""
    return {} if version is None else {"If-Match": f'"{version}"'}


def route_of(merchant: str, *parts: str) -> str:
    """A route below a merchant."""
    return "/".join(("/v1/merchants", merchant, *(quote(part, safe="") for part in parts)))


def _scoped(merchant: str | None, *parts: str) -> str:
    """A route below a merchant, or its twin for operators."""
    return "/".join(("/v1", *parts)) if merchant is None else route_of(merchant, *parts)
