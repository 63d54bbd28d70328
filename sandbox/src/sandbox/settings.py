"""Every switch of the sandbox; where a fact about AliExpress is uncertain, its setting."""

from pathlib import Path
from typing import Literal

from pydantic_settings import BaseSettings, SettingsConfigDict

DAY_SECONDS = 86_400
REFRESH_SECONDS = 60 * DAY_SECONDS
"""How long refresh tokens can be used where nothing else is set."""


class Settings(BaseSettings):
    """Read from `SANDBOX_…`; the defaults serve a local stack."""

    model_config = SettingsConfigDict(env_prefix="SANDBOX_")

    host: str = "127.0.0.1"
    port: int = 8080
    smtp_port: int = 0
    """Where mails are caught; 0: nowhere."""
    public_url: str = ""
    """Address others reach it at; empty means http://HOST:PORT."""
    more_sellers: int = 0
    """How many sellers there are beyond the three that are documented."""
    seed: int = 1
    """Where all ids and drawn choices begin."""
    state_file: Path | None = None
    """Where the state is kept; without it, in memory only."""

    app_key: str = "500100"
    app_secret: str = "sandbox-app-secret-not-for-production"  # noqa: S105 - documented test app
    redirect_uris: str = "http://127.0.0.1:8001/v1/oauth/callback"
    """Comma-separated; an authorisation must name one of them exactly."""
    code_seconds: int = 1800
    token_seconds: int = 30 * DAY_SECONDS
    refresh_tokens: bool = False
    """Whether the app's refresh tokens can be used; by default as AliExpress does it: they are
    returned and of no use."""
    refresh_seconds: int = 0
    """How long they can be used; above 0 they can whatever `refresh_tokens` says."""
    reauthorisation_revokes: bool = False

    timestamp_clock: Literal["either", "sandbox", "wall"] = "either"
    """Which clock a request's timestamp is measured by."""
    simplify_needs_format: bool = True
    """Whether `simplify=true` counts only together with `format=json`."""
    error_status: int = 200
    """HTTP status of an error answer of the gateways."""
    max_body_bytes: int = 32 * 1024 * 1024

    job_clock: Literal["wall", "sandbox"] = "wall"
    """Which clock feed jobs and audits run on; the wall's, so a frozen clock stalls nobody."""
    feed_seconds: float = 1.0
    """How long a feed job takes: half of it queued, half running. 0 runs it when submitted."""
    feed_items_max: int = 300
    feed_jobs_per_day: int = 300
    """Jobs per seller and operation type in 24 hours; 0 means no limit."""
    audit_seconds: float = 1.0
    """How long a new product is in `auditing` and takes no update."""
    audit_after_update: bool = False
    foreign_images: bool = True
    """Whether picture addresses outside the photo bank are taken."""
    photo_bank_megabytes: float = 1024.0
    """How much each seller's photo bank holds; what would not fit is refused."""
    update_needs_stock: bool = False
    """Whether a full update, like a creation, needs one SKU in stock."""
    products_max: int = 100_000

    daily_quota: int = 0
    """Calls an app may make until midnight in Beijing; 0 means no limit."""
    rate_limits: bool = True
    """Whether calls-per-second limits hold: the documented ones and those of `rates`."""
    rates: dict[str, tuple[int, int | None]] = {}
    """More of them, as JSON: method to calls per second of the app and, or null, of a seller."""

    orders_per_day: float = 0
    """How many orders buyers place by themselves in each shop, on the sandbox's clock."""
    payment_seconds: int = 600
    risk_control_seconds: int = DAY_SECONDS
    delivery_seconds: int = 15 * DAY_SECONDS
    funds_seconds: int = 3 * DAY_SECONDS
    archive_seconds: int = 90 * DAY_SECONDS
    order_page_max: int = 50
    order_window_days: int = 0
    """The longest period an order list may cover; 0 means no limit."""
    mask_addresses: bool = False
    """Whether buyers' names, streets and phones are masked until decrypted."""
    category_roots: str = ""
    """The top categories sellers may use, by id, comma-separated; empty means all but a few of each
    seller's. A smaller tree is sooner read."""
    group_required: bool = False
    """Whether schemas require `product_group_id` of sellers who have groups."""

    @property
    def url(self) -> str:
        """The address of the sandbox as others see it, without a slash at the end."""
        return (self.public_url or f"http://{self.host}:{self.port}").rstrip("/")

    @property
    def refresh_life(self) -> int:
        """How many seconds a refresh token can be used; 0: not at all."""
        return self.refresh_seconds or (REFRESH_SECONDS if self.refresh_tokens else 0)

    @property
    def permitted_roots(self) -> frozenset[int]:
        """`category_roots` as ids; empty means all."""
        return frozenset(int(root) for root in self.category_roots.split(",") if root.strip())

    @property
    def redirects(self) -> frozenset[str]:
        """The registered redirect addresses."""
        return frozenset(uri.strip() for uri in self.redirect_uris.split(",") if uri.strip())
