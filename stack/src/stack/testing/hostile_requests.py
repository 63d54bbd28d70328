"""Hostile requests to every route an app's OpenAPI document lists, for every service's tests.

`find_faults` sends them and returns what was not answered as it must be:

- A path or query parameter that is not of its documented form is answered with a 4xx problem that
  has a remedy; one that is of it may also be served (a text to filter by is any text). A route that
  answers pages for browsers answers a 4xx.
- A list serves the cursor of its own key; every other cursor is answered with a 422 problem.

Nothing is ever answered with 5xx. Requests are sent one after the other; parameters that are not
under test have the values given as known, bodies are the smallest their schema allows.
"""

import base64
import re
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import quote

import httpx2
import msgspec

Place = tuple[str | int | datetime, ...]
"""A key of a list: what its cursor names."""
Json = Mapping[str, Any]

HOSTILE_EVERYWHERE = ("a\x00b", "x" * 10_000, "ид\u202e\U0001f4a5", str(2**63))
"""Tried as every parameter: a NUL, a long text, a wrong alphabet, more than 64 bits."""
HOSTILE_TEXTS = (
    "a\nb",
    "a/b",
    "' OR '1'='1",
    "%",
    "-1",
    "0",
    "1.5",
    "1e9",
    str(2**31),
    "9" * 400,
    "null",
)
"""All are tried where a parameter of a name and form comes first, then these in turn."""
IN_TURN = 4
_SHARED_PARTS: tuple[Any, ...] = (None, True, 1.5, [], {}, ["a"])
_HOSTILE_PARTS: dict[type, tuple[Any, ...]] = {
    str: (*_SHARED_PARTS, 1, "a\x00b"),
    int: (*_SHARED_PARTS, "1", "a", 2**63, -(2**63) - 1, 10**400),
    datetime: (*_SHARED_PARTS, 1, "a", "2026-11-26T12:30:00", "0001-01-01T00:00:00+14:00"),
}
_METHODS = ("get", "put", "post", "patch", "delete")


@dataclass(frozen=True)
class Operation:
    """A method of a path, as documented."""

    method: str
    path: str
    parameters: Sequence[Json]
    body: Json | None
    """The schema of its JSON body."""
    form: Json | None
    """The schema of its form."""
    is_page: bool
    """It answers HTML."""

    @property
    def is_list(self) -> bool:
        """Whether it goes on from a cursor."""
        return any(parameter["name"] == "cursor" for parameter in self.parameters)

    def __str__(self) -> str:
        return f"{self.method.upper()} {self.path}"


async def find_faults(
    http: httpx2.AsyncClient,
    headers: Mapping[str, str],
    *,
    known: Mapping[str, str],
    places: Mapping[str, Place],
) -> list[str]:
    """What is answered otherwise than it must be, one line a request; empty when all is well.

    `headers` are a caller's that every route lets in. `known` has values of path parameters that
    exist. `places` has a key of each list, by its path: a list it leaves out is a fault as well.
    """
    document = (await http.get("/openapi.json")).json()
    operations = list(_operations(document))
    caller = _Caller(http, headers, known, document)
    lists = [operation for operation in operations if operation.is_list]
    faults = [
        f"{path}: the lists with a cursor and the places given differ"
        for path in {operation.path for operation in lists} ^ places.keys()
    ]
    for operation in operations:
        faults += [fault async for fault in _faults_of_parameters(caller, operation)]
    for operation in lists:
        if operation.path in places:
            faults += [fault async for fault in _faults_of_cursors(caller, operation, places)]
    return faults


class _Caller:
    def __init__(
        self,
        http: httpx2.AsyncClient,
        headers: Mapping[str, str],
        known: Mapping[str, str],
        document: Json,
    ) -> None:
        self._http = http
        self._headers = headers
        self._known = known
        self.document = document
        self._seen: Counter[str] = Counter()

    def texts_for(self, parameter: Json) -> Sequence[str]:
        """What to try as a parameter."""
        kind = repr((parameter["name"], parameter["schema"]))
        times = self._seen[kind]
        self._seen[kind] += 1
        return (*HOSTILE_EVERYWHERE, *HOSTILE_TEXTS[times % IN_TURN :: IN_TURN if times else 1])

    async def send(self, operation: Operation, **hostile: str) -> httpx2.Response | Exception:
        """The answer; the exception where the app let one through, which a client sees as 500."""
        path = re.sub(
            r"\{(\w+)\}",
            lambda name: quote(hostile.get(name[1], self._known.get(name[1], "1")), safe=""),
            operation.path,
        )
        in_query = {p["name"] for p in operation.parameters if p["in"] == "query"}
        try:
            return await self._http.request(
                operation.method,
                path,
                params={name: value for name, value in hostile.items() if name in in_query},
                headers=dict(self._headers),
                json=operation.body and smallest(operation.body, self.document),
                data=operation.form and smallest(operation.form, self.document),
            )
        except Exception as error:
            return error


async def _faults_of_parameters(caller: _Caller, operation: Operation) -> AsyncIterator[str]:
    for parameter in operation.parameters:
        if parameter["in"] not in {"path", "query"}:
            continue
        name = parameter["name"]
        for text in caller.texts_for(parameter):
            answer = await caller.send(operation, **{name: text})
            is_served = conforms(parameter["schema"], text) and not _is_at_least(answer, 400)
            if not is_served and not _is_refused(answer, operation):
                yield f"{operation}: {name}={text[:40]!r} {_shown(answer)}"


