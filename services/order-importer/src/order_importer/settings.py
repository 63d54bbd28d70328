"""The settings of order-importer, from variables `ORDERS_...`."""

from datetime import timedelta

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from common.settings import ConditionSettings, MarketplaceSettings, ServiceSettings
from order_importer.orders.deadline import USUAL_PREPARATION
from order_importer.shops.pauses import FIRST


class OrderSettings(ServiceSettings, MarketplaceSettings, ConditionSettings):
    """Settings of order-importer."""

    model_config = SettingsConfigDict(env_prefix="ORDERS_")

    port: int = 8004
    import_every_seconds: int = 1_800
    """How often each shop's orders are fetched: twice an hour, so that within one the stock that an
    order moved is the catalogue's again (M8.1, M7.7; decision 14)."""
    first_import_days: int = 90
    """How far back the first import of a shop reads."""
    erase_buyers_after_days: int = Field(default=180, ge=1)
    """How long after an order's end its buyer's data are kept (M8.6)."""
    decrypt_addresses: bool = True
    """Whether addresses that AliExpress masks are decrypted, by one more call each; else orders are
    imported with them masked, and say so (`address.is_masked`)."""
    read_customs_data: bool = False
    """Whether each order's delivery information is read for the buyer's passport and tax number, by
    one more call; the tax number alone is mostly in the order itself."""
    parallel_imports: int = 3
    """How many shops one replica imports at a time."""
    first_pause_seconds: float = Field(default=FIRST.total_seconds(), gt=0)
    """How long an import or a parcel waits after AliExpress did not answer for the first time;
    twice as long after each further time."""
    preparation_days: int = Field(default=USUAL_PREPARATION.days, ge=0, le=90)
    """Days from payment until an order is to be shipped, where AliExpress names no deadline and the
    shop has none of its own (M8.5)."""
    changes_kept_days: int = Field(default=40, ge=30)
    """How long the changes feed goes back; at least the 30 days that other systems rely on."""

    @property
    def import_every(self) -> timedelta:
        return timedelta(seconds=self.import_every_seconds)

    @property
    def erase_buyers_after(self) -> timedelta:
        return timedelta(days=self.erase_buyers_after_days)

    @property
    def first_import(self) -> timedelta:
        return timedelta(days=self.first_import_days)

    @property
    def first_pause(self) -> timedelta:
        return timedelta(seconds=self.first_pause_seconds)

    @property
    def preparation(self) -> timedelta:
        return timedelta(days=self.preparation_days)

    @property
    def changes_kept(self) -> timedelta:
        return timedelta(days=self.changes_kept_days)
