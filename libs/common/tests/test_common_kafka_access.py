"""How Kafka is reached: settings that cannot work are refused, tokens are fetched in time."""

import asyncio
import json
import ssl
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace
from urllib.parse import parse_qs

import pytest
from pydantic import ValidationError

from common import kafka_access
from common.kafka_access import ClientCredentials, KafkaAccess, KafkaAccessUnusable, TokenRefused
from common.settings import KafkaSettings
from stack.certificates import authority_file, broker_file, make_certificates

SCRAM = {"kafka_security_protocol": "SASL_SSL", "kafka_user": "a", "kafka_password": "pass-canary"}
BEARER = {
    "kafka_security_protocol": "SASL_SSL",
    "kafka_sasl_mechanism": "OAUTHBEARER",
    "kafka_token_url": "https://login/token",
    "kafka_client_id": "a",
    "kafka_client_secret": "secret-canary",
}


def settings(**values: object) -> KafkaSettings:
    return KafkaSettings(kafka_bootstrap="kafka:9092", **values)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("values", "remedy"),
    [
        (SCRAM | {"kafka_security_protocol": "SASL_PLAINTEXT"}, "KAFKA_ALLOWS_UNENCRYPTED"),
        (SCRAM | {"kafka_security_protocol": "PLAINTEXT"}, "Set it to SASL_SSL"),
        (SCRAM | {"kafka_user": ""}, "KAFKA_USER and KAFKA_PASSWORD"),
        (SCRAM | {"kafka_password": ""}, "KAFKA_USER and KAFKA_PASSWORD"),
        (SCRAM | {"kafka_ca_file": "/no/such/file"}, "PEM files"),
        (SCRAM | {"kafka_ca_file": __file__}, "PEM files"),
        (SCRAM | {"kafka_certificate_file": __file__}, "belong together"),
        (SCRAM | {"kafka_key_file": __file__}, "belong together"),
        ({"kafka_ca_file": __file__}, "has no TLS"),
        (BEARER | {"kafka_token_url": ""}, "Set all three"),
        (BEARER | {"kafka_client_secret": ""}, "Set all three"),
        (BEARER | {"kafka_token_url": "http://login/token"}, "is not https"),
        (BEARER | {"kafka_token_url": "file:///etc/passwd"}, "is not https"),
        (
            BEARER | {"kafka_token_url": "file:///etc/passwd", "kafka_allows_unencrypted": True},
            "is not https",
        ),
        ({"kafka_security_protocol": "SASL"}, "SASL_SSL"),
        (SCRAM | {"kafka_sasl_mechanism": "PLAIN"}, "SCRAM-SHA-512"),
    ],
)
def test_what_cannot_work_is_refused_with_the_remedy_and_without_secrets(
    values: dict[str, object], remedy: str
) -> None:
    with pytest.raises(ValidationError) as refused:
        settings(**values)
    assert remedy in str(refused.value)
    assert "canary" not in str(refused.value)


def test_what_can_work_is_taken(tmp_path: Path) -> None:
    make_certificates(tmp_path)
    plain = settings().kafka.client_options()
    assert plain == {"bootstrap_servers": "kafka:9092", "security_protocol": "PLAINTEXT"}
    scram = settings(**SCRAM, kafka_ca_file=authority_file(tmp_path)).kafka.client_options()
    assert scram["sasl_mechanism"] == "SCRAM-SHA-512"
    assert scram["sasl_plain_password"] == "pass-canary"
    assert scram["ssl_context"].verify_mode == ssl.CERT_REQUIRED
    assert scram["ssl_context"].check_hostname
    mutual = settings(
        kafka_security_protocol="SSL",
        kafka_ca_file=authority_file(tmp_path),
        kafka_certificate_file=broker_file(tmp_path),
        kafka_key_file=broker_file(tmp_path),
    )
    assert "sasl_mechanism" not in mutual.kafka.client_options()
    bearer = settings(**BEARER).kafka
    first, second = bearer.client_options(), bearer.client_options()
    assert first["sasl_oauth_token_provider"] is second["sasl_oauth_token_provider"]


def test_keys_and_passwords_are_not_shown(tmp_path: Path) -> None:
    make_certificates(tmp_path)
    assert broker_file(tmp_path).stat().st_mode & 0o777 == 0o600
    assert "canary" not in repr(settings(**SCRAM)) + repr(settings(**SCRAM).kafka)
    assert "canary" not in repr(settings(**BEARER)) + repr(settings(**BEARER).kafka)


def test_an_access_made_in_code_is_checked_too() -> None:
    with pytest.raises(KafkaAccessUnusable, match="KAFKA_USER"):
        KafkaAccess("kafka:9092", "SASL_SSL")


class TokenServer:
    """A token server that answers as it was asked to, and remembers who asked."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, dict[str, list[str]]]] = []
        self.status, self.lifetime = 200, 3600.0
        self.followed = False
        self.token: str | None = None
        """What it gives; else t1, t2 and so on."""
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                form = self.rfile.read(int(self.headers["content-length"])).decode()
                outer.asked.append((self.headers["authorization"], parse_qs(form)))
                given = outer.token or f"t{len(outer.asked)}"
                token = {"access_token": given, "expires_in": outer.lifetime}
                body = json.dumps(token).encode()
                self.send_response(outer.status)
                if outer.status == 302:
                    self.send_header("location", outer.url)
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def do_GET(self) -> None:
                outer.followed = True
                self.send_error(404)

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/token"


@pytest.fixture
def token_server() -> Iterator[TokenServer]:
    made = TokenServer()
    thread = threading.Thread(target=made.server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield made
    made.server.shutdown()
    thread.join()
    made.server.server_close()


async def test_one_token_serves_all_who_ask_at_once(token_server: TokenServer) -> None:
    tokens = ClientCredentials(token_server.url, "a b", "s:1", "kafka")
    assert set(await asyncio.gather(*(tokens.token() for _ in range(20)))) == {"t1"}
    [(credentials, form)] = token_server.asked
    assert credentials == "Basic YStiOnMlM0Ex"  # a+b:s%3A1
    assert form == {"grant_type": ["client_credentials"], "scope": ["kafka"]}


async def test_a_token_is_renewed_before_it_ends(
    token_server: TokenServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 1000.0
    monkeypatch.setattr(kafka_access, "time", SimpleNamespace(monotonic=lambda: now))
    token_server.lifetime = 100
    tokens = ClientCredentials(token_server.url, "a", "s")
    assert await tokens.token() == "t1"
    now += 79
    assert await tokens.token() == "t1"
    now += 2
    assert await tokens.token() == "t2"


async def test_a_redirection_is_not_followed_with_the_secret(token_server: TokenServer) -> None:
    token_server.status = 302
    with pytest.raises(TokenRefused, match="302"):
        await ClientCredentials(token_server.url, "a", "s").token()
    assert not token_server.followed


async def test_a_refused_client_is_named_without_its_secret(token_server: TokenServer) -> None:
    token_server.status = 401
    tokens = ClientCredentials(token_server.url, "a", "secret-canary")
    with pytest.raises(TokenRefused, match="401") as refused:
        await tokens.token()
    assert "canary" not in str(refused.value)
    token_server.status = 200
    assert await tokens.token() == "t2"
