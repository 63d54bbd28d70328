"""The settings of auth-service, from variables `AUTH_...`."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, SecretStr
from pydantic_settings import SettingsConfigDict

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
    bootstrap_operator: str = ""
    """E-mail address of the first operator: a link to set the password is printed at the start,
    until it is set. Empty: nobody is invited."""
    password_memory_kib: Annotated[int, Field(ge=8, le=4_194_304)] = 65_536
    """Memory that hashing a password takes (argon2id), in KiB; two are hashed at once."""
    password_passes: Annotated[int, Field(ge=1, le=100)] = 3
    password_lanes: Annotated[int, Field(ge=1, le=16)] = 4
    eligibility_contact: str = "the operator of this channel"
    """Whom a merchant asks that is not known as an AliExpress seller (M1.1)."""

    @property
    def redirect_uri(self) -> str:
        """Where AliExpress sends the seller back to."""
        return f"{self.public_url.rstrip('/')}/v1/oauth/callback"
