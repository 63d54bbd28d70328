"""What catalog-service is configured with from outside; every name has the prefix `CATALOG_`."""

from datetime import timedelta
from typing import Annotated

from pydantic import Field, field_validator
from pydantic_settings import NoDecode, SettingsConfigDict

from common.settings import ConditionSettings, MarketplaceSettings, ServiceSettings

SOURCE = "/catalog-service"
"""Of which source the service's events are (CloudEvents)."""


class CatalogSettings(ServiceSettings, MarketplaceSettings, ConditionSettings):
    """Settings of catalog-service."""

    model_config = SettingsConfigDict(env_prefix="CATALOG_")

    port: int = 8002
    requires_signatures: bool = False
    """Whether `catalog.updated` must be signed by a key of its merchant; a wrong signature is
    refused in any case."""
    image_allowed_hosts: Annotated[frozenset[str], NoDecode] = frozenset()
    """`host:port` pairs that picture addresses may name although they are private: for the local
    stack only."""
    image_checks_at_once: Annotated[int, Field(ge=1, le=64)] = 8
    """How many picture addresses of one merchant are fetched at the same time."""
    image_checks_over_all: Annotated[int, Field(ge=1, le=512)] = 64
    """How many picture addresses of all merchants one process fetches at the same time."""
    upload_limit_bytes: int = 2_000_000_000
    """The largest catalogue file taken."""
    uploads_at_once: Annotated[int, Field(ge=1)] = 4
    """How many files one merchant may send at a time to one process."""
    unread_imports: Annotated[int, Field(ge=1)] = 200
    """How many of one merchant's imports may wait to be read."""
    unread_bytes: Annotated[int, Field(ge=1)] = 10_000_000_000
    """How many bytes of one merchant's files may wait to be read."""
    spool_free_bytes: Annotated[int, Field(ge=0)] = 1_000_000_000
    """How much stays free of the disk on which uploads are spooled (`TMPDIR`)."""
    schema_lifetime_hours: float = 24.0
    """How old a category's schema may be before it is fetched again (reference 4.2)."""
    tree_lifetime_days: Annotated[float, Field(gt=0)] = 30.0
    """How old a branch of a shop's category tree may be before it is fetched again (M2.1)."""
    deletion_share: Annotated[float, Field(gt=0, le=1)] = 0.2
    """The share of a catalogue a full file may delete without confirmation (M7.4)."""

    drafts_kept: Annotated[int, Field(ge=1)] = 10
    """How many configurations of a merchant's may be tried, or kept for looking at, at a time."""
    draft_lifetime_hours: Annotated[float, Field(gt=0)] = 24.0
    """How long a tried configuration and what it would change are kept."""
    silent_after_times: Annotated[float, Field(ge=1)] = 3.0
    """After how many times its usual silence a catalogue for which nothing comes is a condition."""
    silent_after_hours: Annotated[float, Field(ge=1)] = 24.0
    """After how long at the earliest."""

    @field_validator("image_allowed_hosts", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        if isinstance(value, str):
            return frozenset(part.strip() for part in value.split(",") if part.strip())
        return value

    @property
    def schema_lifetime(self) -> timedelta:
        """`schema_lifetime_hours` as a duration."""
        return timedelta(hours=self.schema_lifetime_hours)

    @property
    def silent_after(self) -> timedelta:
        """`silent_after_hours` as a duration."""
        return timedelta(hours=self.silent_after_hours)

    @property
    def draft_lifetime(self) -> timedelta:
        """`draft_lifetime_hours` as a duration."""
        return timedelta(hours=self.draft_lifetime_hours)

    @property
    def tree_lifetime(self) -> timedelta:
        """`tree_lifetime_days` as a duration."""
        return timedelta(days=self.tree_lifetime_days)
