"""Write the published contracts: JSON Schemas, the AsyncAPI document, OpenAPI per service.

`python -m schemas.generate` writes them, and refuses to when an event's schema would break a reader
of the committed version: raise the class's `schema_version` then, which makes a new file beside the
old. So it does when a feed's document that was taken would be refused. `--check` writes nothing and
fails when anything committed is stale or broken.
"""

import argparse
import gc
import importlib
import json
import sys
from pathlib import Path
from typing import Any, cast

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from schemas.access import access
from schemas.compatibility import Role, Schema, breaks

from catalog_service.feeds.document import FeedDocument
from common.contracts.event import PYTHON_ONLY, Event
from common.contracts.topics import TOPICS, Topic
from common.postgres.pool import Pool
from common.service import Context, Parts, Service, create_app
from common.settings import ServiceSettings
from common.web.identity import Verifier

FOLDER = Path(__file__).parent
SERVICES = ("auth_service", "catalog_service", "feed_publisher", "order_importer")


def event_schema(event: type[Event]) -> Schema:
    """The JSON Schema (2020-12) of an event's data, its references inside."""
    (root,), definitions = msgspec.json.schema_components([event], ref_template="#/$defs/{name}")
    name = root["$ref"].rsplit("/", 1)[1]
    schema = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"urn:{event.type_name()}",
        **definitions[name],
    }
    others = {key: value for key, value in sorted(definitions.items()) if key != name}
    if others:
        schema["$defs"] = others
    return cast("Schema", _folded(schema))


def _folded(node: Any) -> Any:
    """Descriptions as running text (docstrings keep their line breaks otherwise), patterns as JSON
    Schema reads them."""
    if isinstance(node, dict):
        return {key: _folded_text(key, value) for key, value in node.items()}
    if isinstance(node, list):
        return [_folded(item) for item in node]
    return node


def _folded_text(key: str, value: Any) -> Any:
    if key == "description" and isinstance(value, str):
        return " ".join(value.split())
    if key == "pattern" and isinstance(value, str):
        return value.removesuffix(PYTHON_ONLY)
    return _folded(value)


FEED_CONFIGURATION = Path("feed-configuration.v1.json")


def feed_configuration_schema() -> Schema:
    """The JSON Schema of a feed's document, for editors and for those who write documents."""
    schema = FeedDocument.model_json_schema(by_alias=True, mode="validation")
    head = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": "urn:channel.feed-configuration.v1",
        "title": "A feed's configuration",
    }
    return cast(
        "Schema", _folded(_closed(head | {k: v for k, v in schema.items() if k != "title"}))
    )


def _closed(node: Any) -> Any:
    """Without the titles pydantic makes of names; objects whose keys have a pattern have no
    others."""
    if isinstance(node, list):
        return [_closed(item) for item in node]
    if not isinstance(node, dict):
        return node
    if "patternProperties" in node:
        node = {**node, "additionalProperties": False}
    return {
        key: {name: _closed(part) for name, part in value.items()}
        if key in {"properties", "$defs", "patternProperties"}
        else _closed(value)
        for key, value in node.items()
        if key != "title" or not isinstance(value, str) or "$schema" in node
    }


def role_of(topic: Topic) -> Role:
    """Whether we emit what the topic carries, or other systems do."""
    return "read" if topic.is_from_others else "emitted"


def asyncapi() -> Schema:
    """One AsyncAPI 3 document of all topics."""
    channels, operations, messages = {}, {}, {}
    for topic in TOPICS:
        name = topic.event.__name__
        messages[name] = {
            "name": topic.event.type_name(),
            "title": name,
            "contentType": "application/json",
            "headers": _headers_schema(topic.event),
            "payload": {
                "schemaFormat": "application/schema+json;version=draft-2020-12",
                "schema": {"$ref": f"./events/{topic.event.type_name()}.json"},
            },
            "bindings": {"kafka": {"key": {"type": "string", "description": topic.key}}},
        }
        channels[name] = {
            "address": topic.name,
            "description": f"{topic.kind} topic, key {topic.key};"
            f" written by {', '.join(topic.producers)}, read by {', '.join(topic.consumers)}",
            "messages": {name: {"$ref": f"#/components/messages/{name}"}},
        }
        operations[name] = {
            "action": "receive" if role_of(topic) == "read" else "send",
            "channel": {"$ref": f"#/channels/{name}"},
            "messages": [{"$ref": f"#/channels/{name}/messages/{name}"}],
        }
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "AliExpress Channel",
            "version": "1",
            "description": "CloudEvents 1.0, Kafka binary binding; `receive` is what the channel"
            " reads, `send` what it emits.",
        },
        "defaultContentType": "application/json",
        "channels": channels,
        "operations": operations,
        "components": {"messages": messages},
    }


