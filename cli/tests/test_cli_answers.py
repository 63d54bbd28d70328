"""Every answer the command line reads is what the services' committed OpenAPI promises."""

import json
import types
import typing
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest

from channel_cli import (
    adoption_answers,
    answers,
    feed_answers,
    order_answers,
    people_answers,
    publishing_answers,
    sku_answers,
)

OPENAPI = Path(__file__).parents[2] / "schemas" / "openapi"
EVERYWHERE = ("auth-service", "catalog-service", "feed-publisher", "order-importer")
VIEWS: dict[type[answers.Answer], tuple[tuple[str, ...], str]] = {
    answers.Merchant: (("auth-service",), "MerchantView"),
    answers.ApiClient: (("auth-service",), "ClientSecret"),
    answers.ProducerKey: (("auth-service",), "NewProducerKey"),
    answers.Shop: (("auth-service",), "ShopView"),
    answers.ConsentLink: (("auth-service",), "StartView"),
    people_answers.Member: (("auth-service",), "MemberView"),
    people_answers.Person: (("auth-service",), "PersonView"),
    people_answers.Operators: (("auth-service",), "Operators"),
    people_answers.InvitedPerson: (("auth-service",), "InvitationView"),
    people_answers.SessionRow: (("auth-service",), "SessionView"),
    people_answers.PersonSessions: (("auth-service",), "Sessions"),
    people_answers.EndedSessions: (("auth-service",), "Ended"),
    people_answers.ListedClient: (("auth-service",), "ClientView"),
    people_answers.RotatedClient: (("auth-service",), "RotatedSecret"),
    people_answers.AuditRow: (EVERYWHERE, "AuditRowView"),
    answers.Catalogue: (("catalog-service",), "CatalogueView"),
    answers.CatalogueField: (("catalog-service",), "FieldView"),
    answers.FieldValueCount: (("catalog-service",), "ValueView"),
    answers.ColumnGuess: (("catalog-service",), "GuessView"),
    answers.DescribedColumn: (("catalog-service",), "ColumnView"),
    answers.OpenPoint: (("catalog-service",), "OpenPointView"),
    answers.FeedProposal: (("catalog-service",), "ProposalView"),
    answers.SourceProduct: (("catalog-service",), "ProductView"),
    answers.Import: (("catalog-service",), "ImportView"),
    answers.ImportProblem: (("catalog-service",), "ProblemLine"),
    answers.Progress: (("catalog-service",), "ProgressView"),
    answers.ConfigurationWarning: (("catalog-service",), "ConfigurationWarning"),
    answers.AppliedFeed: (("catalog-service",), "Applied"),
    feed_answers.FeedConfiguration: (("catalog-service",), "FeedDetails"),
    feed_answers.Version: (("catalog-service",), "VersionView"),
    feed_answers.WholeVersion: (("catalog-service",), "VersionDetails"),
    feed_answers.ConfigurationChange: (("catalog-service",), "ChangeView"),
    feed_answers.Diff: (("catalog-service",), "DiffView"),
    feed_answers.Draft: (("catalog-service",), "DraftView"),
    feed_answers.DraftResult: (("catalog-service",), "DraftResult"),
    feed_answers.DraftCause: (("catalog-service",), "CauseView"),
    feed_answers.FamilyChange: (("catalog-service",), "FamilyChangeView"),
    feed_answers.FieldChange: (("catalog-service",), "FieldChangeView"),
    answers.Issue: (("catalog-service",), "IssueView"),
    answers.PreviewFamily: (("catalog-service",), "ProductPreview"),
    publishing_answers.Schedule: (("feed-publisher",), "ScheduleView"),
    publishing_answers.Guard: (("feed-publisher",), "GuardView"),
    publishing_answers.FastLane: (("feed-publisher",), "FastLaneView"),
    publishing_answers.Feed: (("feed-publisher",), "FeedView"),
    answers.RunAsked: (("feed-publisher",), "RunAsked"),
    answers.RunProgress: (("feed-publisher",), "Progress"),
    answers.Run: (("feed-publisher",), "RunView"),
    answers.PlanLine: (("feed-publisher",), "PlanLine"),
    answers.ReportCause: (("feed-publisher",), "GroupedCause"),
    answers.ReportShown: (("feed-publisher",), "Shown"),
    answers.ReportSample: (("feed-publisher",), "Sample"),
    answers.RunReport: (("feed-publisher",), "ReportView"),
    answers.PublishedProduct: (("feed-publisher",), "ProductView"),
    answers.Cause: (("feed-publisher",), "CauseView"),
    order_answers.OrderImport: (("order-importer",), "ImportView"),
    order_answers.OrderAuditAsked: (("order-importer",), "AuditAsked"),
    order_answers.OrderAudit: (("order-importer",), "OrderAuditView"),
    order_answers.OrderDifference: (("order-importer",), "OrderDifferenceView"),
    order_answers.Erasure: (("order-importer",), "ErasureView"),
    order_answers.OrderImportAsked: (("order-importer",), "Asked"),
    order_answers.Money: (("order-importer",), "MoneyView"),
    order_answers.Order: (("order-importer",), "OrderView"),
    order_answers.OrderChange: (("order-importer",), "ChangeView"),
    order_answers.OrderChanges: (("order-importer",), "Changes"),
    order_answers.Shipment: (("order-importer",), "ShipmentView"),
    order_answers.Correction: (("order-importer",), "CorrectionView"),
    order_answers.Corrections: (("order-importer",), "Corrections"),
    order_answers.RowProblem: (("order-importer",), "RowProblem"),
    order_answers.ShippedRow: (("order-importer",), "RowView"),
    order_answers.ShippedFile: (("order-importer",), "FileResult"),
    sku_answers.SourceRow: (("catalog-service",), "ProductView"),
    sku_answers.FilledMatch: (("catalog-service",), "MatchView"),
    sku_answers.SourcedIssue: (("catalog-service",), "SourcedIssue"),
    sku_answers.EmittedSku: (("catalog-service",), "WantedSku"),
    sku_answers.WantedSku: (("catalog-service",), "SkuWhy"),
    sku_answers.PlannedAction: (("feed-publisher",), "PlannedAction"),
    sku_answers.NextStep: (("feed-publisher",), "NextStepView"),
    sku_answers.RemoteCall: (("feed-publisher",), "CallView"),
    sku_answers.SkuItem: (("feed-publisher",), "SkuItemView"),
    sku_answers.Holder: (("feed-publisher",), "HolderView"),
    sku_answers.AcceptedSku: (("feed-publisher",), "AcceptedSkuView"),
    sku_answers.ShownSku: (("feed-publisher",), "ShownView"),
    sku_answers.PublishedSku: (("feed-publisher",), "FeedSkuView"),
    adoption_answers.Candidate: (("feed-publisher",), "CandidateView"),
    adoption_answers.AdoptionOutcome: (("feed-publisher",), "AdoptionOutcome"),
    adoption_answers.AdoptedPage: (("feed-publisher",), "AdoptedPage"),
    answers.AuditEntry: (EVERYWHERE, "AuditView"),
    answers.DeadLetter: (EVERYWHERE, "WholeDeadLetter"),
    answers.ReplayOutcome: (EVERYWHERE, "OutcomeView"),
    answers.BulkAnswer: (EVERYWHERE, "BulkView"),
    answers.Quarantine: (EVERYWHERE, "QuarantineView"),
    answers.ParkedWait: (EVERYWHERE, "ParkedView"),
    answers.FailedRow: (EVERYWHERE, "FailedRowView"),
    answers.Released: (EVERYWHERE, "Released"),
}
PLAIN: dict[type, dict[str, str]] = {
    str: {"type": "string"},
    int: {"type": "integer"},
    bool: {"type": "boolean"},
    Decimal: {"type": "string"},
    datetime: {"type": "string", "format": "date-time"},
}


