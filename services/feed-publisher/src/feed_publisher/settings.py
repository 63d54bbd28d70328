"""What feed-publisher is configured with; every name has the prefix `PUBLISHER_`."""

from datetime import time, timedelta
from decimal import Decimal
from typing import Annotated, Any

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from aliexpress.products import PRODUCT_INFO
from common.settings import ConditionSettings, MarketplaceSettings, ServiceSettings


class PublisherSettings(ServiceSettings, MarketplaceSettings, ConditionSettings):
    """Settings of feed-publisher."""

    model_config = SettingsConfigDict(env_prefix="PUBLISHER_")

    port: int = 8003
    limits: dict[str, Any] = Field(
        default_factory=lambda: {"per_seller": {PRODUCT_INFO.name: {"per_second": 60, "burst": 4}}}
    )
    """Call rates besides the documented ones, as `aliexpress.limits.limits_from` takes them. Every
    update reads its product first, so that reading keeps below its documented 80 a second."""
    integrator: str = "AliExpress Channel"
    """How this software names itself to AliExpress (`developer_features.source`)."""
    product_run_at: time = time(2, 0)
    """When a feed's daily product run is due, by the wall clock of `product_run_zone` (M7.1)."""
    product_run_zone: str = "UTC"
    offer_run_minutes: Annotated[int, Field(ge=1)] = 60
    """How often a feed's offer run is due (M7.1)."""
    fast_lane: bool = True
    """Whether prices and stock of a feed go out between its offer runs, unless the feed says
    otherwise (M7.7)."""
    fast_lane_seconds: Annotated[float, Field(gt=0)] = 3.0
    """How long after one fast-lane run of a feed the next may begin."""
    fast_lane_families: Annotated[int, Field(ge=1, le=500)] = 500
    """How many products a fast-lane run takes at most."""
    fast_lane_share: Annotated[Decimal, Field(gt=0, le=1)] = Decimal("0.5")
    """The share of each method's rate, and of the day's calls, that fast-lane runs may use."""
    fast_lane_kept_hours: Annotated[int, Field(ge=1)] = 48
    """How long fast-lane runs are kept after their end, with their items."""
    removal_share: Annotated[Decimal, Field(gt=0, le=1)] = Decimal("0.20")
    """The share of a shop's products, and of its SKUs, that may be deleted or zeroed in 24 hours
    without a confirmation (M7.4)."""
    configuration_share: Annotated[Decimal, Field(gt=0, le=1)] = Decimal("0.20")
    """The share of a shop's products whose content a new configuration may change in 24 hours
    without a confirmation (M7.4)."""
    repair_after_minutes: Annotated[int, Field(ge=0)] = 10
    """How long after an order event, or a difference found in the shop, an offer run is due at the
    latest (M7.7); until then the merchant's systems may send the stock that is left."""
    watch_seconds: Annotated[float, Field(gt=0)] = 10.0
    """How often it is seen whether a look at a shop or a reading of its products is due."""
    look_minutes: Annotated[int, Field(ge=1)] = 30
    """How often a shop is asked which products others edited."""
    edited_reads_per_look: Annotated[int, Field(ge=1)] = 500
    """How many of those are read after a look; the others after the next ones."""
    repair_content: bool = False
    """Whether a title or SKUs that were changed in the shop are set back, not only reported."""
    concurrent_runs: Annotated[int, Field(ge=1, le=64)] = 4
    """How many runs one process drives at the same time."""
    max_queued_runs: Annotated[int, Field(ge=1)] = 50
    """How many runs a merchant may have waiting to begin; more are refused."""
    job_deadline_hours: float = 12.0
    """How long a feed job may take at AliExpress before it is given up."""
    audit_patience_seconds: float = 120.0
    """How long a run waits for products in AliExpress's audit before it leaves them to the next."""
    read_back_hours: float = 24.0
    """How often each live product is compared with the shop."""
    idle_product_hours: Annotated[float, Field(gt=0)] = 26.0
    """How long a feed with products to send may end no product run before it counts as idle."""
    idle_offer_hours: Annotated[float, Field(gt=0)] = 3.0
    """The same for offers; twice `offer_run_minutes` where that is longer."""
    drift_share: Annotated[Decimal, Field(gt=0, le=1)] = Decimal("0.20")
    """The share of a feed's products online that may be otherwise in the shop before it is a
    condition."""

    @property
    def fast_lane_every(self) -> timedelta:
        """`fast_lane_seconds` as a duration."""
        return timedelta(seconds=self.fast_lane_seconds)

    @property
    def fast_lane_kept(self) -> timedelta:
        """`fast_lane_kept_hours` as a duration."""
        return timedelta(hours=self.fast_lane_kept_hours)

    @property
    def idle_product(self) -> timedelta:
        """`idle_product_hours` as a duration."""
        return timedelta(hours=self.idle_product_hours)

    @property
    def idle_offer(self) -> timedelta:
        """`idle_offer_hours` as a duration."""
        return timedelta(hours=self.idle_offer_hours)

    @property
    def job_deadline(self) -> timedelta:
        """`job_deadline_hours` as a duration."""
        return timedelta(hours=self.job_deadline_hours)

    @property
    def audit_patience(self) -> timedelta:
        """`audit_patience_seconds` as a duration."""
        return timedelta(seconds=self.audit_patience_seconds)

    @property
    def repair_after(self) -> timedelta:
        """`repair_after_minutes` as a duration."""
        return timedelta(minutes=self.repair_after_minutes)

    @property
    def watch_every(self) -> timedelta:
        """`watch_seconds` as a duration."""
        return timedelta(seconds=self.watch_seconds)

    @property
    def look_every(self) -> timedelta:
        """`look_minutes` as a duration."""
        return timedelta(minutes=self.look_minutes)

    @property
    def read_back_every(self) -> timedelta:
        """`read_back_hours` as a duration."""
        return timedelta(hours=self.read_back_hours)
