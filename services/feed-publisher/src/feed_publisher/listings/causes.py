"""AliExpress's codes, and ours, in plain words with the remedy (M7.5). Pure.

Known ones come from reference section 8; of an unknown one the raw code and message are shown.
AliExpress repeats codes inside messages (`7150008:150008:You've reached ...`), so the texts decide
before the codes do.
"""

import re

import msgspec

from common.contracts.feed import Cause
from feed_publisher.listings.listing import Refused


class Known(msgspec.Struct, frozen=True):
    """A cause we can explain. `is_transient`: the fault is not in the data, try again later."""

    name: str
    code: str | None
    pattern: str | None
    explanation: str
    remedy: str
    is_transient: bool = False


KNOWN: tuple[Known, ...] = (
    Known(
        "duplicate-sku",
        "F00-00-10007-007",
        r"duplicate sku_code",
        "Two SKUs of the product have the same SKU code.",
        "Give every SKU of the product a code of its own.",
    ),
    Known(
        "empty-sku",
        "F00-00-10007-009",
        r"sku_code is empty",
        "A SKU has no SKU code.",
        "Fill the field that is matched to sku_code, or give it a template.",
    ),
    Known(
        "unknown-sku-attribute",
        "F00-00-10007-015",
        r"sku_attribute_name you input does not exist",
        "A variation attribute is not known in this category.",
        "Match the variation to an attribute the category has, or choose another category.",
    ),
    Known(
        "account-gone",
        None,
        r"SellerId=\S* not exists",
        "The seller's account is deleted, suspended or not active.",
        "Look at the account in the AliExpress seller centre; connect the shop again after that.",
        is_transient=True,
    ),
    Known(
        "app-refused",
        None,
        r"(?i:isv\.permission-|isv\.insufficient-(\w+-)?permission|AppWhiteIpLimit"
        r"|^InsufficientPermission)",
        "AliExpress refuses the channel's own access; it is no fault of the product.",
        "Nothing: every run tries again; tell the operator if it stays.",
        is_transient=True,
    ),
    Known(
        "not-a-leaf",
        None,
        r"NOT_LEAF_CATEGORY",
        "The category has categories below it; products go into the lowest level only.",
        "Match the catalogue's category to a leaf of AliExpress's tree.",
    ),
    Known(
        "shop-full",
        None,
        r"150008|maximum number of products",
        "The shop holds as many products as AliExpress allows.",
        "Take products out of the feed or offline, or ask AliExpress for a higher limit.",
        is_transient=True,
    ),
    Known(
        "title-text",
        None,
        r"090001|subject information you filled in",
        "The title holds characters AliExpress does not take, such as < or >, or is not in the "
        "main language.",
        "Remove these characters from the title.",
    ),
    Known(
        "suspended",
        None,
        r"000003:|operation rights have been suspended",
        "AliExpress has suspended the seller's rights to publish.",
        "Ask AliExpress's customer service; the channel tries again with each run.",
        is_transient=True,
    ),
    Known(
        "no-image",
        None,
        r"None of your image url",
        "AliExpress could fetch none of the product's pictures, or takes only those of the shop's "
        "photo bank.",
        "Check that the first picture's address answers from outside your network; where it does, "
        "set photo_bank: on in the feed.",
    ),
    Known(
        "internal",
        None,
        r"系统错误|系统异常|System exception|^16009999$",
        "AliExpress had an error of its own.",
        "Nothing: the channel tries again with the next run.",
        is_transient=True,
    ),
    Known(
        "field",
        None,
        r"040003:(?P<field>[\w.]+)_(?P<rule>[A-Za-z]+)Validator",
        "A field is missing or breaks a rule of the category's schema: {field} ({rule}).",
        "Compare the field {field} with what the category asks for, and correct its match.",
    ),
    Known(
        "auditing",
        "auditing",
        r"being audited",
        "AliExpress is still checking the product; it takes no change until then.",
        "Nothing: the channel tries again.",
        is_transient=True,
    ),
    Known(
        "product-gone",
        None,
        r"product does not exist",
        "AliExpress no longer has this product.",
        "Nothing: the product run creates it again.",
        is_transient=True,
    ),
    Known(
        "sku-claimed",
        "sku-claimed",
        None,
        "The SKU code belongs to another product of this shop; a code belongs to one only (M1.7).",
        "Change one of the two SKU codes, or take the other product out; this one follows by "
        "itself once AliExpress has confirmed that.",
        is_transient=True,
    ),
    Known(
        "already-online",
        "already-online",
        None,
        "A product with this SKU is online in the shop and was not published by this channel "
        "(M1.6).",
        "Take it offline on AliExpress, or adopt it: GET .../adoptions lists what can be adopted.",
        is_transient=True,
    ),
    Known(
        "no-stock",
        "no-stock",
        None,
        "AliExpress takes a new product only with stock of at least one SKU.",
        "Nothing, if it is sold out: it is created once it has stock. Else match a stock field.",
    ),
    Known(
        "offer-missing",
        "offer-missing",
        None,
        "A SKU of the product has no valid price.",
        "Match price and stock for every SKU.",
    ),
    Known(
        "offers-invalid",
        "offers-invalid",
        None,
        "A price or stock of the catalogue cannot be used, and AliExpress keeps the one it has; "
        "all else of the product is sent.",
        "Do what the message says; the preview shows every issue of the product.",
    ),
    Known(
        "locale-fixed",
        "locale-fixed",
        None,
        "The main language of a product cannot change after it was created (M3.1).",
        "Set the feed's main language back, or remove the product and create it again.",
    ),
    Known(
        "removal-guard",
        "removal-guard",
        None,
        "The run would delete or zero an unusual share of the shop's products or SKUs (M7.4).",
        "Check the catalogue; confirm the run if they are really gone.",
    ),
    Known(
        "configuration-guard",
        "configuration-guard",
        None,
        "A new configuration would rewrite an unusual share of the shop's products (M7.4).",
        "Compare before and after in the report; confirm the run if the new content is right, or "
        "correct the configuration.",
    ),
    Known(
        "no-answer",
        "no-answer",
        None,
        "AliExpress accepted the call but never reported its outcome.",
        "Nothing: the channel compares with the shop and tries again with the next run.",
        is_transient=True,
    ),
    Known(
        "job-stuck",
        "job-stuck",
        None,
        "AliExpress has taken the product into a job that it neither finishes nor cancels.",
        "Nothing: the channel leaves the product alone until the job has ended, and goes on then.",
        is_transient=True,
    ),
    Known(
        "run-failed",
        "run-failed",
        None,
        "The channel gave the run up after several failures of its own.",
        "Read the run's trouble. The products it had left are in the next run; tell the operator if"
        " that fails too.",
    ),
    Known(
        "fast-lane-full",
        "fast-lane-full",
        None,
        "The fast lane may use only a share of AliExpress's limits, which was used up; or"
        " AliExpress took no call, and an ordinary run was waiting.",
        "Nothing: the next offer run sends it. The share is a setting of the operator's.",
        is_transient=True,
    ),
    Known(
        "payload-invalid",
        "payload-invalid",
        None,
        "The product's data cannot be written in AliExpress's form.",
        "Read the message and correct the named value.",
    ),
)

