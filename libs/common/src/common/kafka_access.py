"""How a Kafka client reaches the brokers and says who it is: TLS, SASL SCRAM or OAUTHBEARER.

Needs aiokafka alone, so that the producer kit, which other companies install, has it too.
"""

import asyncio
import json
import math
import ssl
import time
import urllib.request
from base64 import b64encode
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Literal
from urllib.parse import quote_plus, urlencode, urlsplit

from aiokafka.abc import AbstractTokenProvider
from aiokafka.errors import KafkaError

Protocol = Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"]
Mechanism = Literal["SCRAM-SHA-512", "SCRAM-SHA-256", "OAUTHBEARER"]

TOKEN_USED_FOR = 0.8
"""The share of a token's life after which the next is fetched."""
TOKEN_WITHIN_SECONDS = 10


class KafkaAccessUnusable(ValueError):
    """These settings cannot work; the text names the setting and the remedy."""


class TokenRefused(KafkaError):  # type: ignore[misc]  # aiokafka is untyped
    """The token server gave no token for this client; the text says what it answered."""


@dataclass(frozen=True)
class KafkaAccess:
    """Where the brokers are, and who comes. Raises `KafkaAccessUnusable` for what cannot work.

    `bootstrap` is `host:port`, several separated by commas; files are PEM. Without `ca_file` the
    system's authorities are trusted. `allows_unencrypted` admits SASL_PLAINTEXT, which shows
    anybody on the way what is sent, and an OAUTHBEARER token with it.
    """

    bootstrap: str
    protocol: Protocol = "PLAINTEXT"
    ca_file: Path | None = None
    certificate_file: Path | None = None
    key_file: Path | None = None
    mechanism: Mechanism = "SCRAM-SHA-512"
    user: str = ""
    password: str = field(default="", repr=False)
    token_url: str = ""
    client_id: str = ""
    client_secret: str = field(default="", repr=False)
    token_scope: str = ""
    allows_unencrypted: bool = False

    def __post_init__(self) -> None:
        if problem := self._problem():
            raise KafkaAccessUnusable(problem)

    @classmethod
    def of(cls, kafka: "KafkaAccess | str") -> "KafkaAccess":
        """The access given; an address alone is reached in plain, without an identity."""
        return kafka if isinstance(kafka, KafkaAccess) else cls(kafka)

    @property
    def is_encrypted(self) -> bool:
        """Whether TLS is spoken."""
        return self.protocol in {"SSL", "SASL_SSL"}

    @property
    def logs_in(self) -> bool:
        """Whether the client says who it is by SASL."""
        return self.protocol in {"SASL_PLAINTEXT", "SASL_SSL"}

    @property
    def sends_tokens(self) -> bool:
        """Whether it does so by tokens of a token server."""
        return self.logs_in and self.mechanism == "OAUTHBEARER"

    def client_options(self) -> dict[str, Any]:
        """What every client of aiokafka is made with. Reads the files again, so that renewed
        certificates are taken up by the next client."""
        options: dict[str, Any] = {
            "bootstrap_servers": self.bootstrap,
            "security_protocol": self.protocol,
        }
        if self.is_encrypted:
            options["ssl_context"] = self._ssl_context()
        if not self.logs_in:
            return options
        options["sasl_mechanism"] = self.mechanism
        if self.mechanism == "OAUTHBEARER":
            options["sasl_oauth_token_provider"] = self._tokens
        else:
            options |= {"sasl_plain_username": self.user, "sasl_plain_password": self.password}
        return options

    @cached_property
    def _tokens(self) -> "ClientCredentials":
        """One for all clients, which share its token."""
        return ClientCredentials(
            self.token_url, self.client_id, self.client_secret, self.token_scope
        )

    def _ssl_context(self) -> ssl.SSLContext:
        context = ssl.create_default_context(cafile=self.ca_file)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        if self.certificate_file is not None:
            context.load_cert_chain(self.certificate_file, self.key_file)
        return context

    def _problem(self) -> str | None:
        return self._protocol_problem() or self._identity_problem() or self._file_problem()

    def _protocol_problem(self) -> str | None:
        if self.protocol == "SASL_PLAINTEXT" and not self.allows_unencrypted:
            return (
                "KAFKA_SECURITY_PROTOCOL is SASL_PLAINTEXT, which encrypts nothing. Use SASL_SSL,"
                " or set KAFKA_ALLOWS_UNENCRYPTED=true where the network is trusted."
            )
        if self.protocol == "PLAINTEXT" and (self.user or self.client_id):
            return (
                "KAFKA_USER or KAFKA_CLIENT_ID is set, but KAFKA_SECURITY_PROTOCOL is PLAINTEXT,"
                " which has no identity. Set it to SASL_SSL."
            )
        if not self.is_encrypted and (self.ca_file or self.certificate_file or self.key_file):
            return (
                f"KAFKA_CA_FILE or a certificate is set, but KAFKA_SECURITY_PROTOCOL is"
                f" {self.protocol}, which has no TLS. Set it to SSL or SASL_SSL."
            )
        return None

    def _identity_problem(self) -> str | None:
        if not self.logs_in:
            return None
        if self.mechanism != "OAUTHBEARER":
            if not self.user or not self.password:
                return f"{self.mechanism} needs KAFKA_USER and KAFKA_PASSWORD. Set both."
            return None
        if not self.token_url or not self.client_id or not self.client_secret:
            return (
                "OAUTHBEARER needs KAFKA_TOKEN_URL, KAFKA_CLIENT_ID and KAFKA_CLIENT_SECRET."
                " Set all three."
            )
        scheme = urlsplit(self.token_url).scheme
        if scheme != "https" and not (scheme == "http" and self.allows_unencrypted):
            return (
                "KAFKA_TOKEN_URL is not https. Use https, or set KAFKA_ALLOWS_UNENCRYPTED=true with"
                " an http address where the network is trusted."
            )
        return None

    def _file_problem(self) -> str | None:
        if (self.certificate_file is None) != (self.key_file is None):
            return "KAFKA_CERTIFICATE_FILE and KAFKA_KEY_FILE belong together. Set both, or none."
        if not self.is_encrypted:
            return None
        try:
            self._ssl_context()
        except OSError as error:  # a file that is missing, not readable, or not what it must be
            return (
                "KAFKA_CA_FILE, KAFKA_CERTIFICATE_FILE or KAFKA_KEY_FILE cannot be used"
                f" ({error}). Name PEM files that this process may read."
            )
        return None


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    """A redirected request would take the client's secret along."""

    def redirect_request(self, *_: object) -> None:
        """Leave the redirection as the error it is."""


