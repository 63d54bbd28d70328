"""Codes and messages of posting, as reference section 8 lists them.

Where a rule is documented but its code is not, the general code of its way is used with a text of
the sandbox's own; README.md names those.
"""

SCHEMA_GENERAL = "F00-00-10020-004"
UNSCHEMED_GENERAL = "S00-10-10000-001"
DUPLICATE_SKU = ("F00-00-10007-007", "duplicate sku_code, please check your input")
EMPTY_SKU = ("F00-00-10007-009", "Field:sku_code is empty, please check your input")
_UNKNOWN_NAME = (
    "The sku_attribute_name you input does not exist under this category, and this category "
    "does not support user-defined sku_attribute_name."
)
UNKNOWN_SKU_ATTRIBUTE = ("F00-00-10007-015", _UNKNOWN_NAME)
NOT_A_LEAF = (SCHEMA_GENERAL, "GPF.CHK_CATEGORY_ID_NOT_LEAF_CATEGORY")
INTERNAL = (SCHEMA_GENERAL, "系统错误,请稍后重试")
SUSPENDED = (
    SCHEMA_GENERAL,
    "000003:Your operation rights have been suspended. Please contact customer service",
)
_FULL = "150008:You've reached the maximum number of products you can publish!"
SHOP_FULL = (SCHEMA_GENERAL, _FULL)
SHOP_FULL_UNSCHEMED = (UNSCHEMED_GENERAL, f"7{_FULL[:6]}:{_FULL}")
_FORBIDDEN = (
    "7090001:Title:090001:Sorry, the subject information you filled in is not in English or "
    "security information."
)
FORBIDDEN_TITLE = (UNSCHEMED_GENERAL, _FORBIDDEN)
NO_IMAGE = (
    SCHEMA_GENERAL,
    "None of your image url in main_image_urls_list existed in the seller's server, please check.",
)
PHOTO_BANK_FULL = ("PHOTOBANK_FULL", "The photo bank has no room for this picture")
NO_PRODUCT = (UNSCHEMED_GENERAL, "The product does not exist")
AUDITING = (UNSCHEMED_GENERAL, "The product is being audited and cannot be edited")
LOCALE_FIXED = (SCHEMA_GENERAL, "040003:locale_immutableValidator@post_tip")


def seller_gone(seller_id: str) -> tuple[str, str]:
    """The seller's account is deleted or not active."""
    return SCHEMA_GENERAL, f"SellerId={seller_id} not exists"


def invalid_field(field: str, rule: str = "required") -> tuple[str, str]:
    """A field that is missing, of a wrong type or breaks `rule` of the schema."""
    return SCHEMA_GENERAL, f"040003:{field}_{rule}Validator@post_tip"
