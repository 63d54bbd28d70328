"""The settings of auth-service, from variables `AUTH_...`."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator
from pydantic_settings import NoDecode, SettingsConfigDict

from auth_service.mailing.smtp_access import SmtpAccess
from common.settings import MarketplaceSettings, ServiceSettings


class BootstrapClient(BaseModel):
    """An API client that exists from the start: a service of ours, or an operator."""

    model_config = ConfigDict(extra="forbid")

    client_id: str
    secret: SecretStr
    scopes: list[str]


class AuthSettings(ServiceSettings, MarketplaceSettings):
    """Settings of auth-service; keys have no default, so that none is ever shared by accident."""

    model_config = SettingsConfigDict(env_prefix="AUTH_")

    port: int = 8001
    public_url: str = "http://127.0.0.1:8001"
    """Where browsers reach this service. The redirect address registered with the AliExpress app
    is exactly this with `/v1/oauth/callback`."""
    console_url: str = ""
    """Where browsers reach the console: links of mails lead there, and who
    connected a shop is led back. Empty: they lead to our own pages."""
    master_keys: SecretStr
    """`id:base64,...`, 32 bytes each: the first seals tokens, the others still open them."""
    signing_key: SecretStr
    """Ed25519 private keys in PEM, or the path of a file of them: the first signs, all verify."""
    bootstrap_clients: tuple[BootstrapClient, ...] = ()
    """JSON list of clients upserted at start."""
    oauth_pkce: bool = False
    """Whether codes are bound to the browser that asked for them (PKCE, S256). AliExpress's
    documents name no such parameters; the sandbox takes them."""
    refreshes_tokens: bool = False
    """Whether shops' tokens are refreshed before they lapse, where AliExpress gave a refresh token
    that can be used (M1.8)."""
    smtp_host: str = ""
    """The mail server; without one, mails are kept for a week and not sent."""
    smtp_port: int = 587
    smtp_user: str = ""
    smtp_password: SecretStr = SecretStr("")
    smtp_security: Literal["starttls", "tls", "none"] = "starttls"
    """How the connection to the mail server is encrypted."""
    smtp_from: str = ""
    """Who sends: `name@domain` or `Name <name@domain>`. Message-IDs end with its domain."""
    alerts_gathered_seconds: Annotated[float, Field(ge=0, le=600)] = 10
    """How long a message to a person waits for others, to be told of in one mail."""
    troubles_kept_days: Annotated[int, Field(ge=1)] = 400
    """How long a closed trouble is kept."""
    webhook_allowed_hosts: Annotated[frozenset[str], NoDecode] = frozenset()
    """`host:port` pairs that webhook endpoints may name although they are private or not https: for
    the local stack only."""
    bootstrap_operator: str = ""
    """E-mail address of the first operator: a link to set the password is printed at the start,
    until it is set. Empty: nobody is invited."""
    password_memory_kib: Annotated[int, Field(ge=8, le=4_194_304)] = 65_536
    """Memory that hashing a password takes (argon2id), in KiB; two are hashed at once."""
    password_passes: Annotated[int, Field(ge=1, le=100)] = 3
    password_lanes: Annotated[int, Field(ge=1, le=16)] = 4
    eligibility_contact: str = "the operator of this channel"
    """Whom a merchant asks that is not known as an AliExpress seller (M1.1)."""

    @field_validator("webhook_allowed_hosts", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        if isinstance(value, str):
            return frozenset(part.strip() for part in value.split(",") if part.strip())
        return value

    @property
    def smtp(self) -> SmtpAccess | None:
        """How mails are sent; None where no server is set."""
        if not self.smtp_host or not self.smtp_from:
            return None
        return SmtpAccess(
            self.smtp_host,
            self.smtp_port,
            self.smtp_from,
            self.smtp_security,
            self.smtp_user,
            self.smtp_password.get_secret_value(),
        )

    @property
    def links_url(self) -> str:
        """Below what the pages are that links lead to."""
        return self.console_url or f"{self.public_url.rstrip('/')}/v1"

    @property
    def redirect_uri(self) -> str:
        """Where AliExpress sends the seller back to."""
        return f"{self.public_url.rstrip('/')}/v1/oauth/callback"