_opener = urllib.request.build_opener(_NoRedirects)


class ClientCredentials(AbstractTokenProvider):  # type: ignore[misc]  # aiokafka is untyped
    """Tokens by OAuth 2 client credentials (RFC 6749 4.4), each used for most of its life."""

    def __init__(self, url: str, client_id: str, client_secret: str, scope: str = "") -> None:
        self._url = url
        self._client_id = client_id
        self._client_secret = client_secret
        self._scope = scope
        self._token: str | None = None
        self._renew_at = -math.inf
        self._asking = asyncio.Lock()

    async def token(self) -> str:
        """A token that has not ended. Raises `TokenRefused`."""
        async with self._asking:
            if self._token is not None and time.monotonic() < self._renew_at:
                return self._token
            asked_at = time.monotonic()
            token, lifetime = await asyncio.to_thread(self._ask)
            self._token, self._renew_at = token, asked_at + lifetime * TOKEN_USED_FOR
            return token

    def _ask(self) -> tuple[str, float]:
        form = {"grant_type": "client_credentials"} | (
            {"scope": self._scope} if self._scope else {}
        )
        # RFC 6749 2.3.1: both parts are form-encoded before they are joined
        credentials = f"{quote_plus(self._client_id)}:{quote_plus(self._client_secret)}"
        request = urllib.request.Request(  # noqa: S310 - `KafkaAccess` admits http and https alone
            self._url,
            data=urlencode(form).encode(),
            headers={"authorization": f"Basic {b64encode(credentials.encode()).decode()}"},
        )
        try:
            with _opener.open(request, timeout=TOKEN_WITHIN_SECONDS) as answer:
                given = json.load(answer)
            return str(given["access_token"]), float(given["expires_in"])
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise TokenRefused(f"{self._url}: {error!r}") from None