def components(service: str) -> dict[str, Any]:
    document = json.loads((OPENAPI / f"{service}.json").read_text())
    schemas: dict[str, Any] = document["components"]["schemas"]
    return schemas


def misfit(kind: Any, schema: dict[str, Any]) -> str | None:
    """Why a value of this schema may not be of the kind the command line expects."""
    options = schema.get("anyOf", [schema])
    nullable = any(option.get("type") == "null" for option in options)
    options = [option for option in options if option.get("type") != "null"]
    members = typing.get_args(kind) if isinstance(kind, types.UnionType) else (kind,)
    if nullable and type(None) not in members:
        return "may be null"
    wanted = [member for member in members if member is not type(None)]
    for option in options:
        if not any(_fits(member, option) for member in wanted):
            return f"is {option}"
    return None


def _fits(member: Any, option: dict[str, Any]) -> bool:
    origin = typing.get_origin(member) or member
    if origin is list:
        return option.get("type") == "array"
    if origin is dict:
        return option.get("type") == "object" or "$ref" in option
    return all(option.get(k) == v for k, v in PLAIN.get(origin, {}).items())


@pytest.mark.parametrize("answer", VIEWS, ids=lambda answer: answer.__name__)
def test_an_answer_is_what_its_services_promise(answer: type[answers.Answer]) -> None:
    services, view = VIEWS[answer]
    for service in services:
        schema = components(service)[view]
        hints = typing.get_type_hints(answer)
        for field in msgspec.structs.fields(answer):
            assert field.name in schema["properties"], f"{view} has no {field.name}"
            promised = schema["properties"][field.name]
            is_always_there = field.name in schema.get("required", ()) or "default" in promised
            assert is_always_there or not field.required, f"{view} may lack {field.name}"
            why = misfit(hints[field.name], promised)
            assert why is None, f"{view}.{field.name} {why}"


@pytest.mark.parametrize(
    "module",
    [
        answers,
        feed_answers,
        publishing_answers,
        sku_answers,
        adoption_answers,
        people_answers,
    ],
)
def test_every_answer_is_held_against_a_view(module: types.ModuleType) -> None:
    known = {
        value
        for value in vars(module).values()
        if isinstance(value, type) and issubclass(value, answers.Answer)
    }
    joined = {sku_answers.WholeSku, adoption_answers.Adopted}
    assert known - VIEWS.keys() <= {answers.Answer, answers.Desired, *joined}