_OWN = {known.code: known for known in KNOWN if known.code and known.pattern is None}
_BY_CODE = {known.code: known for known in KNOWN if known.code is not None}
RUN_FAILED = Refused("run-failed", "the run was given up")
AUDITING = Refused("auditing", "the product is still being audited", is_transient=True)
FAST_LANE_FULL = Refused("fast-lane-full", "no call was left for the fast lane", is_transient=True)
JOB_STUCK = Refused("job-stuck", "AliExpress has not finished the job in time", is_transient=True)
UNKNOWN_EXPLANATION = "AliExpress refused this without a reason we know."
UNKNOWN_REMEDY = "Read AliExpress's own message; ask the operator if it does not help."


def find_known(code: str, message: str) -> tuple[Known, dict[str, str]] | None:
    """The known cause, and what its message names; our own codes say it whatever the message."""
    if own := _OWN.get(code):
        return own, {}
    for known in KNOWN:
        for text in (message, code):
            match = re.search(known.pattern, text) if known.pattern else None
            if match:
                return known, match.groupdict()
    found = _BY_CODE.get(code)
    return None if found is None else (found, {})


def explain(refused: Refused, *, count: int = 1) -> Cause:
    """The refusal as a cause people can act on; raw code and message are kept."""
    found = find_known(refused.code, refused.message)
    if found is None:
        explanation, remedy = UNKNOWN_EXPLANATION, UNKNOWN_REMEDY
    else:
        known, named = found
        explanation = known.explanation.format_map(named)
        remedy = known.remedy.format_map(named)
    return Cause(
        code=refused.code,
        message=refused.message,
        explanation=explanation,
        remedy=remedy,
        count=count,
    )


def refusal(code: str | None, message: str | None) -> Refused:
    """AliExpress's refusal, known to be transient or not."""
    code, message = code or "", message or ""
    found = find_known(code, message)
    return Refused(code, message, is_transient=found is not None and found[0].is_transient)
