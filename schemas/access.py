"""What each scope is shown and may set, gathered from the services' OpenAPI documents (X2).

    {scope: {"routes": [...], "shows": {form: [fields]}, "takes": {form: [fields]}}}

`anyone` needs no token, `session` that of a person who is signed in. Forms are the documents'
schemas; those that another one holds are in the list too. The file is committed, so that nothing is
shown or taken without somebody's decision.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Any

Schema = dict[str, Any]

ANYONE = "anyone"
SESSION = "session"
_PREFIX = "#/components/schemas/"
_PROBLEMS = frozenset({"4XX", "5XX"})


def access(documents: Mapping[str, Schema]) -> Schema:
    """The whole, of documents by service."""
    routes: dict[str, list[str]] = defaultdict(list)
    shown: dict[str, Schema] = defaultdict(dict)
    taken: dict[str, Schema] = defaultdict(dict)
    for service, document in documents.items():
        for route, operation in operations(document):
            scope = scope_of(operation)
            routes[scope].append(f"{service} {route}")
            answers = {
                status: answer
                for status, answer in operation["responses"].items()
                if status not in _PROBLEMS
            }
            for found, part in ((shown, answers), (taken, operation.get("requestBody", {}))):
                for name in forms_in(part, document):
                    fields = document["components"]["schemas"][name].get("properties")
                    if fields:
                        found[scope][f"{service} {name}"] = sorted(fields)
    return {
        scope: {
            "routes": sorted(of),
            "shows": dict(sorted(shown[scope].items())),
            "takes": dict(sorted(taken[scope].items())),
        }
        for scope, of in sorted(routes.items())
    }


def operations(document: Schema) -> Iterator[tuple[str, Schema]]:
    """Each route with its operation."""
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            yield f"{method.upper()} {path}", operation


def scope_of(operation: Schema) -> str:
    """The scope a route needs."""
    if any(SESSION in need for need in operation.get("security", [])):
        return SESSION
    named = {scope for need in operation.get("security", []) for scope in need.get("token", [])}
    return "+".join(sorted(named)) or ("any token" if operation.get("security") else ANYONE)


def forms_in(part: object, document: Schema, seen: frozenset[str] = frozenset()) -> set[str]:
    """The schemas that a part of the document names, and those that they name."""
    if isinstance(part, list):
        return set().union(*(forms_in(item, document, seen) for item in part))
    if not isinstance(part, dict):
        return set()
    name = str(part.get("$ref", "")).removeprefix(_PREFIX)
    found = set().union(*(forms_in(item, document, seen) for item in part.values()))
    if name and name not in seen:
        inner = document["components"]["schemas"][name]
        found |= {name} | forms_in(inner, document, seen | {name})
    return found
