"""What belongs to the shop: profile, templates, groups, pictures."""

import re

import msgspec

from aliexpress.client import Client
from aliexpress.errors import CallerFault
from aliexpress.operation import AccessToken, Operation
from aliexpress.wire import Fields

MERCHANT_PROFILE = Operation("aliexpress.solution.merchant.profile.get")
FREIGHT_TEMPLATES = Operation("aliexpress.freight.redefining.listfreighttemplate")
PROMISE_TEMPLATES = Operation("aliexpress.postproduct.redefining.querypromisetemplatebyid")
PRODUCT_GROUPS = Operation("aliexpress.postproduct.redefining.getproductgrouplist")
UPLOAD_IMAGE = Operation("aliexpress.photobank.redefining.uploadimageforsdk", is_write=True)

ALL_TEMPLATES = "-1"
_NO_ROOM = re.compile(
    r"\bfull\b|no (?:room|space)|(?:not enough|insufficient)\b.*\b(?:room|space|capacity)"
    r"|(?:space|capacity|storage).*(?:exceed|used up|limit)|exceed.*(?:space|capacity|storage)",
    re.IGNORECASE,
)


class MerchantProfile(msgspec.Struct, frozen=True):
    """The seller as registered; `country` as AliExpress writes it."""

    shop_id: str | None
    shop_name: str | None
    shop_type: str | None
    shop_url: str | None
    login_id: str | None
    country: str | None
    is_posting_forbidden: bool


class FreightTemplate(msgspec.Struct, frozen=True):
    """A way to charge for shipping that products refer to."""

    template_id: str
    name: str | None
    is_default: bool


class PromiseTemplate(msgspec.Struct, frozen=True):
    """A service (return) promise that products refer to."""

    template_id: str
    name: str | None


class ProductGroup(msgspec.Struct, frozen=True):
    """A group of the seller's own ordering of products."""

    group_id: str
    name: str | None
    children: tuple["ProductGroup", ...]


class UploadedImage(msgspec.Struct, frozen=True):
    """A picture in the seller's photo bank, and how full that is, in megabytes, where it is said.

    `url` is what products may name.
    """

    url: str
    used_megabytes: str | None = None
    total_megabytes: str | None = None


async def load_merchant_profile(client: Client, token: AccessToken) -> MerchantProfile:
    """The seller's profile: the cheapest call that proves a token.

    Source: aliexpress.solution.merchant.profile.get. Errors: `TokenDead`, `CallerFault`.
    """
    return await client.call(MERCHANT_PROFILE, {}, token, _profile)


async def list_freight_templates(client: Client, token: AccessToken) -> list[FreightTemplate]:
    """The seller's shipping templates. Source: aliexpress.freight.redefining.listfreighttemplate.

    Errors: `CallerFault`.
    """
    return await client.call(FREIGHT_TEMPLATES, {}, token, _freight_templates)


async def list_promise_templates(client: Client, token: AccessToken) -> list[PromiseTemplate]:
    """The seller's service templates.

    Source: aliexpress.postproduct.redefining.querypromisetemplatebyid. Errors: `CallerFault`.
    """
    return await client.call(
        PROMISE_TEMPLATES, {"template_id": ALL_TEMPLATES}, token, _promise_templates
    )


async def list_product_groups(client: Client, token: AccessToken) -> list[ProductGroup]:
    """The seller's tree of product groups.

    Source: aliexpress.postproduct.redefining.getproductgrouplist. Errors: `CallerFault`.
    """
    return await client.call(PRODUCT_GROUPS, {}, token, _groups)


async def upload_image(
    client: Client,
    token: AccessToken,
    file_name: str,
    content: bytes,
    *,
    group_id: str | None = None,
) -> UploadedImage:
    """Put a picture into the seller's photo bank.

    Source: aliexpress.photobank.redefining.uploadimageforsdk. Errors: `CallerFault` (no
    picture, too large, no room: `is_bank_full`), `OutcomeUnknown` (repeating it only stores the
    picture twice).
    """
    parameters = {"file_name": file_name}
    if group_id is not None:
        parameters["group_id"] = group_id
    return await client.call(
        UPLOAD_IMAGE, parameters, token, _uploaded, files={"image_bytes": content}
    )


def is_bank_full(fault: CallerFault) -> bool:
    """Whether an upload was refused for want of room. AliExpress documents no code for it, so its
    words decide."""
    return _NO_ROOM.search(f"{fault.codes} {fault.message}".replace("_", " ")) is not None


def _profile(answer: Fields) -> MerchantProfile:
    row = answer.result()
    expected = ("shop_id", "merchant_login_id", "shop_name", "country_code")
    row.refuse_unless_successful(*expected)
    row.require_any(*expected)
    return MerchantProfile(
        shop_id=row.find_id("shop_id"),
        shop_name=row.find_text("shop_name"),
        shop_type=row.find_text("shop_type"),
        shop_url=row.find_text("shop_url"),
        login_id=row.find_text("merchant_login_id"),
        country=row.find_text("country_code"),
        is_posting_forbidden=row.find_flag("product_posting_forbidden") or False,
    )


def _freight_templates(answer: Fields) -> list[FreightTemplate]:
    found = answer.result()
    found.refuse_unless_successful("aeop_freight_template_d_t_o_list")
    return found.read_all(
        "aeop_freight_template_d_t_o_list",
        "aeopfreighttemplatedtolist",
        lambda row: FreightTemplate(
            template_id=row.id("template_id"),
            name=row.find_text("template_name"),
            is_default=row.find_flag("is_default") or False,
        ),
    )


def _promise_templates(answer: Fields) -> list[PromiseTemplate]:
    found = answer.result()
    found.refuse_unless_successful("template_list")
    return found.read_all(
        "template_list",
        "templatelist",
        lambda row: PromiseTemplate(template_id=row.id("id"), name=row.find_text("name")),
    )


def _groups(answer: Fields) -> list[ProductGroup]:
    found = answer.result()
    found.refuse_unless_successful("target_list")
    return found.read_all("target_list", "aeop_ae_product_tree_group", _group)


def _group(row: Fields) -> ProductGroup:
    return ProductGroup(
        group_id=row.id("group_id"),
        name=row.find_text("group_name"),
        children=tuple(row.read_all("child_group_list", "aeop_ae_product_tree_group", _group)),
    )


def _uploaded(answer: Fields) -> UploadedImage:
    result = answer.result()
    result.refuse_unless_successful("photobank_url")
    return UploadedImage(
        result.text("photobank_url"),
        used_megabytes=result.find_amount("photobank_used_size"),
        total_megabytes=result.find_amount("photobank_total_size"),
    )