async def _faults_of_cursors(
    caller: _Caller, operation: Operation, places: Mapping[str, Place]
) -> AsyncIterator[str]:
    own = places[operation.path]
    answer = await caller.send(operation, cursor=encode_cursor(own))
    if isinstance(answer, Exception) or answer.status_code != 200:
        yield f"{operation}: its own cursor {_shown(answer)}"
    decoder = msgspec.json.Decoder(tuple[tuple(map(type, own))])  # type: ignore[misc]  # computed
    others = [encode_cursor(place) for place in places.values()]
    for cursor in (*hostile_cursors(own), *(each for each in others if not _fits(each, decoder))):
        answer = await caller.send(operation, cursor=cursor)
        if not _is_refused(answer, operation, status=422):
            yield f"{operation}: cursor={cursor[:60]!r} {_shown(answer)}"


def encode_cursor(place: object) -> str:
    """A cursor as the services write them: base64url of JSON."""
    return _encoded(msgspec.json.encode(place))


def hostile_cursors(own: Place) -> Iterator[str]:
    """Cursors of no list, and those that a list with this key must refuse."""
    yield from ("", "x", "%%%", "é\u202e", "a\x00b", "A" * 10_000, encode_cursor(own) + "!")
    raws = (b"\xff\xfe", b"[1", b"null", b"7", b'"a"', b"{}", b"[]", b"[" * 10_000, b'["\\ud800"]')
    yield from map(_encoded, raws)
    yield encode_cursor(own[:-1])
    yield encode_cursor((*own, "more"))
    yield encode_cursor((*own, "x" * 10_000))
    for index, part in enumerate(own):
        for hostile in _HOSTILE_PARTS[type(part)]:
            yield _encoded(_json((*own[:index], hostile, *own[index + 1 :])))


def smallest(schema: Json, document: Json) -> Any:
    """A small value of the form that an OpenAPI schema describes; what is optional is left out."""
    described = _resolved(schema, document)
    if "enum" in described:
        return described["enum"][0]
    match described.get("type"):
        case "object":
            required = described.get("required", [])
            return {name: smallest(described["properties"][name], document) for name in required}
        case "array":
            return [smallest(described["items"], document)] * described.get("minItems", 0)
        case "integer" | "number":
            return max(1, described.get("minimum", 1))
        case "boolean":
            return False
    return "x" * max(1, described.get("minLength", 1))


def _resolved(schema: Json, document: Json) -> Json:
    """The schema that a reference, or the first of several variants, stands for."""
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return _resolved(document["components"]["schemas"][name], document)
    for variants in ("anyOf", "oneOf", "allOf"):
        if variants in schema:
            return _resolved(schema[variants][0], document)
    return schema


def conforms(schema: Json, text: str) -> bool:
    """Whether a parameter's text is of the documented form."""
    variants = schema.get("anyOf", [schema])
    return any(_conforms(variant, text) for variant in variants)


def _conforms(schema: Json, text: str) -> bool:
    match schema.get("type"):
        case "string":
            is_named = text in schema.get("enum", [schema.get("const", text)])
            is_short = len(text) <= schema.get("maxLength", len(text))
            pattern = schema.get("pattern")
            return is_named and is_short and (pattern is None or bool(re.search(pattern, text)))
        case "integer":
            if not re.fullmatch(r"-?\d{1,30}", text):
                return False
            lowest, highest = schema.get("minimum", -(2**63)), schema.get("maximum", 2**63 - 1)
            return bool(lowest <= int(text) <= highest)
        case "boolean":
            return text in {"0", "1"}
        case "array":  # given once
            return _conforms(schema["items"], text)
    return False


def _operations(document: Json) -> Iterator[Operation]:
    for path, item in document["paths"].items():
        for method in _METHODS:
            if method not in item:
                continue
            described = item[method]
            content = described.get("requestBody", {}).get("content", {})
            answers = [
                kind
                for status, response in described["responses"].items()
                if status.startswith("2")
                for kind in response.get("content", {})
            ]
            yield Operation(
                method,
                path,
                described.get("parameters", []),
                content.get("application/json", {}).get("schema"),
                content.get("application/x-www-form-urlencoded", {}).get("schema"),
                is_page="text/html" in answers,
            )


def _is_refused(
    answer: httpx2.Response | Exception, operation: Operation, *, status: int | None = None
) -> bool:
    if isinstance(answer, Exception) or not 400 <= answer.status_code < 500:
        return False
    if operation.is_page:
        return True
    is_problem = answer.headers.get("content-type", "").startswith("application/problem+json")
    return (
        is_problem
        and bool(answer.json().get("remedy"))
        and answer.status_code == (status or answer.status_code)
    )


def _is_at_least(answer: httpx2.Response | Exception, status: int) -> bool:
    return isinstance(answer, Exception) or answer.status_code >= status


def _shown(answer: httpx2.Response | Exception) -> str:
    if isinstance(answer, Exception):
        return f"failed with {answer!r:.200}"
    return f"answered {answer.status_code} {answer.text[:200]}"


def _fits(cursor: str, decoder: msgspec.json.Decoder[Any]) -> bool:
    try:
        decoder.decode(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    except msgspec.MsgspecError:
        return False
    return True


def _json(place: Sequence[Any]) -> bytes:
    """Like msgspec's, but of numbers of any length."""
    parts = (
        str(part).encode() if type(part) is int else msgspec.json.encode(part) for part in place
    )
    return b"[" + b",".join(parts) + b"]"


def _encoded(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")