def _headers_schema(event: type[Event]) -> Schema:
    return {
        "type": "object",
        "required": ["ce_type"],
        "properties": {
            "ce_specversion": {"const": "1.0"},
            "ce_id": {"type": "string"},
            "ce_type": {"const": event.type_name()},
            "ce_source": {"type": "string"},
            "ce_time": {"type": "string", "format": "date-time"},
            "ce_subject": {"type": "string", "description": "The record's key"},
            "content-type": {"const": "application/json"},
            "traceparent": {"type": "string"},
        },
    }


def openapi(package: str) -> Schema:
    """The OpenAPI document of a service, from its routes as wired."""
    service: Service[ServiceSettings] = importlib.import_module(f"{package}.app").SERVICE
    settings = service.settings.model_construct(
        **{
            name: field.get_default(call_default_factory=True)
            for name, field in service.settings.model_fields.items()
            if not field.is_required()
        },
        **_placeholders(service),
    )
    context = Context(settings, cast("Pool", None), Verifier(""))
    parts: Parts = service.build(context)
    return create_app(service, context, parts).openapi()


def _placeholders(service: Service[ServiceSettings]) -> dict[str, Any]:
    """Values for the settings that have no default; no I/O is done with them."""
    keys = {"signing_key": _throwaway_key(), "master_keys": "k1:" + "A" * 43 + "="}
    return {
        name: field.annotation(keys.get(name, "x")) if field.annotation is not int else 0
        for name, field in service.settings.model_fields.items()
        if field.is_required() and field.annotation is not None
    }


def _throwaway_key() -> str:
    key = Ed25519PrivateKey.generate()
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


def wanted() -> dict[Path, Schema]:
    """Every document, by its place."""
    documents: dict[Path, Schema] = {
        Path("events") / f"{topic.event.type_name()}.json": event_schema(topic.event)
        for topic in TOPICS
    }
    documents[Path("asyncapi.json")] = asyncapi()
    apis = {package.replace("_", "-"): openapi(package) for package in SERVICES}
    documents |= {Path("openapi") / f"{name}.json": document for name, document in apis.items()}
    documents[Path("access.json")] = access(apis)
    documents[FEED_CONFIGURATION] = feed_configuration_schema()
    return documents


def broken() -> list[str]:
    """What today's events and configurations break of the committed schemas."""
    found = []
    if (FOLDER / FEED_CONFIGURATION).exists():
        old = json.loads((FOLDER / FEED_CONFIGURATION).read_text())
        troubles = breaks(old, feed_configuration_schema(), "read")
        found += [f"{FEED_CONFIGURATION}{what}" for what in troubles]
    for topic in TOPICS:
        path = FOLDER / "events" / f"{topic.event.type_name()}.json"
        if path.exists():
            old = json.loads(path.read_text())
            found += [
                f"{topic.event.type_name()}{what}"
                for what in breaks(old, event_schema(topic.event), role_of(topic))
            ]
    return found


def main() -> int:
    """Write or check; the number of troubles."""
    gc.disable()  # all documents stay to the end
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true")
    is_check = parser.parse_args().check
    troubles = [f"breaks its readers: {what}" for what in broken()]
    if troubles and not is_check:
        troubles.append("nothing written: raise the event's schema_version")
    for place, document in wanted().items():
        text = json.dumps(document, indent=1, ensure_ascii=False) + "\n"
        path = FOLDER / place
        if is_check:
            if not path.exists() or path.read_text() != text:
                troubles.append(f"stale: schemas/{place} (run `make contracts`)")
        elif not troubles:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
    for trouble in troubles:
        print(trouble, file=sys.stderr)  # noqa: T201 - a command's output
    return len(troubles)


if __name__ == "__main__":
    sys.exit(min(1, main()))
