"""The four services as their committed OpenAPI documents promise them, every text hostile.

What a page reads is made of the documents' schemas, so a page that reads what no service promises
fails here, and so does one that shows a text as markup.
"""

import json
import re
from functools import cache
from pathlib import Path
from typing import Any

import httpx2

from auth_service.clients.scopes import OPERATOR_SCOPES, SCOPES_OF_ROLE

OPENAPI = Path(__file__).parents[3] / "schemas" / "openapi"
HOSTILE = "\"><script>alert('1')</script><img src=x onerror=alert(1)>{{ 7*7 }}%(x)s%"
MOMENT = "2026-11-27T10:00:00Z"
HOSTS = {
    "auth-service": "auth.test",
    "catalog-service": "catalog.test",
    "feed-publisher": "publisher.test",
    "order-importer": "orders.test",
}
DEEPEST = 12


@cache
def document(service: str) -> dict[str, Any]:
    """A service's OpenAPI document."""
    read: dict[str, Any] = json.loads((OPENAPI / f"{service}.json").read_text())
    return read


def operation(service: str, method: str, path: str) -> dict[str, Any] | None:
    """What the document says of a request; the path with the fewest parameters wins."""
    found = [
        (form.count("{"), operations[method.lower()])
        for form, operations in document(service)["paths"].items()
        if method.lower() in operations and _fits(form, path)
    ]
    return min(found, key=lambda pair: pair[0])[1] if found else None


def _fits(form: str, path: str) -> bool:
    pattern = re.sub(r"\\\{\w+\\\}", "[^/]+", re.escape(form))
    return re.fullmatch(pattern, path) is not None


def made(service: str, schema: dict[str, Any], name: str = "", depth: int = 0) -> Any:
    """A value of the schema: texts hostile, lists of one."""
    if "$ref" in schema:
        named = document(service)["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
        return made(service, named, name, depth + 1)
    if "anyOf" in schema:
        options = [each for each in schema["anyOf"] if each.get("type") != "null"]
        return None if depth > DEEPEST else made(service, options[0], name, depth)
    if "enum" in schema:
        return schema["enum"][0]
    if "const" in schema:
        return schema["const"]
    kind = schema.get("type")
    if kind == "object":
        fields = schema.get("properties")
        if fields is not None:
            return {key: made(service, part, key, depth + 1) for key, part in fields.items()}
        inner = schema.get("additionalProperties")
        if isinstance(inner, dict) and inner:
            return {HOSTILE: made(service, inner, name, depth + 1)}
        return {HOSTILE: HOSTILE}
    if kind == "array":
        return [] if depth > DEEPEST else [made(service, schema.get("items", {}), name, depth + 1)]
    return _plain(kind, schema, name)


def _plain(kind: str | None, schema: dict[str, Any], name: str) -> Any:
    if kind == "integer":
        return 3
    if kind == "number":
        return 0.5
    if kind == "boolean":
        return name != "is_operator"
    if schema.get("format") == "date-time":
        return MOMENT
    if name == "daily_at":
        return "22:30"
    if name.endswith("_share"):
        return "0.20"
    return None if kind == "null" else HOSTILE


class PromisedServices:
    """Answers as promised; `told` are the requests, `silent` the services that do not answer."""

    def __init__(self) -> None:
        self.told: list[httpx2.Request] = []
        self.silent: set[str] = set()
        self.instead: dict[str, Any] = {
            "/runs/nothing": httpx2.Response(404, json={"title": "no run", "status": 404}),
            "/health/ready": {"status": "not ready", "components": {HOSTILE: False}},
        }
        """Answers, or what makes them of a request, by the end of the path (`PUT /x`: to that
        method alone), in place of the hostile ones."""

    async def __call__(self, request: httpx2.Request) -> httpx2.Response:
        service = next(name for name, host in HOSTS.items() if host == request.url.host)
        await request.aread()
        self.told.append(request)
        if service in self.silent:
            raise httpx2.ConnectError("nobody is there", request=request)
        path = request.url.raw_path.decode().partition("?")[0]
        for place, answer in self.instead.items():
            method, _, end = place.rpartition(" ")
            if path.endswith(end) and method in {"", request.method}:
                found = answer(request) if callable(answer) else answer
                return found if isinstance(found, httpx2.Response) else _json(found)
        if path == "/v1/me":
            return _json(ME)
        if path == "/v1/sessions/token":
            return _json(self._grant(json.loads(request.content)["merchant_id"]))
        known = operation(service, request.method, path)
        assert known is not None, f"{service} promises no {request.method} {path}"
        return _json(_answer(service, known))

    def _grant(self, merchant_id: str | None) -> dict[str, Any]:
        """A token of the role that `/v1/me` tells of."""
        memberships = self.instead.get("/v1/me", ME)["memberships"]
        roles = {each["merchant_id"]: each["role"] for each in memberships}
        role = roles.get(merchant_id)
        scopes = SCOPES_OF_ROLE[role] if role else OPERATOR_SCOPES
        return {"access_token": "t", "role": role or "operator", "scopes": sorted(scopes)}


def _answer(service: str, known: dict[str, Any]) -> Any:
    answers = known["responses"]
    good = next(status for status in answers if status.startswith("2"))
    content = answers[good].get("content", {}).get("application/json")
    return made(service, content["schema"]) if content else {}


def _json(value: Any) -> httpx2.Response:
    return httpx2.Response(200, json=value)


ME = {
    "person_id": "p1",
    "email": HOSTILE,
    "display_name": HOSTILE,
    "language": "en",
    "time_zone": "Europe/Madrid",
    "is_operator": True,
    "has_second_factor": False,
    "memberships": [{"merchant_id": "acme", "role": "owner"}],
}


def order_to_ship(*line_ids: str, in_parcel: list[str] | None = None) -> dict[str, Any]:
    """An order that waits to be shipped, of these lines; some may be in a parcel of ours, `s1`."""
    known = operation("order-importer", "GET", "/v1/merchants/m/shops/s/orders/81")
    assert known is not None
    schema = known["responses"]["200"]["content"]["application/json"]["schema"]
    one: dict[str, Any] = made("order-importer", schema)
    parcel = one["parcels"][0] | {"shipment_id": "s1", "origin": "channel", "gone_at": None}
    parcel |= {"state": "confirmed", "line_ids": in_parcel, "more_follow": False}
    lines = [one["lines"][0] | {"line_id": line_id} for line_id in line_ids]
    return one | {
        "order_id": "81",
        "status": "waiting_shipment",
        "lines": lines or one["lines"],
        "parcels": [parcel] if in_parcel else [],
    }
