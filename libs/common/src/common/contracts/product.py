"""`product.normalized` (what should be on AliExpress) and `product.reported` (what is)."""

from datetime import datetime
from typing import Annotated, ClassVar, Literal

import msgspec

from common.contracts.event import Event, ExternalId, Identifier, Revision, key_of
from common.contracts.feed import Cause
from common.contracts.money import Amount, Currency
from common.errors import Issue


class LocalText(msgspec.Struct, frozen=True):
    """A text in one language; `locale` as AliExpress writes it (`en_US`)."""

    locale: str
    text: str


class AttributeValue(msgspec.Struct, frozen=True, omit_defaults=True):
    """A category or SKU attribute's value, as the category's schema takes it.

    `value` is an id from the schema's choices (several for multi-selects) or free text;
    `custom_value` goes with "Other"; `alias` and `image_url` belong to SKU attributes.
    """

    value: str | list[str]
    custom_value: str | None = None
    alias: str | None = None
    image_url: str | None = None


class ContentSku(msgspec.Struct, frozen=True, omit_defaults=True):
    """What distinguishes a SKU besides its offer."""

    sku_code: ExternalId
    attributes: dict[str, AttributeValue] = msgspec.field(default_factory=dict)
    ean_code: str | None = None


class Content(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The content side of a product, in the fields of the schema way of posting (reference 4.2).

    Weights in kilograms as decimal text, lengths in whole centimetres, preparation in days.
    """

    category_id: str
    main_locale: str
    titles: list[LocalText]
    descriptions: list[LocalText]
    image_urls: list[str]
    category_attributes: dict[str, AttributeValue]
    skus: list[ContentSku]
    product_units_type: str
    inventory_deduction_strategy: Literal["place_order_withhold", "payment_success_deduct"]
    package_weight_kg: str
    package_length_cm: int
    package_width_cm: int
    package_height_cm: int
    shipping_preparation_days: int
    shipping_template_id: str
    service_template_id: str = "0"
    product_group_id: str | None = None
    size_chart_id: str | None = None
    user_defined_attributes: list[tuple[str, str]] = msgspec.field(default_factory=list)


class CountryPrice(msgspec.Struct, frozen=True):
    """A SKU's price for one country of delivery; absolute, in the offer's currency (M3.8)."""

    country: str
    price: Amount
    discount_price: Amount | None = None


Inventory = Annotated[int, msgspec.Meta(ge=0, le=999_999)]
"""Pieces that can be sold; 0 is out of stock."""


class Offer(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A SKU whose prices are valid (M3.9).

    `kept_countries` names countries whose price has an issue: what the shop has for them stays.
    `inventory` is the stock for readers that do not know `ProductNormalized.stock`; None where the
    channel leaves the shop's stock alone.
    """

    sku_code: ExternalId
    price: Amount
    currency: Currency
    discount_price: Amount | None = None
    inventory: Inventory | None = None
    country_prices: list[CountryPrice] = msgspec.field(default_factory=list)
    kept_countries: list[str] = msgspec.field(default_factory=list)


class SkuStock(msgspec.Struct, frozen=True):
    """A SKU whose stock is valid and managed (M4.3)."""

    sku_code: ExternalId
    inventory: Inventory


class Part(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Whether content, prices or stock can be sent whole.

    `hash` covers the data when valid; when not, the issues and the SKUs that are valid in spite of
    them. Advice stands here too and blocks nothing.
    """

    is_valid: bool
    hash: str
    issues: list[Issue] = msgspec.field(default_factory=list)


AbsentReason = Literal["deleted", "excluded", "feed_removed"]


class ProductNormalized(Event, frozen=True, kw_only=True):
    """The whole desired state of one AliExpress product: a family, or a simple product.

    Content, prices and stock stand apart, so that what is wrong with one holds back nothing else.
    `content` is set when `content_part.is_valid`. `offers` (prices) and `stock` name SKU by SKU
    what can be sent, also while their parts are invalid; what is in neither stays as it is. A new
    product, or a new SKU, is created only when both parts are valid. An event without `stock` is
    of the first form: its offers' `inventory` is the stock. A product that should not be there is
    `absent` with its reason, and stays so; never a null record.

    `changed_at` is when the oldest change came in, of the catalogue or the configuration, that this
    revision is the first to take up.
    """

    topic: ClassVar[str] = "product.normalized"

    feed_id: Identifier
    family_id: ExternalId
    revision: Revision
    shop_id: Identifier
    presence: Literal["present", "absent"]
    absent_reason: AbsentReason | None = None
    configuration_version: int = 0
    product_ids: list[ExternalId] = msgspec.field(default_factory=list)
    sku_codes: list[ExternalId] = msgspec.field(default_factory=list)
    content_part: Part | None = None
    content: Content | None = None
    offers_part: Part | None = None
    offers: list[Offer] | None = None
    stock_part: Part | None = None
    stock: list[SkuStock] | None = None
    changed_at: datetime | None = None

    def key(self) -> str:
        """merchant/feed/family."""
        return key_of(self.merchant_id, self.feed_id, self.family_id)


class ProductReported(Event, frozen=True, kw_only=True):
    """What became of a desired revision on AliExpress.

    `live`: online as desired; `rejected`: refused, `causes` say why; `deleted`: gone, confirmed.
    """

    topic: ClassVar[str] = "product.reported"

    feed_id: Identifier
    family_id: ExternalId
    revision: Revision
    desired_revision: Revision
    status: Literal["live", "rejected", "deleted"]
    marketplace_product_id: str | None = None
    causes: list[Cause] = msgspec.field(default_factory=list)

    def key(self) -> str:
        """merchant/feed/family."""
        return key_of(self.merchant_id, self.feed_id, self.family_id)
